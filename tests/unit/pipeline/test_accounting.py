from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounting import RowCounts, check_run_books, check_stage_books
from pipeline.errors import UnbalancedBooksError

COUNTS = st.builds(RowCounts, *[st.integers(0, 10**12)] * 7)


@given(COUNTS, COUNTS)
def test_counts_add_up_column_by_column(left: RowCounts, right: RowCounts) -> None:
    expected = {name: left.to_json()[name] + right.to_json()[name] for name in right.to_json()}

    left.add(right)

    assert left.to_json() == expected


def test_taken_out_is_all_that_is_read_and_not_written() -> None:
    counts = RowCounts(
        read=99, written=50, rejected=1, duplicates=2, filtered=4, dropped_by_lookup=8
    )

    assert counts.taken_out == 1 + 2 + 4 + 8


@pytest.mark.parametrize(
    "counts",
    [
        RowCounts(),
        RowCounts(read=10, written=10),
        RowCounts(read=15, written=0, rejected=1, duplicates=2, filtered=4, dropped_by_lookup=8),
        RowCounts(read=10, expanded=7, written=14, filtered=3),
    ],
)
def test_balanced_books_pass(counts: RowCounts) -> None:
    check_run_books(counts)
    check_stage_books("clean", rows_in=counts.read, rows_out=counts.written, counts=counts)


@pytest.mark.parametrize("written", [8, 10])
def test_books_of_a_run_that_lost_or_won_a_row_raise(written: int) -> None:
    with pytest.raises(UnbalancedBooksError, match="'read': 10") as raised:
        check_run_books(RowCounts(read=10, written=written, rejected=1))

    assert f"'written': {written}" in str(raised.value)


def test_rows_that_a_step_has_made_must_be_somewhere_too() -> None:
    counts = RowCounts(read=10, expanded=5, written=14)

    with pytest.raises(UnbalancedBooksError, match="'expanded': 5"):
        check_run_books(counts)
    with pytest.raises(UnbalancedBooksError, match=r"10 rows in, 5 made of them, 14 out.*\+1 rows"):
        check_stage_books("transform", rows_in=10, rows_out=14, counts=counts)


@pytest.mark.parametrize(("rows_out", "difference"), [(1_997, "+2"), (2_001, "-2")])
def test_books_of_a_stage_name_it_and_the_figures(rows_out: int, difference: str) -> None:
    with pytest.raises(UnbalancedBooksError) as raised:
        check_stage_books("clean", rows_in=2_000, rows_out=rows_out, counts=RowCounts(rejected=1))

    assert "clean" in str(raised.value)
    assert "2,000 rows in" in str(raised.value)
    assert f"{difference} rows" in str(raised.value)
