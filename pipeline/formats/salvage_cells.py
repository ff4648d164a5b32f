"""Ways of taking a CSV row apart, and whether the cells that come out of them fit the contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.plan import ROW_NUMBER
from pipeline.rules import OF_RAW_VALUES, broken
from pipeline.typed_columns import typed_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.plan import Plan
    from pipeline.plan_contract import Column, Source

Cells = list[str | None]
"""A row's cells; None for one that the file has not."""
Parsed = list[tuple[str, bool]]
"""A row's cells, and which of them were quoted."""

_MOST_WAYS: Final = 64
"""More ways than this of reading the quotes of a row are too many to say which is meant."""
_MOST_QUOTES: Final = 200
_MOST_EXTRA_CELLS: Final = 10


@dataclass(frozen=True)
class Dialect:
    """How rows are written, as far as salvage looks at it."""

    delimiter: str
    quote: str
    escape: str
    skip_initial_space: bool

    @classmethod
    def of(cls, source: Source, delimiter: str) -> Dialect:
        """Return the dialect of a dataset's files under the delimiter that one of them has."""
        return cls(delimiter, source.quote, source.escape, source.skip_initial_space)

    def is_beyond(self, text: str) -> bool:
        """Tell whether a row has escape characters in it, or too many quotes to try all ways."""
        escaped = bool(self.escape) and self.escape in text
        return escaped or (bool(self.quote) and text.count(self.quote) > _MOST_QUOTES)

    def cells(self, text: str) -> Parsed | None:
        """Return a row's cells; None where a quoted one does not end as it should."""
        return next(self._ways(text, 0, (), strict=True), None)

    def quoted_ways(self, text: str, width: int) -> list[Cells]:
        """Return the ways to a number of cells where quotes in quoted cells are not doubled."""
        if not self.quote or self.cells(text) is not None:
            return []
        ways: list[Cells] = []
        for tried, way in enumerate(self._ways(text, 0, (), strict=False)):
            if len(way) == width and any(quoted for _, quoted in way):
                ways.append([cell for cell, _ in way])
            if tried >= _MOST_WAYS:
                return []
        return ways

    def _ways(
        self, text: str, at: int, before: tuple[tuple[str, bool], ...], *, strict: bool
    ) -> Iterator[Parsed]:
        """Ways to read a row from a position on, after some cells."""
        done = list(before)
        while True:
            while self.skip_initial_space and text[at : at + 1] == " ":
                at += 1
            if self.quote and text.startswith(self.quote, at):
                yield from self._quoted(text, at, tuple(done), strict=strict)
                return
            end = text.find(self.delimiter, at)
            done.append((text[at:] if end < 0 else text[at:end], False))
            if end < 0:
                yield done
                return
            at = end + 1

    def _quoted(
        self, text: str, at: int, before: tuple[tuple[str, bool], ...], *, strict: bool
    ) -> Iterator[Parsed]:
        """Ways to read a row from a quoted cell on."""
        for end in self._ends(text, at + 1, strict=strict):
            cell = text[at + 1 : end].replace(2 * self.quote, self.quote)
            done = (*before, (cell, True))
            if end + 1 == len(text):
                yield list(done)
            else:
                yield from self._ways(text, end + 2, done, strict=strict)

    def _ends(self, text: str, at: int, *, strict: bool) -> Iterator[int]:
        """Where a quoted cell may end: at quotes that a delimiter or the end of the row follows."""
        end = text.find(self.quote, at)
        while end >= 0:
            doubled = text.startswith(self.quote, end + 1)
            closes = text[end + 1 : end + 2] in ("", self.delimiter)
            if closes:
                yield end
            if strict and not doubled:
                return
            end = text.find(self.quote, end + 1 + (strict and doubled))

    def written(self, cells: Cells) -> str:
        """Return cells as a row of this dialect."""
        return self.delimiter.join(self._cell_written(cell or "") for cell in cells)

    def _cell_written(self, cell: str) -> str:
        special = (self.delimiter, self.quote, "\n", "\r")
        if not self.quote or not any(sign in cell for sign in special if sign):
            return cell
        return f"{self.quote}{cell.replace(self.quote, 2 * self.quote)}{self.quote}"


class CellCheck:
    """Whether texts are values that the contract accepts in a column; each is asked once."""

    def __init__(self, header: Sequence[str], plan: Plan) -> None:
        self._plan = plan
        named = {column.source_name: column for column in plan.columns}
        self._columns = [named.get(name) for name in header]
        self._known: list[dict[str | None, bool]] = [{} for _ in header]

    def look_at(self, rows: Iterable[Cells]) -> None:
        """Judge all cells of some rows at once."""
        asked: list[dict[str | None, None]] = [{} for _ in self._columns]
        for row in rows:
            for of_column, cell in zip(asked, row, strict=True):
                of_column[cell] = None
        for at, cells in enumerate(asked):
            self.look_at_cells(at, cells)

    def look_at_cells(self, at: int, cells: Iterable[str | None]) -> None:
        """Judge some cells of the column at a position."""
        new = [cell for cell in cells if cell not in self._known[at]]
        column = self._columns[at]
        fit = [True] * len(new) if column is None else _fitting(new, column, self._plan)
        self._known[at] |= zip(new, fit, strict=True)

    def fits(self, row: Cells) -> bool:
        """Tell whether all cells of a row were accepted."""
        return all(self.fits_at(at, cell) for at, cell in enumerate(row))

    def fits_at(self, at: int, cell: str | None) -> bool:
        """Tell whether a cell was accepted in the column at a position."""
        return self._known[at][cell]


def _fitting(cells: list[str | None], column: Column, plan: Plan) -> list[bool]:
    """Whether each of some texts keeps the contract of a column."""
    if not cells:
        return []
    batch = pa.RecordBatch.from_pydict(
        {column.source_name: pa.array(cells, pa.string()), ROW_NUMBER: range(len(cells))}
    )
    read = typed_column(batch, column, plan)
    masks = [read.refused]
    if column.required:
        masks.append(read.absent)
    for rule in column.rules:
        if rule.severity == "error":
            values = read.parts.values if rule.name in OF_RAW_VALUES else read.typed
            masks.append(read.mask(broken(rule.name, values, rule.argument)))
    fitting: list[bool] = pc.invert(reduce(pc.or_, masks)).to_pylist()
    return fitting


def joined(
    rows: dict[int, Parsed], width: int, delimiter: str, check: CellCheck
) -> dict[int, Cells]:
    """Return rows of more cells than columns, neighbours joined, where only one way fits.

    Quoted cells are joined with none: their quotes say where they end.
    """
    rows = {number: row for number, row in rows.items() if len(row) - width <= _MOST_EXTRA_CELLS}
    for at in range(width):
        spans = {text for row in rows.values() for _, _, text in _spans(row, at, width, delimiter)}
        check.look_at_cells(at, spans)
    ways = {number: _two_ways(row, width, delimiter, check) for number, row in rows.items()}
    return {number: found[0] for number, found in ways.items() if len(found) == 1}


def _spans(row: Parsed, at: int, width: int, delimiter: str) -> Iterator[tuple[int, int, str]]:
    """Cells that may be the column at a position: from where, up to where, and their text."""
    extra = len(row) - width
    for begin in range(at, at + extra + 1):
        for end in range(begin + 1, at + extra + 2):
            part = row[begin:end]
            if len(part) == 1 or not any(quoted for _, quoted in part):
                yield begin, end, delimiter.join(cell for cell, _ in part)


def _two_ways(row: Parsed, width: int, delimiter: str, check: CellCheck) -> list[Cells]:
    """Ways to join a row's cells that fit; two at most are told."""
    ways: dict[int, list[Cells]] = {0: [[]]}
    for at in range(width):
        further: dict[int, list[Cells]] = {}
        for begin, end, text in _spans(row, at, width, delimiter):
            if begin in ways and check.fits_at(at, text):
                further.setdefault(end, []).extend([*way, text] for way in ways[begin])
        ways = {end: found[:2] for end, found in further.items()}
    return ways.get(len(row), [])
