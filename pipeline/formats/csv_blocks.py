"""Blocks of CSV text that a plain parser takes apart as the dialect means it.

Most blocks are handed on as they are. Where quotes stand in odd places, the lines concerned are
looked at one by one; a line that is no row is replaced by one that the parser must refuse. A
dialect that the parser does not have is written anew, row by row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.errors import MalformedCsvError
from pipeline.formats.csv_quotes import line_starts, lines_of_rows, positions, regular_end
from pipeline.formats.csv_records import RecordReader, Refused
from pipeline.formats.csv_rewriter import PLAIN_DELIMITER, PLAIN_QUOTE, Rewriter
from pipeline.formats.csv_sieve import Sieve

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from pipeline.formats.csv_dialect import CsvDialect

_ANY_ROW: Final = re.compile("")
_SEVERAL_LINES: Final = re.compile(r"[\r\n]")
_RUNS_OF_SPACES: Final = tuple(b" " * size for size in (65_536, 1_024, 32, 4, 1))
"""Long ones first: so few of them are replaced, however long a run is."""
_WASTED_BYTES: Final = 64 * 1024**2
_WASTED_SHARE: Final = 4
"""Bytes that may be read for stray quotes in vain: so many, and so many for each of the text."""


@dataclass(frozen=True)
class Block:
    """Whole rows, written so that the parser knows them.

    `used` bytes of the file's text, `lines` lines, were turned into `text`. There is a `quote`
    only where it has a meaning in it. `refused` are the rows in it that begin with `REFUSED_CELL`,
    in their order. `rows_at` gives the line of each row, counted from 0 at the block's first. Where
    the parser refuses a row whose text `doubted` is found in, the block was made too quickly.
    `wasted` bytes were looked at for stray quotes.
    """

    text: memoryview
    used: int
    lines: int
    delimiter: bytes
    quote: bytes
    double_quote: bool
    rows_at: Callable[[], npt.NDArray[np.int64]]
    refused: list[Refused] = field(default_factory=list)
    doubted: re.Pattern[str] | None = None
    wasted: int = 0


class BlockMaker:
    """Makes blocks of a file's text.

    Parameters
    ----------
    columns
        Cells that a row should have.
    limit
        Bytes that a row has at most.
    """

    def __init__(self, dialect: CsvDialect, columns: int, limit: int) -> None:
        self._dialect = dialect
        self._reader = RecordReader(dialect, columns, limit)
        self._spaces = _initial_spaces(dialect) if dialect.skip_initial_space else None
        self._passed_bytes = 0
        self._passed_lines = 0
        self._wasted = 0

    def passed(self, block: Block) -> None:
        """Count a block that is done with."""
        self._passed_bytes += block.used
        self._passed_lines += block.lines
        self._wasted += block.wasted

    def block(self, text: bytes, *, final: bool, careful: bool = False) -> Block:
        """Return the rows at a text's beginning, as far as they are whole.

        Parameters
        ----------
        text
            Text from the beginning of a row on. It does not end within a line end.
        final
            Whether the file ends where the text does; it then ends with a line end.
        careful
            Whether every row that the parser may refuse is to be looked at.

        Raises
        ------
        MalformedCsvError
            If there are so many stray quotes that rows cannot be told from cells.
        """
        dialect = self._dialect
        if _is_foreign(text, dialect):
            return self._rewritten(text, final=final)
        has_quotes = bool(dialect.quote) and dialect.quote in text
        has_comments = bool(dialect.comment) and dialect.comment in text
        if self._spaces is not None and self._spaces.search(text):
            if careful or has_quotes or has_comments:
                return self._rewritten(text, final=final)
            return self._without_spaces(text)
        if not has_quotes and not has_comments:
            return self._plain(text)
        quotes = positions(text, dialect.quote if has_quotes else b"")
        quick = not (careful or has_comments)
        end = regular_end(text, quotes, dialect, self._reader.limit) if quick else 0
        return self._regular(text, quotes, end) if end else self._sifted(text, quotes, final=final)

    def _plain(self, text: bytes) -> Block:
        """Rows without a quote."""
        end = self._dialect.last_line_end(text, 0, len(text))
        rows_at = partial(_lines_of_rows, text, end, self._dialect)
        return self._own(text, end, rows_at, quote=b"")

    def _without_spaces(self, text: bytes) -> Block:
        block = self._plain(text)
        bare = _without_initial_spaces(text[: block.used], self._dialect)
        rows_at = partial(_lines_of_rows, bare, len(bare), self._dialect)
        return replace(block, text=memoryview(bare), rows_at=rows_at, doubted=_ANY_ROW)

    def _regular(self, text: bytes, quotes: npt.NDArray[np.int64], end: int) -> Block:
        """Rows whose quotes all stand where they should."""
        rows_at = partial(_lines_of_rows, text, end, self._dialect, quotes)
        return replace(self._own(text, end, rows_at), doubted=_SEVERAL_LINES)

    def _own(
        self,
        text: bytes,
        end: int,
        rows_at: Callable[[], npt.NDArray[np.int64]],
        *,
        quote: bytes | None = None,
    ) -> Block:
        """Block in the file's own dialect."""
        dialect = self._dialect
        quote = dialect.quote if quote is None else quote
        marks = (dialect.delimiter, quote, dialect.double_quote)
        return Block(memoryview(text)[:end], end, dialect.lines(text, 0, end), *marks, rows_at)

    def _sifted(self, text: bytes, quotes: npt.NDArray[np.int64], *, final: bool) -> Block:
        """Rows among which lines are that have to be looked at."""
        sieve = Sieve(self._reader, text, quotes, final=final)
        self._check_wasted(sieve.wasted, sieve.end)
        block = self._own(text, sieve.end, sieve.rows_at)
        sifted = memoryview(sieve.text)
        return replace(block, text=sifted, refused=sieve.refused, wasted=sieve.wasted)

    def _rewritten(self, text: bytes, *, final: bool) -> Block:
        """Rows in a dialect that the parser does not have."""
        rewriter = Rewriter(self._reader, text, final=final)
        self._check_wasted(rewriter.wasted, rewriter.end)
        lines = self._dialect.lines(text, 0, rewriter.end)
        rows_at = partial(np.array, rewriter.rows_at, np.int64)
        plain = memoryview(b"".join(rewriter.rows))
        marks = (PLAIN_DELIMITER, PLAIN_QUOTE, True)
        found = (rewriter.refused, None, rewriter.wasted)
        return Block(plain, rewriter.end, lines, *marks, rows_at, *found)

    def _check_wasted(self, wasted: int, bytes_more: int) -> None:
        most = _WASTED_BYTES + _WASTED_SHARE * (self._passed_bytes + bytes_more)
        if self._wasted + wasted > most:
            raise MalformedCsvError(
                f"After line {self._passed_lines:,} so many quotes are opened and not closed "
                "that rows cannot be told from cells of several lines.",
                remedy='Declare quoteChar: "" in the contract\'s csvDialect if a quote is a '
                "character like any other, else correct the export.",
            )


def _lines_of_rows(
    text: bytes, end: int, dialect: CsvDialect, quotes: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """The lines that the rows of a part of a text begin with, without those within quotes."""
    starts = line_starts(text[:end], dialect)
    within = None if quotes is None else np.searchsorted(quotes, starts[:-1]) % 2 == 1
    return lines_of_rows(text, starts, within)


def _is_foreign(text: bytes, dialect: CsvDialect) -> bool:
    """Whether a text has an escape, or line ends that the dialect does not mean as such."""
    if dialect.escape and dialect.escape in text:
        return True
    if dialect.terminator is None:
        return False
    if dialect.terminator == b"\n":
        return b"\r" in text
    if dialect.terminator == b"\r":
        return b"\n" in text
    pairs = text.count(b"\r\n")
    return dialect.terminator != b"\r\n" or text.count(b"\n") + text.count(b"\r") != 2 * pairs


def _initial_spaces(dialect: CsvDialect) -> re.Pattern[bytes]:
    """Spaces at the beginning of a cell."""
    return re.compile(rb"(?:\A|[\r\n" + re.escape(dialect.delimiter) + rb"]) ")


def _without_initial_spaces(text: bytes, dialect: CsvDialect) -> bytes:
    """A text without quotes whose cells begin with something else than spaces."""
    text = text.lstrip(b" ")
    for mark, spaces in product((dialect.delimiter, b"\n", b"\r"), _RUNS_OF_SPACES):
        while mark + spaces in text:
            text = text.replace(mark + spaces, mark)
    return text
