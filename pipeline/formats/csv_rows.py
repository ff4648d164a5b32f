"""Numbers of a CSV file's rows, and those that have another number of cells than the header."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.findings import Reject, Violation
from pipeline.formats import CHUNK_ROWS, RawChunk, RawChunks
from pipeline.plan import ROW_NUMBER
from pipeline.rules import Reason, spoken

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow.csv as pacsv


class RowNumbering:
    """Numbers the rows of the parser's batches, and puts the malformed ones back between them.

    The parser hands out malformed rows as it finds them, whole blocks ahead of the good ones. A
    block may be nothing else, so they are kept in little more than the bytes of their text.

    Parameters
    ----------
    columns
        Cells that a row should have.
    padding
        Rows before the file's first that are none of its own: 0 or 1.
    """

    def __init__(self, columns: int, *, padding: int = 0) -> None:
        self.passed = 0
        self._columns = columns
        self._said = spoken(Reason.CELLS, None)
        self._padding = padding
        self._numbers = array("q")
        self._cells = array("q")
        self._ends = array("q")
        self._text = bytearray()

    def skip(self, row: pacsv.InvalidRow) -> str:
        """Handle a row that the parser cannot fit into the columns."""
        self._text += row.text.encode()
        self._numbers.append(row.number - self._padding)
        self._cells.append(row.actual_columns)
        self._ends.append(len(self._text))
        return "skip"

    def chunks(self, batch: pa.RecordBatch) -> RawChunks:
        """Yield the rows of the parser's next batch, and the malformed ones up to the next good."""
        malformed = np.array(self._numbers)
        # Without those before them, malformed rows up to the next good one are at most its number.
        among_good = malformed - np.arange(len(malformed))
        between = int(np.searchsorted(among_good, self.passed + batch.num_rows + 1, side="right"))
        last = self.passed + batch.num_rows + between
        good = _all_but(malformed[:between], self.passed + 1, last)
        yield from self._sliced(batch, good, malformed[:between], last)
        self._forget(between)

    def rest(self) -> RawChunks:
        """Yield the malformed rows after the last batch."""
        nothing = pa.RecordBatch.from_arrays([], [])
        yield from self.chunks(nothing)

    def _sliced(
        self,
        batch: pa.RecordBatch,
        good: npt.NDArray[np.int64],
        malformed: npt.NDArray[np.int64],
        last: int,
    ) -> RawChunks:
        rejected = 0
        while self.passed < last:
            upto = min(self.passed + CHUNK_ROWS, last)
            rows = slice(*np.searchsorted(good, [self.passed, upto], side="right"))
            bad = int(np.searchsorted(malformed, upto, side="right"))
            part = batch.slice(rows.start, rows.stop - rows.start)
            numbered = part.append_column(ROW_NUMBER, pa.array(good[rows]))
            rejects = [self._reject(at) for at in range(rejected, bad)]
            self.passed, rejected = upto, bad
            yield RawChunk(numbered, rejects)

    def _reject(self, at: int) -> Reject:
        """The malformed row at a position of those that are kept."""
        begin = self._ends[at - 1] if at else 0
        text = self._text[begin : self._ends[at]].decode()
        cells = self._cells[at]
        message = f"{self._said}: {cells} instead of {self._columns}"
        if lines := text.count("\n") or text.count("\r"):
            message += f"; quotes hold {lines + 1} lines together, perhaps one in the wrong place"
        violation = Violation(None, Reason.CELLS, cells, message)
        return Reject(self._numbers[at], (violation,), text)

    def _forget(self, first: int) -> None:
        """Drop the first malformed rows, which have been handed on."""
        if not first:
            return
        size = self._ends[first - 1]
        del self._text[:size], self._numbers[:first], self._cells[:first]
        self._ends = array("q", (np.array(self._ends[first:]) - size).tobytes())


def _all_but(without: npt.NDArray[np.int64], first: int, last: int) -> npt.NDArray[np.int64]:
    """The numbers from first to last without some of them."""
    numbers = np.arange(first, last + 1, dtype=np.int64)
    return np.delete(numbers, without - first) if len(without) else numbers
