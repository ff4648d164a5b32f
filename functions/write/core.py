"""Divide a batch into the partitions of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import combined_codes, plain
from pipeline.frames import ArrowResult, StageResult, stage_core
from pipeline.profile_columns import ColumnProfiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.plan import Plan

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class WriteState:
    """What has been seen of the columns: every batch is written on its own."""

    def __init__(self, _plan: Plan) -> None:
        self.profile = ColumnProfiles()


@stage_core(state=WriteState)
def write(batch: pa.RecordBatch, plan: Plan, state: WriteState) -> ArrowResult:
    """Return the rows as they are published: the plan's columns in order, no row numbers."""
    rows = batch.select(list(plan.schemas["enrich"]))
    state.profile.add_batch(rows)
    return StageResult(rows)


def partitions(batch: pa.RecordBatch, plan: Plan) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield each partition's path and rows, which no longer hold the partition's columns.

    The path is in Hive style, `month=1/origin=EWR/`, and empty without partitions; values are
    percent-encoded, a null is `__HIVE_DEFAULT_PARTITION__`.
    """
    names = list(plan.write.partition_by)
    if not names:
        yield "", batch
        return
    files = batch.drop_columns(names)
    keys = [plain(batch.column(name)).dictionary_encode(null_encoding="encode") for name in names]
    for rows in _alike(combined_codes(keys)):
        first = rows[0].as_py()
        values = [key.dictionary[key.indices[first].as_py()].as_py() for key in keys]
        path = "".join(
            f"{name}={_path_value(value)}/" for name, value in zip(names, values, strict=True)
        )
        yield path, _rows(files, rows)


def _alike(codes: pa.Array) -> Iterator[pa.Array]:
    """Positions of the rows of each code, in their order: sorted once, not searched for each."""
    order = pc.array_sort_indices(codes)
    counts = codes.value_counts().field("counts")
    start = 0
    for count in counts.to_pylist():
        yield order.slice(start, count)
        start += count


def _rows(batch: pa.RecordBatch, rows: pa.Array) -> pa.RecordBatch:
    """Some rows of a batch, in ascending order; a copy, or it would hold all the others, too.

    Files often come in their order: rows side by side are copied in a tenth of the time, and most
    of a batch's are no copy.
    """
    first, last = rows[0].as_py(), rows[-1].as_py()
    if last - first + 1 != len(rows):
        return batch.take(rows)
    side_by_side = batch.slice(first, len(rows))
    most = 2 * len(rows) >= batch.num_rows
    return side_by_side if most else pa.concat_batches([side_by_side])


def compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows without the dictionaries of all the rows that they were taken from.

    Only those longer than the rows are made anew: few rows must not hold, nor be counted for, what
    a thousand others need.
    """
    columns = [
        column.dictionary_decode().dictionary_encode()
        if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _path_value(value: object) -> str:
    if value is None:
        return NULL_PARTITION
    if value == NULL_PARTITION:  # a text of these letters is not no value
        return f"%5F{NULL_PARTITION[1:]}"
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")
