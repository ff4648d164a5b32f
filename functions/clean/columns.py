"""The steps of each column, applied to a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from functions.clean.survey import StatisticQuestion, fill_sources
from pipeline.arrow_types import scalar_of
from pipeline.cleaning import FILL, STEPS
from pipeline.distinct import distinct, filled, plain, value_type
from pipeline.errors import StepError
from pipeline.frames import with_columns
from pipeline.masking import cause, told
from pipeline.text_parsing import PARSERS

if TYPE_CHECKING:
    from functions.clean.survey import Survey
    from pipeline.plan import Plan
    from pipeline.plan_steps import Step

Steps = tuple["Step", ...]


def steps_of(name: str, plan: Plan) -> tuple[Steps, Steps]:
    """Return a column's steps: up to the one that parses its text, if there is one, and the rest.

    Those for all are for columns of text as the contract has it: JSON is not written by people.
    """
    of_all = plan.clean.all if name in plan.text_columns else ()
    steps = (*of_all, *plan.clean.columns.get(name, ()))
    parsing = next((at for at, step in enumerate(steps, 1) if step.name in PARSERS), 0)
    return steps[:parsing], steps[parsing:]


def cleaned_values(column: pa.Array, name: str, steps: Steps, plan: Plan) -> pa.Array:
    """Return the column after steps that look at nothing but its own values, encoded as it came.

    Raises
    ------
    StepError
        If a step cannot be done on a value.
    """
    for step in steps:
        if step.name == FILL:
            column = filled(column, scalar_of(step.argument, value_type(column.type)))
        else:
            column = _stepped(column, name, step, plan)
    return column


def _stepped(column: pa.Array, name: str, step: Step, plan: Plan) -> pa.Array:
    parts = distinct(column)
    try:
        changed = STEPS[step.name].apply(parts.values, step.argument)
    except pa.ArrowInvalid as error:
        raise StepError(
            f"The step {step.name} of clean.columns.{name} cannot be done: "
            f"{told(str(error), [name], plan)}.",
            remedy="Limit the column's values in the contract, or leave the step out.",
            step=step.name,
        ) from cause(error, [name], plan)
    return column if changed.equals(parts.values) else parts.encoded(changed)


class Cleaner:
    """Applies the steps behind parsing; remembers the last value where `fill` wants the previous.

    Columns are cleaned in the frame's order, but those that another one is filled from before it.
    """

    def __init__(self, plan: Plan, survey: Survey) -> None:
        self._plan = plan
        self._survey = survey
        names = {*(column.name for column in plan.columns), *plan.clean.columns}
        self._steps = {name: steps_of(name, plan) for name in names}
        self._previous: dict[tuple[str, int], pa.Scalar] = {}

    def begin(self) -> None:
        """Begin at the first row of the file."""
        self._previous = {}

    def cleaned(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the next batch with its columns cleaned."""
        cleaned: dict[str, pa.Array] = {}
        for name in batch.schema.names:
            self._clean(name, batch, cleaned)
        return with_columns(batch, cleaned)

    def _clean(self, name: str, batch: pa.RecordBatch, cleaned: dict[str, pa.Array]) -> None:
        """Enter a column into those that are cleaned, if it has steps, after those it needs."""
        before, steps = self._steps.get(name, ((), ()))
        if name in cleaned or not steps:
            return
        for source in fill_sources(steps):
            self._clean(source, batch, cleaned)
        column = batch.column(name)
        of_all = len(before) + len(steps) - len(self._plan.clean.columns.get(name, ()))
        at_first = len(before) - of_all
        for at, step in enumerate(steps, at_first):
            column = self._step((name, at), step, column, batch, cleaned)
        cleaned[name] = column

    def _step(
        self,
        place: tuple[str, int],
        step: Step,
        column: pa.Array,
        batch: pa.RecordBatch,
        cleaned: dict[str, pa.Array],
    ) -> pa.Array:
        source = step.fills_from
        if source == "column":
            other = step.argument["column"]
            return filled(column, plain(cleaned.get(other, batch.column(other))))
        if source == "previous":
            return self._with_previous(place, column)
        if source == "statistic":
            return self._with_statistic(self._survey.statistics[place], column)
        return cleaned_values(column, place[0], (step,), self._plan)

    def _with_previous(self, place: tuple[str, int], column: pa.Array) -> pa.Array:
        """Column whose gaps have the value before; one at the file's beginning stays."""
        if column.null_count:
            whole = pc.fill_null_forward(plain(column))
            if place in self._previous:
                whole = pc.fill_null(whole, self._previous[place])
            column = filled(column, whole)
        if len(column) and column[-1].is_valid:
            self._previous[place] = plain(column[-1:])[0]
        return column

    def _with_statistic(self, question: StatisticQuestion, column: pa.Array) -> pa.Array:
        if self._survey.asks(question):
            question.observe(column)
        return column if question.answer is None else filled(column, question.answer)
