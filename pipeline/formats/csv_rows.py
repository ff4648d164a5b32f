"""Numbers and lines of a CSV file's rows, and those of them that are no rows of the table."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.buffers import int64_array
from pipeline.findings import Reject, Violation
from pipeline.formats import CHUNK_ROWS, RawChunk, RawChunks
from pipeline.formats.csv_records import REFUSED_CELL, Refused
from pipeline.plan import ROW_NUMBER
from pipeline.rules import Reason, spoken

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    import numpy.typing as npt
    import pyarrow as pa
    import pyarrow.csv as pacsv

_STAND_IN: Final = REFUSED_CELL.decode()


class MalformedRows:
    """Rows of a block that the parser refuses, in little more than the bytes of their text.

    Parameters
    ----------
    refused
        What the parser's rows that begin with `REFUSED_CELL` stand for.
    doubted
        What makes a row's text doubtful, if anything does.
    """

    def __init__(self, refused: list[Refused], doubted: re.Pattern[str] | None) -> None:
        self._refused = iter(refused)
        self._doubted = doubted
        self.is_doubtful = False
        self._numbers = array("q")
        self._cells = array("q")
        self._ends = array("q")
        self._text = bytearray()

    def skip(self, row: pacsv.InvalidRow) -> str:
        """Handle a row that the parser cannot fit into the columns."""
        if row.text.startswith(_STAND_IN):
            self._add(row.number, next(self._refused))
        else:
            self._add(row.number, Refused(row.text.encode(), cells=row.actual_columns))
            if self._doubted is not None and self._doubted.search(row.text):
                self.is_doubtful = True
        return "skip"

    def _add(self, number: int, refused: Refused) -> None:
        self._text += refused.text
        self._numbers.append(number)
        self._cells.append(refused.cells or -refused.stray)
        self._ends.append(len(self._text))

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Their numbers in the block, from 1."""
        return np.array(self._numbers, np.int64)

    def __getitem__(self, at: int) -> Refused:
        """Return one of them by its position."""
        begin = self._ends[at - 1] if at else 0
        cells = self._cells[at]
        return Refused(bytes(self._text[begin : self._ends[at]]), max(cells, 0), max(-cells, 0))


class RowNumbering:
    """Numbers the rows of one block after the other, good ones and malformed ones alike.

    Parameters
    ----------
    columns
        Cells that a row should have.
    first_line
        The line, counted from 1, that the first block begins with.
    """

    def __init__(self, columns: int, first_line: int) -> None:
        self.passed = 0
        self._columns = columns
        self._line = first_line
        self._said = spoken(Reason.CELLS, None)

    def chunks(
        self,
        batch: pa.RecordBatch,
        malformed: MalformedRows,
        lines: int,
        rows_at: Callable[[], npt.NDArray[np.int64]],
    ) -> RawChunks:
        """Yield the rows of a block, at most `CHUNK_ROWS` of them at a time.

        Parameters
        ----------
        lines
            Lines of the block.
        rows_at
            Gives the line of each of its rows, the block's first line being 0.
        """
        first, bad = self.passed, malformed.numbers + self.passed
        last = first + batch.num_rows + len(bad)
        good = np.delete(np.arange(first + 1, last + 1, dtype=np.int64), bad - first - 1)
        line_of = self._lines(first, last, lines, rows_at)
        rejected = 0
        while self.passed < last:
            upto = min(self.passed + CHUNK_ROWS, last)
            begin, end = np.searchsorted(good, [self.passed, upto], side="right")
            part = batch.slice(begin, end - begin)
            numbered = part.append_column(ROW_NUMBER, int64_array(good[begin:end]))
            upto_bad = int(np.searchsorted(bad, upto, side="right"))
            rejects = [
                self._reject(malformed[at], int(bad[at]), line_of)
                for at in range(rejected, upto_bad)
            ]
            self.passed, rejected = upto, upto_bad
            yield RawChunk(numbered, rejects, line_of=line_of)
        self._line += lines

    def _lines(
        self, passed: int, last: int, lines: int, rows_at: Callable[[], npt.NDArray[np.int64]]
    ) -> Callable[[int], int]:
        """Give the line of a row by its number."""
        begin = self._line
        if last - passed == lines:  # every line is a row
            return lambda number: begin + number - passed - 1
        at = rows_at()
        return lambda number: begin + int(at[number - passed - 1])

    def _reject(self, row: Refused, number: int, line_of: Callable[[int], int]) -> Reject:
        text = row.text.decode()
        if row.stray:
            message = f"{spoken(Reason.QUOTES, None)}: cell {row.stray}"
            violation = Violation(None, Reason.QUOTES, None, message)
        else:
            message = f"{self._said}: {row.cells} instead of {self._columns}"
            if lines := text.count("\n") or text.count("\r"):
                message += f"; its quotes hold {lines + 1} lines together"
            violation = Violation(None, Reason.CELLS, row.cells, message)
        return Reject(number, (violation,), text, line_of(number))
