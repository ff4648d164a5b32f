"""Divide a batch into the partitions of the output."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import plain
from pipeline.frames import ArrowResult, StageResult, stage_core

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.plan import Plan

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class WriteState:
    """Nothing to remember: every batch is written on its own."""

    def __init__(self, _plan: Plan) -> None:
        pass


@stage_core(state=WriteState)
def write(batch: pa.RecordBatch, plan: Plan, _state: WriteState) -> ArrowResult:
    """Return the rows as they are published: the plan's columns in order, no row numbers."""
    return StageResult(batch.select(list(plan.schemas["enrich"])))


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
    codes = None
    for key in keys:
        part = key.indices.cast(pa.int64())
        codes = part if codes is None else pc.add(pc.multiply(codes, len(key.dictionary)), part)
    for code in pc.unique(codes):
        mask = pc.equal(codes, code)
        row = pc.index(mask, True).as_py()
        values = [key.dictionary[key.indices[row].as_py()].as_py() for key in keys]
        path = "".join(
            f"{name}={_path_value(value)}/" for name, value in zip(names, values, strict=True)
        )
        yield path, files.filter(mask)


def _path_value(value: object) -> str:
    if value is None:
        return NULL_PARTITION
    if value == NULL_PARTITION:  # a text of these letters is not no value
        return f"%5F{NULL_PARTITION[1:]}"
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")
