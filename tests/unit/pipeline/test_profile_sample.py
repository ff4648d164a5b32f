"""Rows of all batches, spread over the file, in bounded memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.distinct import Distinct
from pipeline.profile_sample import MOST_BYTES, MOST_CELLS, MOST_ROWS, Sample, chosen


def sampled(batches: list[list[int]]) -> list[int]:
    """Row numbers in the sample of a file of one column, which comes in these batches."""
    sample = Sample()
    for batch in batches:
        sample.add({"n": Distinct(pa.array(batch, pa.int64()), None)}, len(batch))
    columns, rows = sample.columns()
    found: list[int] = columns["n"].to_pylist() if columns else []
    assert rows == len(found)
    return found


def in_batches(rows: int, batch_rows: int) -> list[list[int]]:
    return [
        list(range(start, min(start + batch_rows, rows))) for start in range(0, rows, batch_rows)
    ]


@pytest.mark.parametrize("rows", [0, 1, 1000, MOST_ROWS])
def test_few_rows_are_all_in_the_sample(rows: int) -> None:
    assert sampled(in_batches(rows, 300)) == list(range(rows))


@pytest.mark.parametrize("rows", [MOST_ROWS + 1, 20_000, 100_000])
@pytest.mark.parametrize("batch_rows", [700, 8_000, 100_000])
def test_of_many_rows_one_of_each_block_is(rows: int, batch_rows: int) -> None:
    found = sampled(in_batches(rows, batch_rows))

    block = next(2**level for level in range(1, 20) if rows >> level <= MOST_ROWS)
    blocks = [row // block for row in found]
    assert blocks in (list(range(rows // block)), list(range(-(-rows // block))))


def test_sample_does_not_depend_on_the_batches() -> None:
    rows = 50_000
    assert sampled(in_batches(rows, 999)) == sampled(in_batches(rows, 13_000))


@given(st.integers(0, 8), st.integers(0, 3000), st.integers(1, 500), st.integers(0, 300))
def test_rows_are_chosen_alike_whatever_part_of_the_file_is_asked_for(
    level: int, start: int, rows: int, more: int
) -> None:
    stop = start + rows
    parts = [*chosen(level, start, stop), *chosen(level, stop, stop + more + 1)]
    assert parts == chosen(level, start, stop + more + 1).tolist()
    assert set(chosen(level + 1, start, stop)) <= set(chosen(level, start, stop))


@pytest.mark.parametrize("period", [7, 12, 16, 24, 60, 64])
def test_what_comes_back_every_so_many_rows_is_met_at_all_its_places(period: int) -> None:
    places = Counter((chosen(6, 0, 400_000) % period).tolist())

    expected = 400_000 / 64 / period
    assert len(places) == period
    assert all(0.5 * expected < found < 1.5 * expected for found in places.values())


def test_the_more_columns_the_fewer_rows() -> None:
    columns = {f"c{at}": Distinct(pa.array(range(2_000)), None) for at in range(500)}
    sample = Sample()
    sample.add(columns, 2_000)

    _, rows = sample.columns()

    assert MOST_CELLS / 500 / 2 - 1 <= rows <= MOST_CELLS / 500


@pytest.mark.parametrize("encoded", [False, True])
def test_long_texts_are_cut_and_the_sample_is_bounded(encoded: bool) -> None:
    texts = pa.array([f"{row:05}" + "é" * 10_000 for row in range(400)])
    column = texts.dictionary_encode()
    values = Distinct(column.dictionary, column.indices) if encoded else Distinct(texts, None)
    sample = Sample()
    for _ in range(3):
        sample.add({"text": values, "again": values}, 400)

    columns, rows = sample.columns()

    assert rows == 1200
    assert columns["text"].to_pylist() == [f"{row:05}" + "é" * 96 for row in range(400)] * 3
    assert sum(column.nbytes for column in columns.values()) <= MOST_BYTES


def test_one_long_text_among_short_ones_is_cut_and_thins_out_nothing() -> None:
    texts = pa.array(["a"] * 500 + ["b" * 3_000_000] + ["c"] * 500)
    sample = Sample()
    sample.add({"text": Distinct(texts, None)}, len(texts))

    columns, rows = sample.columns()

    assert rows == 1001
    assert columns["text"][500].as_py() == "b" * 101


def test_much_text_thins_the_sample_out_evenly() -> None:
    sample = Sample()
    texts = {f"t{at}": Distinct(pa.array(["x" * 100] * 1000), None) for at in range(20)}
    for start in range(0, 10_000, 1000):
        numbers = Distinct(pa.array(range(start, start + 1000)), None)
        sample.add({"n": numbers, **texts}, 1000)

    columns, rows = sample.columns()

    assert MOST_BYTES / 2 / 2300 < rows <= MOST_BYTES / 2000
    gaps = np.diff(columns["n"].to_numpy(), prepend=0, append=10_000)
    assert gaps.max() < 4 * 10_000 / rows


def test_rows_without_a_value_stay_without_one() -> None:
    values = Distinct(pa.array(["a", None]), pa.array([0, 1, None, 0], pa.int32()))
    sample = Sample()
    sample.add({"c": values}, 4)

    assert sample.columns()[0]["c"].to_pylist() == ["a", None, None, "a"]
