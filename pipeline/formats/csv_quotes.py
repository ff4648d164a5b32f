"""Where the quotes of a block of CSV stand: told for all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline.formats.csv_dialect import CsvDialect

_MOST_STEPS: Final = 100
"""Line ends that are tried, from the last one back, for one outside of quotes."""


def positions(text: bytes, byte: bytes) -> npt.NDArray[np.int64]:
    """Return where a byte stands in a text; nowhere, if there is no byte."""
    if not byte:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.frombuffer(text, np.uint8) == byte[0])


def regular_end(text: bytes, quotes: npt.NDArray[np.int64], dialect: CsvDialect, limit: int) -> int:
    """Return where the last row ends, if all quotes before stand where they should; 0 in doubt.

    They should open a cell, close one, or stand doubled within a quoted one. Then every other quote
    opens or closes, and a line end outside of quotes has an even number of them before it.

    Parameters
    ----------
    text
        CSV from the beginning of a row on.
    quotes
        Positions of all its quotes.
    limit
        Bytes that no row has more of: where it is not so, the part before is what is answered.
    """
    end = 0
    while (last := _last_row_end(text, quotes, dialect, end, end + limit)) > end:
        end = last
    quotes = quotes[: np.searchsorted(quotes, end)]
    return end if _stand_well(text, quotes, dialect) else 0


def _last_row_end(
    text: bytes, quotes: npt.NDArray[np.int64], dialect: CsvDialect, begin: int, stop: int
) -> int:
    """Where the last row of a part of the text ends; `begin` if none is found."""
    end = dialect.last_line_end(text, begin, min(stop, len(text)))
    for _ in range(_MOST_STEPS):
        before = int(np.searchsorted(quotes, end))
        if before % 2 == 0 or end == begin:
            return end
        end = dialect.last_line_end(text, begin, max(begin, int(quotes[before - 1])))
    return begin


def _stand_well(text: bytes, quotes: npt.NDArray[np.int64], dialect: CsvDialect) -> bool:
    data = np.frombuffer(text, np.uint8)
    beside = _beside_quotes(dialect)
    before = beside[data[quotes[0::2] - 1]]
    if len(quotes) and quotes[0] == 0:
        before[0] = True
    return bool(before.all() and beside[data[quotes[1::2] + 1]].all())


def _beside_quotes(dialect: CsvDialect) -> npt.NDArray[np.bool_]:
    """Bytes that may stand before a quote that opens a cell, and after one that closes it."""
    beside = np.zeros(256, np.bool_)
    beside[list(dialect.delimiter + b"\r\n")] = True
    if dialect.double_quote:
        beside[list(dialect.quote)] = True
    return beside


def line_starts(text: bytes, dialect: CsvDialect) -> npt.NDArray[np.int64]:
    """Return where lines begin: the first one at 0, and what follows each line end."""
    ends = positions(text, b"\n")
    if dialect.terminator in (None, b"\r") and b"\r" in text:
        returns = positions(text, b"\r")
        alone = ~np.isin(returns + 1, ends, assume_unique=True)
        ends = np.union1d(ends, returns[alone])
    return np.concatenate([np.zeros(1, np.int64), ends + 1])


def lines_of_rows(
    text: bytes,
    starts: npt.NDArray[np.int64],
    no_rows: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """Return the numbers of the lines that rows begin with, the first line being 0.

    Parameters
    ----------
    starts
        Where lines begin, and the last one's end.
    no_rows
        Mask of lines that are none, beside the blank ones.
    """
    first = np.frombuffer(text, np.uint8)[starts[:-1]]
    blank = (first == ord("\n")) | (first == ord("\r"))
    return np.flatnonzero(~(blank if no_rows is None else blank | no_rows))


def doubtful_lines(
    text: bytes,
    quotes: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    dialect: CsvDialect,
) -> npt.NDArray[np.int64]:
    """Return the numbers of lines that may be no rows by themselves if a row begins with them.

    In such a line a quote opens a cell, and their number is odd, or one stands where it should not.
    """
    if not len(quotes):
        return quotes
    data, beside = np.frombuffer(text, np.uint8), _beside_quotes(dialect)
    lines = np.searchsorted(starts, quotes, side="right") - 1
    firsts = np.flatnonzero(np.append(True, lines[1:] != lines[:-1]))
    counts = np.diff(np.append(firsts, len(quotes)))
    is_even = (np.arange(len(quotes)) - np.repeat(firsts, counts)) % 2 == 0
    begins, before = starts[lines] == quotes, data[quotes - 1]
    well = np.where(
        is_even, begins | beside[before], beside[data[np.minimum(quotes + 1, len(text) - 1)]]
    )
    opens = np.logical_or.reduceat(begins | (before == dialect.delimiter[0]), firsts)
    odd = np.logical_or.reduceat(~well, firsts) | (counts % 2 == 1)
    doubtful: npt.NDArray[np.int64] = lines[firsts[opens & odd]]
    return doubtful
