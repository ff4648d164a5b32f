"""Apply the dataset's cleaning to a batch: values, repairs, repeated rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from functions.clean.columns import Cleaner
from functions.clean.parsing import parsed_batch
from functions.clean.survey import Survey
from pipeline.accounting import RowCounts
from pipeline.frames import ArrowResult, StageResult, stage_core
from pipeline.plan import REPLAYED
from pipeline.uniqueness import SeenKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.findings import Repair
    from pipeline.plan import Plan


class CleanState:
    """What is known of the file: by the survey, and of the rows that came before."""

    def __init__(self, plan: Plan) -> None:
        self.survey = Survey(plan.clean)
        self.cleaner = Cleaner(plan, self.survey)
        self.seen = SeenKeys()


def survey(read: Callable[[], Iterable[pa.RecordBatch]], plan: Plan, state: CleanState) -> None:
    """Let the state know what the plan needs to know of the whole file; often that is nothing.

    Parameters
    ----------
    read
        Gives the batches that `clean` will be given, from the first one at each call.
    """
    for asking in state.survey.passes:
        state.survey.begin(asking)
        state.cleaner.begin()
        for batch in read():
            good, _ = parsed_batch(batch, plan)
            changed, _ = _changed(good, state)
            if state.survey.keepers and state.survey.asks(state.survey.keepers):
                state.survey.keepers.observe(changed)
        state.survey.end()
    state.cleaner.begin()


@stage_core(state=CleanState, survey=survey)
def clean(batch: pa.RecordBatch, plan: Plan, state: CleanState) -> ArrowResult:
    """Return the batch with its values cleaned and without repeated rows.

    Rows whose text is no number or date, where it has to be, are rejected.

    Parameters
    ----------
    batch
        Rows that keep the contract, typed, with the row-number column.
    plan
        The compiled dataset; `plan.clean` says what to do.
    state
        Carried from batch to batch: a repeated key may come many batches later. It has been
        through `survey`.
    """
    assert state.survey.done, "survey(read, plan, state) comes before the first batch"
    good, rejects = parsed_batch(batch, plan)
    changed, repairs = _changed(good, state)
    kept = _deduplicated(changed, plan, state)
    counts = RowCounts(rejected=len(rejects), duplicates=good.num_rows - kept.num_rows)
    return StageResult(kept, rejects, counts, repairs=repairs)


class SettledState:
    """The keys of all rows that came into the stage when the file was processed."""

    def __init__(self) -> None:
        self.seen = SeenKeys()


def settle(batch: pa.RecordBatch, plan: Plan, state: CleanState, settled: SettledState) -> None:
    """Let rows that passed this stage before, and are not replayed now, claim their keys.

    A row that was taken out as the duplicate of one that is replayed claims none: the other one
    has yet to come. Nor does one whose text is no number or date any more.

    Parameters
    ----------
    batch
        All rows that this stage let pass before, in their order, with the mask `REPLAYED`.
    """
    cleaned, _ = _changed(parsed_batch(batch, plan)[0], state)
    keys = [cleaned.column(name) for name in (plan.clean.dedupe.by if plan.clean.dedupe else ())]
    passed = settled.seen.first_occurrences(keys)
    claiming = pc.and_not(passed, cleaned.column(REPLAYED))
    state.seen.first_occurrences([key.filter(claiming) for key in keys])


def _changed(batch: pa.RecordBatch, state: CleanState) -> tuple[pa.RecordBatch, list[Repair]]:
    """The batch with cleaned values, as far as the survey has come, and what was repaired."""
    batch = state.cleaner.cleaned(batch)
    repairs: list[Any] = []
    for dependency in state.survey.dependencies:
        if state.survey.asks(dependency):
            dependency.observe(batch)
        elif dependency.settled:
            batch, found = dependency.repaired(batch)
            repairs += found
    return batch, repairs


def _deduplicated(batch: pa.RecordBatch, plan: Plan, state: CleanState) -> pa.RecordBatch:
    if not plan.clean.dedupe or not batch.num_rows:
        return batch
    if state.survey.keepers:
        return batch.filter(state.survey.keepers.kept(batch))
    keys = [batch.column(name) for name in plan.clean.dedupe.by]
    return batch.filter(state.seen.first_occurrences(keys))
