"""The lines of a block of CSV that are no rows, sifted out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.formats.csv_quotes import doubtful_lines, line_starts, lines_of_rows
from pipeline.formats.csv_records import REFUSED_CELL, Refused, Stray

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline.formats.csv_records import Record, RecordReader


class Sieve:
    """A text in which comments are blank lines, and lines with a stray quote are refused rows.

    Lines that are rows by themselves, as their quotes stand, are not looked at.

    Attributes
    ----------
    end
        Where the text ends that was sifted: the last line, or row of several, may not be whole.
    refused
        Lines with a stray quote, in order; in the text rows of one cell too many stand for them.
    wasted
        Bytes that were read to find them.
    """

    def __init__(
        self, reader: RecordReader, text: bytes, quotes: npt.NDArray[np.int64], *, final: bool
    ) -> None:
        self._reader = reader
        self._dialect = reader.dialect
        self._original = text
        self._starts = line_starts(text, self._dialect)
        self._no_rows = np.zeros(len(self._starts) - 1, np.bool_)
        self._stand_in = REFUSED_CELL + self._dialect.delimiter * reader.columns
        self._pieces: list[bytes] = []
        self._copied = 0
        self.refused: list[Refused] = []
        self.wasted = 0
        self.end = self._sifted(self._lines_to_look_at(quotes), final=final)
        self._pieces.append(text[self._copied : self.end])

    @property
    def text(self) -> bytes:
        """The text, with as many lines as it had."""
        return b"".join(self._pieces)

    def rows_at(self) -> npt.NDArray[np.int64]:
        """Return the numbers of the lines that rows begin with."""
        lines = int(np.searchsorted(self._starts, self.end))
        starts = self._starts[: lines + 1]
        return lines_of_rows(self._original, starts, self._no_rows[:lines])

    def _lines_to_look_at(self, quotes: npt.NDArray[np.int64]) -> list[int]:
        lines = doubtful_lines(self._original, quotes, self._starts, self._dialect)
        if self._dialect.comment:
            lines = np.union1d(lines, self._comments())
        return [int(line) for line in lines if line < len(self._no_rows)]

    def _comments(self) -> npt.NDArray[np.int64]:
        """Numbers of the lines that begin as comments do."""
        data = np.frombuffer(self._original, np.uint8)
        maybe = np.flatnonzero(data[self._starts[:-1]] == self._dialect.comment[0])
        found = [n for n in maybe if self._dialect.is_comment(self._original, self._starts[n])]
        return np.array(found, np.int64)

    def _sifted(self, lines: list[int], *, final: bool) -> int:
        """Sift these lines; return where the text ends that is whole."""
        settled = 0
        for line in lines:
            begin, end = int(self._starts[line]), int(self._starts[line + 1])
            if begin < settled:  # within a row of several lines
                continue
            settled = end
            if self._dialect.is_comment(self._original, begin):
                self._replace(begin, end, b"")
                self._no_rows[line] = True
                continue
            found = self._reader.take(self._original, begin, final=final)
            if found is None:
                return begin
            if isinstance(found, Stray):
                self.wasted += found.looked_at
                refused = self._replace(begin, end, self._stand_in)
                self.refused.append(Refused(refused, stray=found.cell))
            else:
                settled = self._kept(line, found)
        return int(self._starts[-1])

    def _kept(self, line: int, record: Record) -> int:
        """Where a row ends, after its lines but the first were noted as none."""
        next_line = int(np.searchsorted(self._starts, record.end))
        self._no_rows[line + 1 : next_line] = True
        return record.end

    def _replace(self, begin: int, end: int, by: bytes) -> bytes:
        """Put something in the place of a line's text; return that text."""
        found = self._dialect.line_end.search(self._original, begin, end)
        text_end = found.start() if found else end
        self._pieces += [self._original[self._copied : begin], by]
        self._copied = text_end
        return self._original[begin:text_end]
