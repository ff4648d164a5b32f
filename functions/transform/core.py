"""Apply the dataset's transform steps to a batch, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from functions.transform.cast import cast_column
from functions.transform.lists import json_lists, separated_lists
from functions.transform.reshape import exploded, split_column, unpivoted
from pipeline.accounting import RowCounts
from pipeline.arrow_types import arrow_type
from pipeline.column_use import passing
from pipeline.distinct import WORTHWHILE_SHARE, value_type
from pipeline.errors import StepError
from pipeline.findings import Findings
from pipeline.frames import ArrowResult, StageResult, stage_core, with_columns
from pipeline.masking import cause, told
from pipeline.plan import ROW_NUMBER
from pipeline.python_steps import PythonSteps
from pipeline.rejected_rows import RejectedRows, cells_of, in_order, rejected_rows
from pipeline.rules import Reason
from pipeline.sql import SqlSteps

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.plan import Plan


_TELLING_ROWS: Final = 1024
"""Rows of a batch that tell whether a column's text repeats."""


class TransformState:
    """What is kept between batches: SQL queries, the dataset's Python module, columns of text.

    `various` are those whose text hardly repeats, `passing` those that a batch need not have.
    """

    def __init__(self, plan: Plan) -> None:
        self.sql = SqlSteps(plan)
        self.python = PythonSteps(plan)
        self.passing = passing(plan, "transform")
        self.various: set[str] = set()


@dataclass
class _Work:
    """A batch on its way through the steps: as it came in, and what became of its rows so far."""

    incoming: pa.RecordBatch
    state: TransformState
    counts: RowCounts = field(default_factory=RowCounts)
    rejects: list[RejectedRows] = field(default_factory=list)

    def without_bad(self, batch: pa.RecordBatch, before: pa.RecordBatch, findings: Findings) -> Any:
        """Return the batch without the rows of the findings, which are rejected.

        Parameters
        ----------
        before
            The same rows before the step: what the quarantine shows of the values.
        """
        bad = findings.bad()
        if bad is None:
            return batch
        numbers = batch.column(ROW_NUMBER)
        came = self.incoming.take(pc.index_in(numbers, self.incoming.column(ROW_NUMBER)))
        rejects = rejected_rows(findings, numbers, cells_of(before), cells_of(came))
        self.rejects.append(rejects)
        self.counts.rejected += len(rejects)
        return batch.filter(pc.invert(bad))


@stage_core(state=TransformState)
def transform(batch: pa.RecordBatch, plan: Plan, state: TransformState) -> ArrowResult:
    """Return the batch after all steps, and the rows with a value that a step could not take.

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
    work = _Work(batch, state)
    for step in plan.transform:
        batch = _STEPS[step.name](batch, step.argument, work)
    return StageResult(_conformed(batch, plan, state), in_order(work.rejects), work.counts)


def _derive(batch: pa.RecordBatch, argument: Any, work: _Work) -> pa.RecordBatch:
    made = work.state.sql.evaluate(batch, argument["columns"], argument["inputs"], "derive {}")
    return with_columns(batch, {name: _single(made.column(name)) for name in made.column_names})


def _filter(batch: pa.RecordBatch, argument: Any, work: _Work) -> pa.RecordBatch:
    made = work.state.sql.evaluate(batch, {"kept": argument["where"]}, argument["inputs"], "filter")
    mask = _single(made.column("kept"))
    if mask.true_count == batch.num_rows:
        return batch
    kept = batch.filter(mask)  # which leaves out nulls, too
    work.counts.filtered += batch.num_rows - kept.num_rows
    return kept


def _rename(batch: pa.RecordBatch, names: Any, _work: _Work) -> pa.RecordBatch:
    return batch.rename_columns([names.get(name, name) for name in batch.schema.names])


def _select(batch: pa.RecordBatch, names: Any, _work: _Work) -> pa.RecordBatch:
    return batch.select([name for name in (*names, ROW_NUMBER) if name in batch.schema.names])


def _cast(batch: pa.RecordBatch, argument: Any, work: _Work) -> pa.RecordBatch:
    findings = Findings()
    columns = {}
    for name, cast in argument["columns"].items():
        columns[name], refused = cast_column(batch.column(name), name, cast, work.state.sql)
        findings.add((name,), Reason.TYPE, cast["type"], refused)
    return work.without_bad(with_columns(batch, columns), batch, findings)


def _split(batch: pa.RecordBatch, argument: Any, _work: _Work) -> pa.RecordBatch:
    parts = split_column(batch.column(argument["column"]), argument["by"], len(argument["into"]))
    return with_columns(batch, dict(zip(argument["into"], parts, strict=True)))


def _explode(batch: pa.RecordBatch, argument: Any, work: _Work) -> pa.RecordBatch:
    name = argument["column"]
    if argument["by"] is not None:
        lists = separated_lists(batch.column(name), argument["by"])
    else:
        lists, refused = json_lists(batch.column(name), name, work.state.sql)
        findings = Findings()
        findings.add((name,), Reason.TYPE, "array (a JSON array)", refused)
        batch = work.without_bad(batch, batch, findings)
        lists = lists if not findings.masked else lists.filter(pc.invert(refused))
    made = exploded(batch, name, lists, argument["position"])
    work.counts.expanded += made.num_rows - batch.num_rows
    return made


def _unpivot(batch: pa.RecordBatch, argument: Any, work: _Work) -> pa.RecordBatch:
    made = unpivoted(
        batch,
        argument["columns"],
        name=argument["name"],
        value=argument["value"],
        keep_nulls=argument["keep_nulls"],
    )
    work.counts.expanded += made.num_rows - batch.num_rows
    return made


def _python(batch: pa.RecordBatch, step: Any, work: _Work) -> pa.RecordBatch:
    return work.state.python.apply(batch, step)


_STEPS: Final[dict[str, Callable[[pa.RecordBatch, Any, _Work], pa.RecordBatch]]] = {
    "derive": _derive,
    "filter": _filter,
    "rename": _rename,
    "select": _select,
    "cast": _cast,
    "split": _split,
    "explode": _explode,
    "unpivot": _unpivot,
    "python": _python,
}


def _single(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _conformed(batch: pa.RecordBatch, plan: Plan, state: TransformState) -> pa.RecordBatch:
    """Batch with the types that the plan promises; text dictionary-encoded where it repeats."""
    promised = plan.schemas["transform"]
    columns = {}
    there = set(batch.schema.names)
    for name, kind in promised.items():
        if name in state.passing and name not in there:
            continue
        wanted = arrow_type(kind)
        column = _promised(batch, name, wanted, plan)
        if pa.types.is_string(column.type):
            column = _encoded(column, name, state)
        columns[name] = column
    columns[ROW_NUMBER] = batch.column(ROW_NUMBER)
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _encoded(text: pa.Array, name: str, state: TransformState) -> pa.Array:
    """Text dictionary-encoded, or as it is where a batch has shown that this is not worthwhile."""
    if name in state.various:
        return text
    encoded = text.dictionary_encode()
    if len(text) < _TELLING_ROWS or len(encoded.dictionary) <= WORTHWHILE_SHARE * len(text):
        return encoded
    state.various.add(name)
    return text


def _promised(batch: pa.RecordBatch, name: str, kind: pa.DataType, plan: Plan) -> pa.Array:
    """A column in its promised type, which only a Python step can have lost."""
    try:
        column = batch.column(name)
        return column if value_type(column.type) == kind else column.cast(kind)
    except (KeyError, pa.ArrowException) as error:
        python = ", ".join(step.argument for step in plan.transform if step.name == "python")
        raise StepError(
            f"After the Python steps ({python}) the column {name} is not of type {kind}: "
            f"{told(str(error), [name], plan)}.",
            remedy="Let them return the same columns and types with rows as without.",
            step=python,
        ) from cause(error, [name], plan)
