"""Which row makes a step fail, where a step that sees many rows at once has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


class FailingRow(NamedTuple):
    """The first row that fails by itself: its position in the batch, and how it does."""

    position: int
    error: BaseException


def first_failing_row(
    batch: pa.RecordBatch, failure: Callable[[pa.RecordBatch], BaseException | None]
) -> FailingRow | None:
    """Return the first row of a batch on which a step fails alone; None if no row does.

    The batch is halved as long as a half fails, so the step runs on about twice its rows again.

    Parameters
    ----------
    failure
        Runs the step on some of the rows and returns what it raised; it fails on the whole batch.
    """
    start, rows = 0, batch.num_rows
    while rows > 1:
        half = rows // 2
        if failure(batch.slice(start, half)) is not None:
            rows = half
        elif failure(batch.slice(start + half, rows - half)) is not None:
            start, rows = start + half, rows - half
        else:
            return None
    error = failure(batch.slice(start, rows)) if rows else None
    return None if error is None else FailingRow(start, error)


def place_of(batch: pa.RecordBatch, found: FailingRow | None) -> str:
    """Say where a step has failed: `at row 12`, or on which rows together."""
    if not batch.num_rows:
        return "on a frame without rows"
    if ROW_NUMBER not in batch.schema.names:
        return "on the values of several rows"
    numbers = batch.column(ROW_NUMBER)
    if found is not None:
        return f"at row {numbers[found.position].as_py():,}"
    first, last = numbers[0].as_py(), numbers[-1].as_py()
    return f"on the batch from row {first:,} to {last:,}, though on none of its rows alone"
