"""Apply the dataset's transform steps to a batch, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipeline.accounting import RowCounts
from pipeline.arrow_types import arrow_type, staged_type
from pipeline.distinct import value_type
from pipeline.errors import StepError
from pipeline.frames import ArrowResult, StageResult, stage_core, with_columns
from pipeline.plan import ROW_NUMBER
from pipeline.python_steps import PythonSteps
from pipeline.sql import SqlSteps

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.plan import Plan, Step


class TransformState:
    """What is kept between batches: DuckDB's connection and the dataset's Python module."""

    def __init__(self, plan: Plan) -> None:
        self.sql = SqlSteps()
        self.python = PythonSteps(plan)


@stage_core(state=TransformState)
def transform(batch: pa.RecordBatch, plan: Plan, state: TransformState) -> ArrowResult:
    """Return the batch after all steps; rows that a filter refused are counted.

    Parameters
    ----------
    batch
        Clean rows, typed, with the row-number column.
    plan
        The compiled dataset; `plan.transform` lists the steps in order.
    state
        Kept between the batches of a file.

    Raises
    ------
    StepError
        If an expression or a Python step fails on the data.
    """
    rows = batch.num_rows
    for step in plan.transform:
        batch = _STEPS[step.name](batch, step, state)
    return StageResult(_conformed(batch, plan), counts=RowCounts(filtered=rows - batch.num_rows))


def _derive(batch: pa.RecordBatch, step: Step, state: TransformState) -> pa.RecordBatch:
    made = state.sql.evaluate(
        batch, step.argument["columns"], step.argument["inputs"], f"derive {_names(step)}"
    )
    chunks = {name: _single(made.column(name)) for name in made.column_names}
    return with_columns(batch, chunks)


def _filter(batch: pa.RecordBatch, step: Step, state: TransformState) -> pa.RecordBatch:
    kept = state.sql.evaluate(
        batch, {"kept": step.argument["where"]}, step.argument["inputs"], "filter"
    )
    return batch.filter(_single(kept.column("kept")))  # which leaves out nulls, too


def _rename(batch: pa.RecordBatch, step: Step, _state: TransformState) -> pa.RecordBatch:
    return batch.rename_columns([step.argument.get(name, name) for name in batch.schema.names])


def _select(batch: pa.RecordBatch, step: Step, _state: TransformState) -> pa.RecordBatch:
    return batch.select([*step.argument, ROW_NUMBER])


def _python(batch: pa.RecordBatch, step: Step, state: TransformState) -> pa.RecordBatch:
    return state.python.apply(batch, step.argument)


_STEPS: Final[dict[str, Callable[[pa.RecordBatch, Step, TransformState], pa.RecordBatch]]] = {
    "derive": _derive,
    "filter": _filter,
    "rename": _rename,
    "select": _select,
    "python": _python,
}


def _names(step: Step) -> str:
    return ", ".join(step.argument["columns"])


def _single(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _conformed(batch: pa.RecordBatch, plan: Plan) -> pa.RecordBatch:
    """Batch with the types that the plan promises; text dictionary-encoded where it was not."""
    promised = plan.schemas["transform"]
    columns = {}
    for name, kind in promised.items():
        wanted = arrow_type(kind)
        column = _promised(batch, name, wanted, plan)
        if pa.types.is_string(column.type) and staged_type(wanted) != column.type:
            column = column.dictionary_encode()
        columns[name] = column
    columns[ROW_NUMBER] = batch.column(ROW_NUMBER)
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _promised(batch: pa.RecordBatch, name: str, kind: pa.DataType, plan: Plan) -> pa.Array:
    """A column in its promised type, which only a Python step can have lost."""
    try:
        column = batch.column(name)
        return column if value_type(column.type) == kind else column.cast(kind)
    except (KeyError, pa.ArrowException) as error:
        python = ", ".join(step.argument for step in plan.transform if step.name == "python")
        raise StepError(
            f"After the Python steps ({python}) the column {name} is not of type {kind}: {error}.",
            remedy="Let them return the same columns and types with rows as without.",
            step=python,
        ) from error
