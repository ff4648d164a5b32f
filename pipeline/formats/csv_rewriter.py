"""CSV of any dialect, written anew in the plainest one, row by row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pipeline.formats.csv_records import REFUSED_CELL, Record, Refused

if TYPE_CHECKING:
    from pipeline.formats.csv_records import RecordReader

PLAIN_DELIMITER: Final = b","
PLAIN_QUOTE: Final = b'"'
_NEEDS_QUOTES: Final = re.compile(rb'[",\r\n]')


class Rewriter:
    """Rows of a text, written with commas, doubled quotes and line feeds.

    Attributes
    ----------
    end
        Where the text ends that was written anew: its last row may not be whole.
    rows, rows_at
        The rows as they are written now, and the line of each, the first one being 0.
    refused
        Those with stray quotes or another number of cells, in order; in `rows`, ones of one cell
        too many stand for them.
    wasted
        Bytes that were read to find stray quotes.
    """

    def __init__(self, reader: RecordReader, text: bytes, *, final: bool) -> None:
        self._reader = reader
        self._dialect = reader.dialect
        self._text = text
        self._stand_in = REFUSED_CELL + PLAIN_DELIMITER * reader.columns + b"\n"
        self._line = 0
        self.rows: list[bytes] = []
        self.rows_at: list[int] = []
        self.refused: list[Refused] = []
        self.wasted = 0
        self.end = self._written(final=final)

    def _written(self, *, final: bool) -> int:
        at = 0
        while at < len(self._text):
            end = self._step(at, final=final)
            if end is None:
                break
            self._line += self._dialect.lines(self._text, at, end)
            at = end
        return at

    def _step(self, at: int, *, final: bool) -> int | None:
        """Write what begins at a position; return where it ends, None if that cannot be said."""
        line_end = self._dialect.line_end.search(self._text, at)
        if line_end is None:
            return None
        if self._dialect.is_comment(self._text, at):
            return line_end.end()
        found = self._reader.take(self._text, at, final=final)
        if isinstance(found, Record):
            self._write(found, self._text[at : found.text_end])
            return found.end
        if found is None:
            return None
        self.wasted += found.looked_at
        self._refuse(Refused(self._text[at : line_end.start()], stray=found.cell))
        return line_end.end()

    def _write(self, record: Record, text: bytes) -> None:
        """Write a row; a line with nothing in it is none."""
        if not (text.lstrip(b" ") if self._dialect.skip_initial_space else text):
            return
        if len(record.cells) != self._reader.columns:
            self._refuse(Refused(text, cells=len(record.cells)))
            return
        self.rows_at.append(self._line)
        # A single empty cell without quotes would be a blank line.
        self.rows.append(PLAIN_DELIMITER.join(map(_quoted, record.cells)) + b"\n")

    def _refuse(self, refused: Refused) -> None:
        self.rows_at.append(self._line)
        self.rows.append(self._stand_in)
        self.refused.append(refused)


def _quoted(cell: bytes) -> bytes:
    if cell and not _NEEDS_QUOTES.search(cell):
        return cell
    return PLAIN_QUOTE + cell.replace(PLAIN_QUOTE, 2 * PLAIN_QUOTE) + PLAIN_QUOTE
