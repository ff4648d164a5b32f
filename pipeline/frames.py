"""One frame, two views: Arrow inside the pipeline, pandas for people.

A stage's core is written once, on Arrow record batches. `@stage_core` makes it callable with a
pandas DataFrame (what unit tests, notebooks and Python steps use) and keeps the Arrow function as
`.arrow` (what the handlers call). pandas is imported only when its view is asked for: importing
it takes as long as all stages' work on a million rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pyarrow as pa

from pipeline.accounting import RowCounts
from pipeline.distinct import plain
from pipeline.masking import masked_rejects, masked_repairs
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Reject, Repair
    from pipeline.plan import Plan

State = TypeVar("State")
Frame = TypeVar("Frame")


@dataclass
class StageResult(Generic[Frame]):
    """What a stage makes of a frame.

    `frame` holds the rows that go on, `rejects` those for the quarantine; `counts` says for the
    rows that were taken out what became of them; `notes` are counters of the stage's own (matches
    of a lookup, say); `repairs` are the values that the pipeline has replaced by its own judgement.
    """

    frame: Frame
    rejects: Sequence[Reject] = field(default_factory=list)
    counts: RowCounts = field(default_factory=RowCounts)
    notes: dict[str, dict[str, int]] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)


ArrowResult = StageResult[pa.RecordBatch]
ArrowCore = Callable[[pa.RecordBatch, "Plan", State], ArrowResult]
Survey = Callable[[Callable[[], Iterable[pa.RecordBatch]], "Plan", State], None]


class StageCore(Generic[State]):
    """A stage's core in its two views; see `stage_core`."""

    def __init__(
        self,
        arrow: ArrowCore[State],
        new_state: Callable[[Plan], State],
        survey: Survey[State] | None,
    ) -> None:
        self.arrow = _masking(arrow)
        self.new_state = new_state
        self.survey = survey
        update_wrapper(self, arrow)

    def __call__(
        self, frame: pd.DataFrame, plan: Plan, state: State | None = None
    ) -> StageResult[pd.DataFrame]:
        """Return the stage's result for a DataFrame, as a DataFrame.

        Without `state` the frame is taken for the whole file; rows are numbered from 1 in it
        unless it has the row-number column already.
        """
        batch = batch_of(frame)
        if state is None:
            state = self.new_state(plan)
            if self.survey is not None:
                self.survey(lambda: [batch], plan, state)
        result = self.arrow(batch, plan, state)
        return replace(result, frame=frame_of(result.frame), rejects=list(result.rejects))


def _masking(core: ArrowCore[State]) -> ArrowCore[State]:
    """A core whose records of rows show no value of a masked column."""

    def masked(batch: pa.RecordBatch, plan: Plan, state: State) -> ArrowResult:
        result = core(batch, plan, state)
        result.rejects = masked_rejects(result.rejects, plan)
        result.repairs = masked_repairs(result.repairs, plan)
        return result

    return masked


def stage_core(
    *, state: Callable[[Plan], State], survey: Survey[State] | None = None
) -> Callable[[ArrowCore[State]], StageCore[State]]:
    """Return the decorator that gives an Arrow core its pandas view.

    Parameters
    ----------
    state
        Makes what a stage remembers from batch to batch of one file (seen keys, opened lookups).
    survey
        Lets a new state know what the stage must know of the whole file. It takes a function that
        gives the file's batches, from the first one at each call.
    """
    return lambda arrow: StageCore(arrow, state, survey)


def batch_of(frame: pd.DataFrame) -> pa.RecordBatch:
    """Return a DataFrame as a record batch, with row numbers from 1 where it has none."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if ROW_NUMBER not in table.column_names:
        numbers = pa.array(range(1, len(frame) + 1), pa.int64())
        table = table.append_column(ROW_NUMBER, numbers)
    columns = [_text_as_string(plain(column.combine_chunks())) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, table.column_names)


def frame_of(batch: pa.RecordBatch) -> pd.DataFrame:
    """Return a record batch as a DataFrame of Arrow-backed columns, without the row numbers."""
    import pandas as pd  # noqa: PLC0415 - see the module's docstring

    columns = {
        name: plain(column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if name != ROW_NUMBER
    }
    frame: pd.DataFrame = pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _text_as_string(column: pa.Array) -> pa.Array:
    """Pandas hands out large_string and null columns; the stages know string."""
    if pa.types.is_large_string(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return column


def with_columns(batch: pa.RecordBatch, columns: dict[str, Any]) -> pa.RecordBatch:
    """Return the batch with columns replaced in place, or appended where new."""
    named = dict(zip(batch.schema.names, batch.columns, strict=True)) | columns
    return pa.RecordBatch.from_arrays(list(named.values()), list(named))
