"""Equal rows have equal hashes, whatever their batch; others have not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.row_hashes import row_hashes

FAR = [-(2**63), 2**63 - 1]
"""With these in a batch its numbers are no short range."""


def hashes(*columns: pa.Array) -> list[tuple[int, int]]:
    high, low = row_hashes(list(columns))
    return list(zip(high.tolist(), low.tolist(), strict=True))


@given(st.lists(st.none() | st.integers(-5, 5), min_size=11))
def test_a_number_has_one_hash_in_short_ranges_and_in_long_ones(numbers: list[int | None]) -> None:
    in_short = hashes(pa.array(numbers, pa.int64()))
    in_long = hashes(pa.array([*numbers, *FAR], pa.int64()))[: len(numbers)]

    assert in_short == in_long
    assert len(set(in_short)) == len(set(numbers))


@pytest.mark.parametrize(
    ("one", "other"), [(pa.array([1]), pa.array([2])), (pa.array(["a"]), pa.array(["b"]))]
)
def test_the_order_of_columns_counts(one: pa.Array, other: pa.Array) -> None:
    assert hashes(one, other) != hashes(other, one)


def test_no_value_is_no_zero_and_no_empty_text() -> None:
    assert len(set(hashes(pa.array([0, None])))) == 2
    assert len(set(hashes(pa.array(["", None])))) == 2


def test_columns_may_be_added_to_hashes() -> None:
    texts, numbers = pa.array(["a", "a", "b"]), pa.array([1, 1, 1])

    high, low = row_hashes([numbers], begun=row_hashes([texts]))

    assert (high[0], low[0]) == (high[1], low[1]) != (high[2], low[2])
    swapped, _ = row_hashes([texts], begun=row_hashes([numbers]))
    assert not np.isin(high, swapped).any()
