from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pipeline.failing_rows import FailingRow, first_failing_row, place_of
from tests.unit.pipeline.support import batch_with

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


def failing_on(*bad: int, together: int = 10**9) -> Callable[[pa.RecordBatch], Exception | None]:
    """A step that fails on some values, and on so many rows at once."""

    def failure(batch: pa.RecordBatch) -> Exception | None:
        found = [value for value in batch.column("n").to_pylist() if value in bad]
        return ValueError(found) if found or batch.num_rows >= together else None

    return failure


@given(st.integers(1, 300), st.data())
def test_the_first_of_the_failing_rows_is_found(rows: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, rows - 1), min_size=1))
    calls = []
    failure = failing_on(*bad)

    def counted(batch: pa.RecordBatch) -> Exception | None:
        calls.append(batch.num_rows)
        return failure(batch)

    found = first_failing_row(batch_with(n=range(rows)), counted)

    # With what it says itself, on at most about twice the rows.
    assert found is not None
    assert (found.position, found.error.args) == (min(bad), ([min(bad)],))
    assert sum(calls) <= 2 * rows + 1


def test_rows_that_fail_together_alone_are_told_as_such() -> None:
    batch = batch_with(n=range(5))

    found = first_failing_row(batch, failing_on(together=3))

    assert found is None
    assert place_of(batch, found) == (
        "on the batch from row 1 to 5, though on none of its rows alone"
    )


def test_the_place_of_a_failure_is_a_row_of_the_file() -> None:
    batch = batch_with(n=range(2000))
    nothing = batch.slice(0, 0)

    assert place_of(batch, FailingRow(1233, ValueError())) == "at row 1,234"
    assert first_failing_row(nothing, failing_on()) is None
    assert place_of(nothing, None) == "on a frame without rows"
    assert place_of(batch.select(["n"]), None) == "on the values of several rows"
