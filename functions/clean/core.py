"""Apply the dataset's cleaning steps to a batch, and take repeated rows out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounting import RowCounts
from pipeline.arrow_types import TEXT, scalar_of
from pipeline.cleaning import FILL, STEPS
from pipeline.distinct import distinct, plain, value_type
from pipeline.frames import ArrowResult, StageResult, stage_core, with_columns
from pipeline.plan import REPLAYED
from pipeline.uniqueness import SeenKeys

if TYPE_CHECKING:
    from pipeline.plan import Plan, Step


class CleanState:
    """The keys seen so far, for `dedupe`."""

    def __init__(self, _plan: Plan) -> None:
        self.seen = SeenKeys()


@stage_core(state=CleanState)
def clean(batch: pa.RecordBatch, plan: Plan, state: CleanState) -> ArrowResult:
    """Return the batch with its values cleaned and without rows whose key came before.

    Parameters
    ----------
    batch
        Rows that keep the contract, typed, with the row-number column.
    plan
        The compiled dataset; `plan.clean` says what to do.
    state
        Carried from batch to batch: a repeated key may come many batches later.
    """
    return _deduplicated(_cleaned(batch, plan), plan, state)


class SettledState:
    """The keys of all rows that came into the stage when the file was processed."""

    def __init__(self) -> None:
        self.seen = SeenKeys()


def settle(batch: pa.RecordBatch, plan: Plan, state: CleanState, settled: SettledState) -> None:
    """Let rows that passed this stage before, and are not replayed now, claim their keys.

    A row that was taken out as the duplicate of one that is replayed claims none: the other one
    has yet to come.

    Parameters
    ----------
    batch
        All rows that came into the stage before, in their order, with the mask `REPLAYED`.
    """
    cleaned = _cleaned(batch.drop_columns([REPLAYED]), plan)
    keys = [cleaned.column(name) for name in plan.clean.dedupe]
    passed = settled.seen.first_occurrences(keys)
    claiming = pc.and_not(passed, batch.column(REPLAYED))
    state.seen.first_occurrences([key.filter(claiming) for key in keys])


def _cleaned(batch: pa.RecordBatch, plan: Plan) -> pa.RecordBatch:
    cleaned = {}
    for name in batch.schema.names:
        column = batch.column(name)
        is_text = pa.types.is_string(value_type(column.type))
        steps = (*(plan.clean.all if is_text else ()), *plan.clean.columns.get(name, ()))
        if steps:
            cleaned[name] = cleaned_column(column, steps)
    return with_columns(batch, cleaned)


def cleaned_column(column: pa.Array, steps: tuple[Step, ...]) -> pa.Array:
    """Return the column after the steps, encoded as it came."""
    for step in steps:
        if step.name == FILL:
            column = _filled(column, step)
        else:
            parts = distinct(column)
            column = parts.encoded(STEPS[step.name].apply(parts.values, step.argument))
    return column


def _filled(column: pa.Array, step: Step) -> pa.Array:
    """Column with its missing values replaced by a constant."""
    if not column.null_count:
        return column
    constant = scalar_of(step.argument, value_type(column.type))
    filled = pc.fill_null(plain(column), constant)
    return filled.dictionary_encode().cast(TEXT) if pa.types.is_dictionary(column.type) else filled


def _deduplicated(batch: pa.RecordBatch, plan: Plan, state: CleanState) -> ArrowResult:
    if not plan.clean.dedupe or not batch.num_rows:
        return StageResult(batch)
    first = state.seen.first_occurrences([batch.column(name) for name in plan.clean.dedupe])
    kept = batch.filter(first)
    return StageResult(kept, counts=RowCounts(duplicates=batch.num_rows - kept.num_rows))
