"""Columns of a column, rows of a row: split, explode and unpivot, on whole batches at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import distinct
from pipeline.frames import with_columns
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from functions.transform.lists import Lists


def split_column(column: pa.Array, by: str, parts: int) -> list[pa.Array]:
    """Return the first parts of a text column between separators; the last has what is left.

    A text with fewer parts has no value in the others.
    """
    found = distinct(column)
    lists = pc.split_pattern(found.values, by, max_splits=parts - 1)
    fixed = pc.list_slice(lists, 0, parts, return_fixed_size_list=True)
    return [found.encoded(pc.list_element(fixed, place)) for place in range(parts)]


def exploded(
    batch: pa.RecordBatch, name: str, lists: Lists, position: str | None
) -> pa.RecordBatch:
    """Return a row for each part of each row's list, in order; a row without parts stays one.

    Parameters
    ----------
    lists
        Of each row; its parts take the place of the column `name`.
    position
        Name of the column that is added with each part's place in its list, from 1 (int64).
    """
    lengths = pc.fill_null(pc.list_value_length(lists.codes), 0)
    rows, places = _repeated(pc.max_element_wise(lengths, 1))
    is_part = pc.greater(lengths.take(rows), 0)
    codes = pc.replace_with_mask(
        pa.nulls(len(rows), pa.int32()), is_part, lists.codes.flatten().cast(pa.int32())
    )
    made = {name: pa.DictionaryArray.from_arrays(codes, lists.parts)}
    if position is not None:
        made[position] = pc.if_else(is_part, pc.add(places, 1), pa.scalar(None, pa.int64()))
    others = batch if len(rows) == batch.num_rows else batch.take(rows)
    return _numbered_last(with_columns(others, made))


def unpivoted(
    batch: pa.RecordBatch, columns: list[str], *, name: str, value: str, keep_nulls: bool
) -> pa.RecordBatch:
    """Return a row for each of several columns that has a value, in their order.

    A row without any of the values stays one row, without a name. With `keep_nulls`, every row
    becomes as many as there are columns.

    Parameters
    ----------
    name, value
        The new columns, which take the place of `columns` at the end.
    """
    rows, places = _repeated(pa.repeat(pa.scalar(len(columns), pa.int32()), batch.num_rows))
    source = pc.add(pc.multiply(places, batch.num_rows), rows)
    values = _one_after_another(batch, columns).take(source)
    names = pa.DictionaryArray.from_arrays(places.cast(pa.int32()), pa.array(columns, pa.string()))
    if not keep_nulls:
        empty = _without_any(batch, columns).take(rows)
        names = pc.if_else(empty, pa.scalar(None, names.type), names)
        shown = pc.or_(pc.is_valid(values), pc.and_(empty, pc.equal(places, 0)))
        rows, values, names = (each.filter(shown) for each in (rows, values, names))
    others = [each for each in batch.schema.names if each not in columns]
    made = batch.select(others).take(rows)
    return _numbered_last(with_columns(made, {name: names, value: values}))


def _repeated(counts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Position of each row as often as its count says, and the place in its repetitions (int64)."""
    ends = pc.cumulative_sum(counts.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    total = offsets[-1].as_py()
    rows = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, pa.nulls(total)))
    places = pc.subtract(pa.arange(0, total), offsets.take(rows))
    return rows, places


def _one_after_another(batch: pa.RecordBatch, columns: list[str]) -> pa.Array:
    """Values of several columns in one; dictionaries become one dictionary."""
    chunks = [_alike(batch, each) for each in columns]
    together = pa.chunked_array(chunks)
    if pa.types.is_dictionary(together.type):
        together = together.unify_dictionaries()
    return together.combine_chunks()


def _alike(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def _without_any(batch: pa.RecordBatch, columns: list[str]) -> pa.Array:
    """Mask of the rows that have no value in any of the columns."""
    filled = pc.coalesce(*(pc.if_else(pc.is_valid(batch.column(c)), True, None) for c in columns))
    return pc.is_null(filled)


def _numbered_last(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Batch with its row numbers at the end, where every step leaves them."""
    names = [name for name in batch.schema.names if name != ROW_NUMBER]
    return batch.select([*names, ROW_NUMBER])
