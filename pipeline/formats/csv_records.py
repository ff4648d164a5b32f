"""Rows of CSV text, taken apart one by one: the exact way, for what the fast one does not know.

A quoted cell ends with a quote that a delimiter or line end follows. Where the first quote that
could end it is followed by something else, or none comes within a row's limit, the opening quote
was a stray one. So it was in a row of several lines with another number of cells than the header
has, if more than half of the lines between its first and its last are rows by themselves: two stray
quotes had then taken these lines for a cell's text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pipeline.formats.csv_dialect import CsvDialect

REFUSED_CELL: Final = b"\0"
"""First cell of a row that stands for a refused one: no text has this character."""
_SPACES: Final = re.compile(rb" *")


class Record(NamedTuple):
    """A row: its cells, where its text ends, and where the next line begins."""

    cells: list[bytes]
    text_end: int
    end: int


class Stray(NamedTuple):
    """A quote that opens a cell (the 1-based `cell` of the row) and is closed nowhere.

    `looked_at` is the number of bytes that had to be read to see it.
    """

    cell: int
    looked_at: int


class Refused(NamedTuple):
    """A line, or row of several, that is no row: its text, and what is wrong.

    `cells` is how many it has; or `stray` the number of the cell that a stray quote begins.
    """

    text: bytes
    cells: int = 0
    stray: int = 0


class _Cell(NamedTuple):
    text: bytes
    end: int


Taken = Record | Stray | None
"""What begins at a line's beginning; None if the text ends before that can be said."""


@dataclass(frozen=True)
class RecordReader:
    """Takes rows off a text.

    Parameters
    ----------
    columns
        Cells that a row should have; 0 if that is not known.
    limit
        Bytes from a row's beginning within which its quotes must be closed.
    """

    dialect: CsvDialect
    columns: int
    limit: int

    def take(self, text: bytes, at: int, *, final: bool) -> Taken:
        """Return the row that begins at a position, where a line begins.

        Parameters
        ----------
        final
            Whether the file ends where the text does.
        """
        taken = self._record(text, at, final=final)
        if not isinstance(taken, Record) or len(taken.cells) == self.columns or not self.columns:
            return taken
        if self._holds_rows(text, at, taken):
            return Stray(self._first_open_cell(text, at), taken.end - at)
        return taken

    def _record(self, text: bytes, at: int, *, final: bool) -> Taken:
        dialect = self.dialect
        found = dialect.line_end.search(text, at)
        if found is None and not final:
            return None
        text_end, end = found.span() if found else (len(text), len(text))
        line = text[at:text_end]
        if self._is_simple(line):
            return Record(line.split(dialect.delimiter), text_end, end)
        return _Scan(self, text, at, final=final).record()

    def _is_simple(self, line: bytes) -> bool:
        dialect = self.dialect
        return not (
            (dialect.quote and dialect.quote in line)
            or (dialect.escape and dialect.escape in line)
            or (dialect.skip_initial_space and b" " in line)
        )

    def _holds_rows(self, text: bytes, at: int, record: Record) -> bool:
        """Whether most lines between the first and the last of a row are rows by themselves."""
        lines = self.dialect.line_end.split(text[at : record.text_end])[1:-1]
        filled = [line for line in lines if line]
        return sum(map(self._fits, filled)) > len(filled) / 2

    def _fits(self, line: bytes) -> bool:
        alone = self._record(line, 0, final=True)
        return isinstance(alone, Record) and len(alone.cells) == self.columns

    def _first_open_cell(self, text: bytes, at: int) -> int:
        """The cell, counted from 1, that the row's first line does not end."""
        found = self.dialect.line_end.search(text, at)
        line = text[at : found.start() if found else len(text)]
        alone = self._record(line, 0, final=True)
        return alone.cell if isinstance(alone, Stray) else 1


class _Scan:
    """One way through a row with quotes, escapes or spaces in it."""

    def __init__(self, reader: RecordReader, text: bytes, at: int, *, final: bool) -> None:
        self._dialect = reader.dialect
        self._text = text
        self._at = at
        self._stop = min(len(text), at + reader.limit)
        self._final = final
        self._decided = final or self._stop < len(text)

    def record(self) -> Taken:
        """Return the row."""
        cells: list[bytes] = []
        at = self._at
        while True:
            found = self._cell(at, len(cells) + 1)
            if not isinstance(found, _Cell):
                return found
            cells.append(found.text)
            if self._text.startswith(self._dialect.delimiter, found.end):
                at = found.end + 1
            elif ending := self._dialect.line_end.match(self._text, found.end):
                return Record(cells, *ending.span())
            else:
                return Record(cells, found.end, found.end) if self._final else None

    def _cell(self, at: int, number: int) -> _Cell | Stray | None:
        if self._dialect.skip_initial_space:
            at = _after_spaces(self._text, at)
        if self._dialect.quote and self._text.startswith(self._dialect.quote, at):
            return self._quoted(at + 1, number)
        return self._plain(at)

    def _plain(self, begin: int) -> _Cell | None:
        parts: list[bytes] = []
        while found := self._dialect.cell_end.search(self._text, begin):
            if found.group() != self._dialect.escape:
                return _Cell(b"".join([*parts, self._text[begin : found.start()]]), found.start())
            parts.append(self._text[begin : found.start()])
            begin = found.end()
            after = self._after_escaped(begin)
            if after is None:
                break
            parts.append(self._text[begin:after])
            begin = after
        if not self._final:
            return None
        return _Cell(b"".join([*parts, self._text[begin:]]), len(self._text))

    def _after_escaped(self, at: int) -> int | None:
        """Where what is escaped ends, a character or line end; None where the text ends before."""
        if at >= len(self._text):
            return None
        ending = self._dialect.line_end.match(self._text, at)
        return ending.end() if ending else at + 1

    def _quoted(self, begin: int, number: int) -> _Cell | Stray | None:
        parts: list[bytes] = []
        while found := self._dialect.quote_or_escape.search(self._text, begin, self._stop):
            parts.append(self._text[begin : found.start()])
            begin = found.end()
            if found.group() == self._dialect.escape:
                after = self._after_escaped(begin)
            elif self._dialect.double_quote and self._text.startswith(self._dialect.quote, begin):
                after = begin + 1
            elif self._ends_cell(begin):
                return _Cell(b"".join(parts), begin)
            elif begin < len(self._text):
                return Stray(number, begin - self._at)
            else:
                return None
            if after is None:
                break
            parts.append(self._text[begin:after])
            begin = after
        return Stray(number, self._stop - self._at) if self._decided else None

    def _ends_cell(self, at: int) -> bool:
        """Whether a delimiter, a line end or the file's end stands at a position."""
        return (
            self._text.startswith(self._dialect.delimiter, at)
            or self._dialect.line_end.match(self._text, at) is not None
            or (self._final and at == len(self._text))
        )


def _after_spaces(text: bytes, at: int) -> int:
    found = _SPACES.match(text, at)
    return found.end() if found else at
