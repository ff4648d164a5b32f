"""Columns in fewer bytes, for the way from stage to stage, and back again.

Compressing is most of what a staged frame costs, so there should be less to compress. Each batch is
packed by what is in it, and says in its fields' metadata how: so each can be read by itself.

| column | packed | metadata |
| --- | --- | --- |
| integers | in the smallest type that holds them | `unpacked`: the type that they had |
| encoded by its dictionary | indices in the smallest type | `unpacked`: the type that they had |
| row numbers | steps from the row before | the same, and `first`: the first row's number |
| dates, moments, fractions: few distinct | encoded by a dictionary | `unpacked`: `values` |
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import int64_array, memory_of, new_memory, widened
from pipeline.plan import ROW_NUMBER

Packed = tuple[pa.Array, dict[str, str]]

UNPACKED: Final = "unpacked"
"""Metadata of a packed column: the integers' type before, or `values` where it had no dictionary.
"""
FIRST: Final = "first"
"""Metadata of the row numbers: the first row's; the column holds the steps from there."""
VALUES: Final = "values"
_NARROW: Final = (pa.int8(), pa.int16(), pa.int32())
_WHOLE: Final = {32: pa.int32(), 64: pa.int64()}
_FEW: Final = 4
"""A dictionary pays where each of its values stands for so many rows or more."""


def packed(batch: pa.RecordBatch, varied: set[str] | None = None) -> pa.RecordBatch:
    """Return the batch in as few bytes as is quickly done.

    `varied` is kept from batch to batch: names of columns that had too many distinct values to be
    encoded by these, which is not tried again.
    """
    varied = set() if varied is None else varied
    columns, fields = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        small, notes = _packed_column(field.name, column, varied)
        columns.append(small)
        fields.append(
            pa.field(field.name, small.type, field.nullable, {**(field.metadata or {}), **notes})
        )
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, batch.schema.metadata))


def unpacked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a packed batch as it was; one that was not packed, as it is."""
    if not any(UNPACKED.encode() in (field.metadata or {}) for field in batch.schema):
        return batch
    columns, fields = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        notes = dict(field.metadata or {})
        was, first = notes.pop(UNPACKED.encode(), b""), notes.pop(FIRST.encode(), b"")
        full = _unpacked_column(column, was.decode(), first.decode()) if was else column
        columns.append(full)
        fields.append(pa.field(field.name, full.type, field.nullable, notes or None))
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, batch.schema.metadata))


def _packed_column(name: str, column: pa.Array, varied: set[str]) -> Packed:
    kind = column.type
    if not len(column):
        return column, {}
    if pa.types.is_dictionary(kind):
        return _small_indices(column)
    if name == ROW_NUMBER and kind == pa.int64() and not column.null_count:
        return _steps(column)
    if pa.types.is_signed_integer(kind):
        return _small_integers(column)
    if (pa.types.is_temporal(kind) or pa.types.is_floating(kind)) and name not in varied:
        encoded = _distinct(column)
        if encoded is not None:
            return encoded, {UNPACKED: VALUES}
        varied.add(name)
    return column, {}


def _unpacked_column(column: pa.Array, was: str, first: str) -> pa.Array:
    if was == VALUES:
        return column.dictionary_decode()
    kind = pa.type_for_alias(was)
    if pa.types.is_dictionary(column.type):
        return _with_indices(column, kind)
    if first:
        return _numbers(column, int(first))
    return widened(column, kind)


def _small_integers(column: pa.Array) -> Packed:
    ends = pc.min_max(column)
    low, high = ends["min"].as_py() or 0, ends["max"].as_py() or 0
    small = _smallest(low, high, column.type)
    if small is None:
        return column, {}
    return column.cast(small, safe=False), {UNPACKED: str(column.type)}


def _small_indices(column: pa.DictionaryArray) -> Packed:
    kind = column.indices.type
    small = _smallest(0, len(column.dictionary), kind)
    if small is None:
        return column, {}
    return _with_indices(column, small), {UNPACKED: str(kind)}


def _with_indices(column: pa.DictionaryArray, kind: pa.DataType) -> pa.DictionaryArray:
    """The column with its indices, which are known to fit, in another type."""
    indices = column.indices.cast(kind, safe=False)
    return pa.DictionaryArray.from_arrays(
        indices, column.dictionary, ordered=column.type.ordered, safe=False
    )


def _steps(numbers: pa.Array) -> Packed:
    """Row numbers as the steps between them: most of them are 1."""
    plain = memory_of(numbers, np.int64)
    steps, notes = _small_integers(int64_array(np.diff(plain, prepend=plain[0])))
    return steps, {UNPACKED: "int64", **notes, FIRST: str(plain[0])}


def _numbers(steps: pa.Array, first: int) -> pa.Array:
    """Row numbers of the steps between them."""
    data, numbers = new_memory(len(steps), np.int64)
    np.cumsum(memory_of(steps, steps.type.to_pandas_dtype()), out=numbers)
    numbers += first
    return pa.Array.from_buffers(pa.int64(), len(steps), [None, data])


def _distinct(column: pa.Array) -> pa.DictionaryArray | None:
    """A column of few distinct values by these; None if they are many.

    They are compared bit by bit, as whole numbers.
    """
    whole = _WHOLE.get(column.type.bit_width)
    if whole is None:
        return None
    encoded = column.view(whole).dictionary_encode()
    values = encoded.dictionary
    if len(values) * _FEW > len(column):
        return None
    small, _ = _small_indices(encoded)
    return pa.DictionaryArray.from_arrays(small.indices, values.view(column.type), safe=False)


def _smallest(low: int, high: int, kind: pa.DataType) -> pa.DataType | None:
    """The narrowest type for integers between `low` and `high`; None if theirs is."""
    for small in _NARROW:
        top = 1 << (small.bit_width - 1)
        if small.bit_width < kind.bit_width and -top <= low and high < top:
            return small
    return None
