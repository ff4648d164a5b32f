"""The fastest way through JSON rows: blocks whose rows have one shape.

A line is split at its commas, and each distinct part looked at as JSON once, however many rows
have it. Nothing is taken on trust: a line is an object of the shape's names if each of its parts is
a name and one whole value. Lines that are not, those with a comma within a text among them, are
read exactly, one by one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from pipeline.buffers import boolean_array, int64_array, mask_of, memory_of
from pipeline.distinct import WORTHWHILE_SHARE, Distinct, distinct
from pipeline.formats import RawChunk
from pipeline.formats.json_blocks import BLANKS, Block
from pipeline.formats.json_exact import MOST_BYTES, exact_chunk
from pipeline.formats.json_parts import PartValues, part_values
from pipeline.formats.json_paths import path_of
from pipeline.formats.json_shapes import Part, shape_of, split_lines
from pipeline.plan import REFUSED, ROW_NUMBER
from pipeline.plan_contract import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.formats.json_columns import JsonColumns
    from pipeline.formats.json_shapes import Mask

    RawOf = Callable[[int], Any]

LEAST_BYTES: Final = 64 * 1024
"""Less text is read exactly before every column has been asked for."""
FIRST_BYTES: Final = 1024 * 1024
"""Less text pyarrow's JSON reader has read before every column has been asked for."""
_SAMPLE_LINES: Final = 2_000
_MOST_DISTINCT: Final = 0.9
"""Share of a sample's values that are distinct where half of a block's may be."""


class ShapedRows:
    """Reads the blocks of a file as far as their rows have one shape."""

    def __init__(self, columns: JsonColumns) -> None:
        self._columns = columns
        self._by_name = {column.source_name: column for column in columns.columns}
        self._plain: set[str] = set()
        self._is_sampled = False
        self._in_vain = False
        nested = any(path_of(name) is not None for name in columns.names)
        json_text = any(column.type in ("object", "array") for column in columns.columns)
        self._possible = bool(columns.columns) and not nested and not json_text

    def goes_first(self, block: Block) -> bool:
        """Tell whether this way is likely to be faster than the JSON reader's."""
        if len(block.body) < FIRST_BYTES or self._in_vain or not self._possible:
            return False
        if not self._is_sampled:
            self._is_sampled = True
            self._plain = self._columns_of_many_values(next(block.pieces(_SAMPLE_LINES)))
        return len(self._plain) <= WORTHWHILE_SHARE * len(self._by_name)

    def _columns_of_many_values(self, sample: Block) -> set[str]:
        shape = self._shape(sample.body)
        split = None if shape is None else split_lines(sample, shape, set())
        if split is None:
            return set()
        parts = zip(split[0].column_names, map(_encoded, split[0].columns), strict=True)
        return {name for name, of in parts if len(of.dictionary) > _MOST_DISTINCT * len(of)}

    def chunk(self, block: Block, passed: int) -> RawChunk | None:
        """Return the rows of a block; None if too few of them have one shape.

        Parameters
        ----------
        passed
            Number of the row before the block's first.
        """
        chunk = self._chunk(block, passed)
        self._in_vain = chunk is None
        return chunk

    def _chunk(self, block: Block, passed: int) -> RawChunk | None:
        shape = self._shape(block.body)
        split = None if shape is None else split_lines(block, shape, self._plain)
        if shape is None or split is None:
            return None
        table, odd = split
        at = np.flatnonzero(~odd)
        columns, unfit = self._values(table, shape)
        batch = pa.RecordBatch.from_arrays(
            [*columns.values(), int64_array(at + passed + 1)], [*columns, ROW_NUMBER]
        )
        if unfit.any():
            odd[at[unfit]] = True
            batch = batch.filter(boolean_array(~unfit))
        return self._with_odd(batch, np.flatnonzero(odd).tolist(), block, passed)

    def _shape(self, body: bytes) -> tuple[Part, ...] | None:
        """The shape of the rows, if the columns can be read from such rows."""
        if len(body) < LEAST_BYTES or not self._possible:
            return None
        shape = shape_of(body)
        if shape is None or self._columns.plan.drift.extra_column == "ignore":
            return shape
        return shape if self._columns.known.issuperset(part.name for part in shape) else None

    def _values(self, table: pa.Table, shape: tuple[Part, ...]) -> tuple[dict[str, pa.Array], Mask]:
        """The columns as text, and the mask of the rows of which a part is odd."""
        found = {name: pa.nulls(table.num_rows, pa.string()) for name in self._by_name}
        odd = np.zeros(table.num_rows, np.bool_)
        for part, parts in zip(shape, map(distinct, map(_encoded, table.columns)), strict=True):
            column = self._by_name.get(part.name) or Column(part.name, "string")
            values = part_values(parts.values, part, column, self._columns.missing)
            if values.odd is not None:
                odd |= mask_of(parts.mask(values.odd))
            if parts.indices is None:
                self._plain.add(part.name)
            if part.name in self._by_name:
                found |= _column(part.name, parts, values)
        return found, odd

    def _with_odd(
        self, batch: pa.RecordBatch, odd: list[int], block: Block, passed: int
    ) -> RawChunk | None:
        """The rows of a batch and of odd lines; None if these are too long, or not a row each."""
        if not odd:
            return chunk_of(batch, block, passed)
        lines = [(block.line_of(at), block.line(at)) for at in odd]
        texts = [text for _, text in lines]
        if not all(text.strip(BLANKS) for text in texts) or sum(map(len, texts)) > MOST_BYTES:
            return None
        exact = exact_chunk(lines, [passed + at + 1 for at in odd], self._columns)
        if exact.rows != len(odd):
            return None
        chunk = chunk_of(_in_order(batch, exact.batch), block, passed)
        return replace(
            chunk,
            malformed=exact.malformed,
            repairs=exact.repairs,
            raw_of=_either(exact.raw_of, {passed + at + 1 for at in odd}, chunk.raw_of),
        )


def chunk_of(batch: pa.RecordBatch, block: Block, passed: int) -> RawChunk:
    """Return the rows of a block, without blank lines between them, after so many others."""
    return RawChunk(
        batch,
        raw_of=lambda number: block.raw(number - passed - 1),
        line_of=lambda number: block.line_of(number - passed - 1),
    )


def _either(of_some: RawOf | None, some: set[int], of_others: RawOf | None) -> RawOf:
    """What gives a row as it stood in the file, or as what it was mended to if it is an odd one."""
    assert of_some is not None and of_others is not None, "JSON has raw rows"
    return lambda number: of_some(number) if number in some else of_others(number)


def _encoded(column: pa.ChunkedArray) -> pa.Array:
    """A column's parts, with one dictionary where they have several."""
    return column.combine_chunks()


def _column(name: str, parts: Distinct, values: PartValues) -> dict[str, pa.Array]:
    """A column's text, and the mask of what it cannot hold, if there is such."""
    if parts.indices is None or values.merged:
        found = {name: parts.encoded(values.texts)}
    else:
        found = {name: pa.DictionaryArray.from_arrays(parts.indices, values.texts)}
    if values.refused is not None:
        found[f"{REFUSED}{name}"] = parts.mask(values.refused)
    return found


def _in_order(one: pa.RecordBatch, other: pa.RecordBatch) -> pa.RecordBatch:
    """The rows of two batches by their numbers."""
    names = list(dict.fromkeys([*one.schema.names, *other.schema.names]))
    columns = [pa.concat_arrays([_of(one, name, other), _of(other, name, one)]) for name in names]
    order = np.argsort(memory_of(columns[names.index(ROW_NUMBER)], np.int64), kind="stable")
    return pa.RecordBatch.from_arrays(columns, names).take(int64_array(order))


def _of(batch: pa.RecordBatch, name: str, other: pa.RecordBatch) -> Any:
    """A batch's column in the type of the other's; nothing refused and nothing extra without it."""
    if batch.schema.get_field_index(name) < 0:
        if name.startswith(REFUSED):
            return boolean_array(np.zeros(batch.num_rows, np.bool_))
        return pa.nulls(batch.num_rows, other.schema.field(name).type)
    column = batch.column(name)
    like = other.schema.get_field_index(name)
    encoded = like >= 0 and pa.types.is_dictionary(other.schema.field(like).type)
    return column.dictionary_encode() if encoded and column.type == pa.string() else column
