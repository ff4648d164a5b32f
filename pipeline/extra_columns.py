"""What the file has beyond the contract's columns: a JSON object a row, in the column `_extra`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import distinct
from pipeline.lexical import without_missing
from pipeline.plan import EXTRA, REFUSED, ROW_NUMBER

if TYPE_CHECKING:
    from pipeline.plan import Plan


def extra_columns(batch: pa.RecordBatch, plan: Plan) -> dict[str, pa.Array]:
    """Return the column `_extra` of raw rows, if the dataset keeps what the contract does not name.

    A row's object has the columns in which it has a value; a row without any has no object. A
    reader that knows the objects better hands the column out itself.
    """
    if plan.drift.extra_column != "keep":
        return {}
    if EXTRA in batch.schema.names:
        return {EXTRA: batch.column(EXTRA)}
    named = {column.source_name for column in plan.columns}
    members = [
        _member(name, batch.column(name), plan)
        for name in batch.schema.names
        if name not in named and name != ROW_NUMBER and not name.startswith(REFUSED)
    ]
    if not members:
        return {EXTRA: pa.nulls(batch.num_rows, pa.string())}
    members = pc.binary_join_element_wise(*members, "")
    text = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(members, 2), "}", "")
    return {EXTRA: pc.if_else(pc.equal(members, ""), pa.scalar(None, pa.string()), text)}


def _member(name: str, column: pa.Array, plan: Plan) -> pa.Array:
    """`, "name": "value"` for each row; nothing where there is no value."""
    parts = distinct(column)
    values = without_missing(parts.values.cast(pa.string()), plan.source.missing_values)
    key = json.dumps(name, ensure_ascii=False)
    members = [
        "" if value is None else f", {key}: {json.dumps(value, ensure_ascii=False)}"
        for value in values.to_pylist()
    ]
    return pc.fill_null(parts.rows(pa.array(members, pa.string())), "")
