"""Salvage of CSV rows that a strict reader refuses, where they can be meant in one way only.

A row is put right only if exactly one way of taking it apart gives every column a value that the
contract accepts: type and rules, keys and relationships apart. The ways are tried in this order,
and the first that leads to a row, or to more than one, decides.

csv_empty_cells
    More cells than columns, all of the others empty: they are left out.
csv_missing_cells
    Fewer cells than columns, where the columns without one are optional: they have no value. Not
    in a last line without its end, which may be cut short, and not where the row before or after
    may be the other half of one with a line break in it.
csv_quotes
    Quotes within a quoted cell that are not doubled (`"5" pipe",3`): a quoted cell ends with a
    quote that a delimiter or the row's end follows.
csv_stray_quote
    A quote at the beginning of a cell that is no quoted one (`"abc,3`): it is part of the text.
csv_delimiter
    More cells than columns, because a cell that is not quoted has delimiters in it: neighbouring
    cells are joined again.

Rows with the dialect's escape character in them, or more than 200 quotes, stay as they are.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import TEXT
from pipeline.findings import Reject, Repair
from pipeline.formats.salvage_cells import CellCheck, Cells, Dialect, joined
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.formats import RawChunk, RawChunks
    from pipeline.plan import Plan

MESSAGES: Final = {
    "csv_empty_cells": "the empty cells beyond the last column are left out",
    "csv_missing_cells": "the row ends early: its last columns, which are optional, have no value",
    "csv_quotes": "quotes within a quoted cell are not doubled: they are taken as text",
    "csv_stray_quote": "a quote that is never closed is taken as text",
    "csv_delimiter": "a delimiter in a cell that is not quoted: only this way of joining "
    "neighbouring cells fits the contract",
}


def salvaged_csv(
    chunks: RawChunks,
    header: Sequence[str],
    delimiter: str,
    plan: Plan,
    *,
    is_cut: Callable[[], bool],
) -> RawChunks:
    """Yield the chunks with those malformed rows put back that can be put right.

    Parameters
    ----------
    header
        The file's columns in their order, as the batches name them.
    is_cut
        Tells, when the chunks are at their end, whether the last line has none.
    """
    salvage = _Salvage(header, Dialect.of(plan.source, delimiter), plan)
    filled = (chunk for chunk in chunks if chunk.rows or chunk.repairs)
    before: RawChunk | None = None
    held: RawChunk | None = next(filled, None)
    while held is not None:
        after = next(filled, None)
        if held.malformed:
            held = salvage.mended(held, before, after, is_cut=after is None and is_cut())
        yield held
        before, held = held, after


class _Salvage:
    """Puts the malformed rows of chunks right."""

    def __init__(self, header: Sequence[str], dialect: Dialect, plan: Plan) -> None:
        self._header = list(header)
        self._dialect = dialect
        self._plan = plan
        self._check = CellCheck(header, plan)
        self._ways: dict[str, Callable[[str], list[Cells]]] = {
            "csv_empty_cells": self._without_empty,
            "csv_missing_cells": self._filled_up,
            "csv_quotes": lambda text: dialect.quoted_ways(text, len(header)),
            "csv_stray_quote": self._as_plain_text,
        }

    def mended(
        self, chunk: RawChunk, before: RawChunk | None, after: RawChunk | None, *, is_cut: bool
    ) -> RawChunk:
        """Return a chunk with its rows put right; the chunks around it are looked at, too."""
        around = [part.malformed for part in (before, chunk, after) if part is not None]
        self._halves = self._possible_halves([reject for part in around for reject in part])
        if is_cut:
            self._halves.add(_last_number(chunk))
        found = self._found(chunk.malformed)
        if not found:
            return chunk
        rows = {number: cells for number, (_, cells) in found.items()}
        repairs = [
            self._repair(reject, *found[reject.row_number])
            for reject in chunk.malformed
            if reject.row_number in found
        ]
        return replace(
            chunk,
            batch=self._with_rows(chunk.batch, rows),
            malformed=[reject for reject in chunk.malformed if reject.row_number not in found],
            repairs=sorted([*chunk.repairs, *repairs], key=lambda repair: repair.row_number),
        )

    def _found(self, malformed: list[Reject]) -> dict[int, tuple[str, Cells]]:
        """The kind of repair and the cells of rows that can be meant in one way, by number."""
        found: dict[int, tuple[str, Cells]] = {}
        texts = {
            reject.row_number: reject.raw
            for reject in malformed
            if isinstance(reject.raw, str) and not self._dialect.is_beyond(reject.raw)
        }
        for kind, ways_of in self._ways.items():
            ways = {
                number: ways_of(text)
                for number, text in texts.items()
                if kind != "csv_missing_cells" or number not in self._halves
            }
            self._check.look_at(way for of_row in ways.values() for way in of_row)
            for number, of_row in ways.items():
                fitting = [way for way in of_row if self._check.fits(way)]
                if fitting:
                    del texts[number]
                if len(fitting) == 1:
                    found[number] = kind, fitting[0]
        return found | self._joined(texts)

    def _joined(self, texts: dict[int, str]) -> dict[int, tuple[str, Cells]]:
        """Rows of too many cells of which neighbours can be joined in one way."""
        cells = {number: self._dialect.cells(text) or [] for number, text in texts.items()}
        width = len(self._header)
        many = {number: row for number, row in cells.items() if len(row) > width}
        rows = joined(many, width, self._dialect.delimiter, self._check)
        return {number: ("csv_delimiter", row) for number, row in rows.items()}

    def _without_empty(self, text: str) -> list[Cells]:
        cells = self._dialect.cells(text) or []
        rest = cells[len(self._header) :]
        empty = rest and all(not cell and not quoted for cell, quoted in rest)
        return [[cell for cell, _ in cells[: len(self._header)]]] if empty else []

    def _filled_up(self, text: str) -> list[Cells]:
        cells = self._dialect.cells(text)
        missing = len(self._header) - len(cells or [])
        if cells is None or missing <= 0:
            return []
        return [[*(cell for cell, _ in cells), *[None] * missing]]

    def _as_plain_text(self, text: str) -> list[Cells]:
        cells: Cells = [*text.split(self._dialect.delimiter)]
        stray = self._dialect.cells(text) is None and len(cells) == len(self._header)
        return [cells] if stray else []

    def _possible_halves(self, malformed: list[Reject]) -> set[int]:
        """Neighbouring rows of too few cells that together have as many as the header."""
        cells = {
            reject.row_number: len(row)
            for reject in malformed
            if isinstance(reject.raw, str) and (row := self._dialect.cells(reject.raw))
        }
        short = sorted(number for number, count in cells.items() if count < len(self._header))
        together = [
            pair
            for pair in pairwise(short)
            if pair[1] == pair[0] + 1 and cells[pair[0]] + cells[pair[1]] - 1 == len(self._header)
        ]
        return {number for pair in together for number in pair}

    def _repair(self, reject: Reject, kind: str, cells: Cells) -> Repair:
        after = self._dialect.written(cells)
        return Repair(reject.row_number, None, kind, reject.raw, after, MESSAGES[kind], reject.line)

    def _with_rows(self, batch: pa.RecordBatch, rows: dict[int, Cells]) -> pa.RecordBatch:
        """Batch with more rows, in the order of their numbers."""
        numbers = batch.column(ROW_NUMBER)
        names = [name for name in batch.schema.names if name != ROW_NUMBER] or self._header
        arrays = [
            _appended(batch, name, [cells[self._header.index(name)] for cells in rows.values()])
            for name in names
        ]
        numbers = pa.concat_arrays([numbers, pa.array(rows, pa.int64())])
        whole = pa.RecordBatch.from_arrays([*arrays, numbers], [*names, ROW_NUMBER])
        return whole.take(pc.sort_indices(numbers))


def _appended(batch: pa.RecordBatch, name: str, cells: Iterable[str | None]) -> pa.Array:
    known = name in batch.schema.names
    kind = batch.schema.field(name).type if known else TEXT
    values = pa.array(cells, pa.string())
    values = values.dictionary_encode() if pa.types.is_dictionary(kind) else values
    return pa.concat_arrays([batch.column(name), values]) if known else values


def _last_number(chunk: RawChunk) -> int:
    numbers = [reject.row_number for reject in chunk.malformed]
    return max([pc.max(chunk.batch.column(ROW_NUMBER)).as_py() or 0, *numbers])
