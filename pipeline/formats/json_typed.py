"""The fast way through JSON rows: blocks that pyarrow's JSON reader takes apart as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from pipeline.formats.json_blocks import BLANKS
from pipeline.formats.json_columns import JsonColumns, followed
from pipeline.formats.json_digits import rows_near_zero, rows_with_lost_digits
from pipeline.formats.json_paths import value_at
from pipeline.formats.json_values import Number, column_text, keeps_digits, parsed_json
from pipeline.formats.limits import is_too_deep

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline.formats.json_paths import Path
    from pipeline.plan_contract import Column


def typed_batch(text: bytes, columns: JsonColumns) -> pa.RecordBatch | None:
    """Return the contract's columns as pyarrow types them, or None if line and row may not agree.

    Where every line but the last ends in `}` and every line but the first begins with `{`, a
    parsed object cannot reach over a line's end: row n is line n. Columns of numbers are text
    where a double does not keep the digits of one of them.
    """
    body = text.strip(BLANKS)
    lines = _objects_in_lines(body) if columns.typed else 0
    if not lines or is_too_deep(body, lines, columns.plan.limits):
        return None
    paths = columns.paths_in(body)
    schema = None if paths is None else columns.schema(paths)
    table = None if schema is None else _read(body, schema, columns)
    if paths is None or table is None or table.num_rows != lines:
        return None
    batch = _of_columns(table.combine_chunks().to_batches()[0], columns, paths)
    if not all(map(_finite, batch.columns)):
        return None
    return _with_exact_numbers(batch, body, columns)


def _objects_in_lines(body: bytes) -> int:
    """Number of lines; 0 where one of them may be something other than an object."""
    data = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    before = np.where(data[ends - 1] == ord("\r"), data[ends - 2], data[ends - 1])
    whole = body.startswith(b"{") and body.endswith(b"}")
    return len(ends) + 1 if whole and _all(before, "}") and _all(data[ends + 1], "{") else 0


def _all(data: npt.NDArray[np.uint8], character: str) -> bool:
    return bool(np.all(data == ord(character)))


def _read(body: bytes, schema: pa.Schema, columns: JsonColumns) -> pa.Table | None:
    """Rows in these types; None if a value is of another, or a name that matters is not known."""
    unexpected = "ignore" if columns.plan.drift.extra_column == "ignore" else "error"
    try:
        return pajson.read_json(
            pa.BufferReader(body),
            read_options=pajson.ReadOptions(use_threads=False, block_size=len(body) + 1),
            parse_options=pajson.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior=unexpected
            ),
        )
    except pa.ArrowInvalid:
        return None


def _of_columns(
    read: pa.RecordBatch, columns: JsonColumns, paths: dict[str, Path]
) -> pa.RecordBatch:
    arrays = []
    for name in columns.names:
        root, *path = paths.get(name, (name,))
        values = followed(read.column(root), tuple(path))
        arrays.append(_present(values, columns.missing[name]))
    return pa.RecordBatch.from_arrays(arrays, columns.names)


def _present(values: pa.Array, missing: tuple[float, ...]) -> pa.Array:
    """Values without those numbers that stand for none."""
    words = [word for word in missing if not pa.types.is_integer(values.type) or word.is_integer()]
    if not words:
        return values
    absent = pc.is_in(values.cast(pa.float64()), pa.array(words, pa.float64()))
    return pc.if_else(absent, pa.scalar(None, values.type), values)


def _finite(column: pa.Array) -> bool:
    """Tell whether a column is free of NaN and the infinities, which JSON has not."""
    floating = pa.types.is_floating(column.type)
    return not floating or bool(pc.all(pc.is_finite(column), min_count=0).as_py())


def _with_exact_numbers(batch: pa.RecordBatch, body: bytes, columns: JsonColumns) -> pa.RecordBatch:
    """Batch with the digits as written in columns where a double has lost some."""
    rows = {*rows_with_lost_digits(body, columns), *rows_near_zero(batch, body)}
    if not rows:
        return batch
    lines = body.split(b"\n")
    parsed = {row: parsed_json(lines[row]) for row in rows}
    for column in columns.doubles:
        name = column.source_name
        values = {row: value_at(value, name) for row, value in parsed.items()}
        lost = {
            row: column_text(value, column)
            for row, value in values.items()
            if isinstance(value, Number) and not keeps_digits(value)
        }
        if lost:
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, name, _rewritten(batch.column(at), lost, column))
    return batch


def _rewritten(values: pa.Array, lost: dict[int, str | None], column: Column) -> pa.Array:
    """Numbers as text, some of them as given by their row."""
    texts = values.cast(pa.string())
    if column.spelling.decimal_char != ".":
        texts = pc.replace_substring(texts, ".", column.spelling.decimal_char)
    mask = np.zeros(len(texts), bool)
    mask[list(lost)] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(lost.values(), pa.string()))
