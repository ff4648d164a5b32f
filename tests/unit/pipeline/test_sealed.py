"""Columns in pieces: what passes a stage by is what it would have read and written again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UnbalancedBooksError
from pipeline.plan import ROW_NUMBER
from pipeline.sealed import frame_rows, pieces_of, rows_left, sealed
from pipeline.staging import DIVIDED_BYTES, StagedReader, StagedWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

READERS = {ROW_NUMBER: "next", "read": "next", "later": "later", "last": "last"}


def numbered(numbers: Sequence[int], **columns: list[Any]) -> pa.RecordBatch:
    made = {ROW_NUMBER: pa.array(numbers, pa.int64())}
    made |= {name: pa.array(values) for name, values in columns.items()}
    return pa.RecordBatch.from_arrays(list(made.values()), list(made))


ROWS = DIVIDED_BYTES // 8
"""With so many numbers of 64 bits a batch is divided."""


def many(rows: int = ROWS) -> pa.RecordBatch:
    """Rows with a column for each reader."""
    numbers = range(1, rows + 1)
    return numbered(
        numbers,
        read=[number % 7 for number in numbers],
        later=[f"text {number % 5}" for number in numbers],
        last=[number * 1000 for number in numbers],
    )


@given(st.lists(st.booleans(), max_size=40), st.data())
def test_rows_that_leave_stage_after_stage_leave_sealed_columns(
    first: list[bool], data: st.DataObject
) -> None:
    # GIVEN a piece of which some rows leave, and then some of the others
    values = list(range(100, 100 + len(first)))
    left = [value for value, stays in zip(values, first, strict=True) if stays]
    second = data.draw(st.lists(st.booleans(), min_size=len(left), max_size=len(left)))
    piece = sealed(numbered(values), set())

    # WHEN it goes through a frame after each time
    for mask in (first, second):
        (piece,) = pieces_of(frame_rows([piece.less(np.array(mask, np.bool_))]))

    # THEN
    expected = [value for value, stays in zip(left, second, strict=True) if stays]
    assert piece.opened().column(ROW_NUMBER).to_pylist() == expected
    assert piece.columns == [ROW_NUMBER]


@given(st.lists(st.integers(0, 50), unique=True).map(sorted), st.data())
def test_rows_left_are_those_whose_numbers_are_left(
    numbers: list[int], data: st.DataObject
) -> None:
    stays = data.draw(st.lists(st.booleans(), min_size=len(numbers), max_size=len(numbers)))
    before = numbered(numbers)
    after = numbered([n for n, stay in zip(numbers, stays, strict=True) if stay])

    left = rows_left(before, after)

    assert (stays if left is None else left.tolist()) == stays
    assert (left is None) == all(stays)


def test_rows_of_other_numbers_are_an_error() -> None:
    with pytest.raises(UnbalancedBooksError, match=r"left 2 rows of 3, and 1 of their row numbers"):
        rows_left(numbered([1, 2, 3]), numbered([2, 4]))


def test_only_what_is_asked_for_is_opened(bucket: str) -> None:
    # GIVEN
    batch = many()
    with StagedWriter(bucket, "k", READERS) as writer:
        writer.write(batch)

    # WHEN
    (staged,) = StagedReader(bucket, "k", {ROW_NUMBER, "read"}).batches()

    # THEN
    assert staged.rows.schema.names == [ROW_NUMBER, "read"]
    assert {name for piece in staged.sealed for name in piece.columns} == {"later", "last"}


def test_a_version_that_opens_other_columns_finds_them(bucket: str) -> None:
    """The writer's opinion of who reads a column decides on its piece, and on nothing else."""
    with StagedWriter(bucket, "k", READERS) as writer:
        writer.write(many())

    (batch,) = StagedReader(bucket, "k", {ROW_NUMBER, "last"})

    assert set(batch.schema.names) >= {ROW_NUMBER, "last"}
    assert batch.column("last") == many().column("last")


def test_a_small_batch_is_not_divided(bucket: str) -> None:
    batch = many(1_000)
    with StagedWriter(bucket, "k", READERS) as writer:
        writer.write(batch)

    (staged,) = StagedReader(bucket, "k", {"read"}).batches()

    assert staged.rows == batch
    assert not staged.sealed


def test_columns_that_passed_a_stage_by_meet_the_others_again(bucket: str) -> None:
    # GIVEN a batch of which a stage opened one column, changed it and left every third row
    with StagedWriter(bucket, "k", READERS) as writer:
        writer.write(many())
    with StagedWriter(bucket, "after", READERS) as writer:
        for staged in StagedReader(bucket, "k", {ROW_NUMBER, "read"}).batches():
            rows = staged.rows.take(pa.array(range(0, ROWS, 3)))
            changed = rows.set_column(1, "read", pa.array([-1] * rows.num_rows))
            writer.write(changed, staged.passing(changed))

    # WHEN all is opened
    order = ["later", "last", "read", ROW_NUMBER]
    (found,) = StagedReader(bucket, "after", order=order)

    # THEN
    expected = [row | {"read": -1} for row in many().to_pylist()[::3]]
    assert found.schema.names == order
    assert found.to_pylist() == [{name: row[name] for name in order} for row in expected]


def test_all_rows_of_a_batch_may_leave(bucket: str) -> None:
    with StagedWriter(bucket, "k", READERS) as writer:
        writer.write(many())
    with StagedWriter(bucket, "after", READERS) as writer:
        for staged in StagedReader(bucket, "k", {ROW_NUMBER}).batches():
            none = staged.rows.slice(0, 0)
            writer.write(none, staged.passing(none))

    (found,) = StagedReader(bucket, "after")

    assert found.num_rows == 0
    assert set(found.schema.names) == {ROW_NUMBER, "read", "later", "last"}
