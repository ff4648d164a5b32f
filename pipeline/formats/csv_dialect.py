"""How the rows of a CSV file are written, in bytes, as its readers look at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pipeline.plan_contract import Source

DELIMITERS: Final = (",", ";", "\t", "|")
"""Those that are looked for in a header, where none is declared; the first of equally good ones."""
_LINE_FEED: Final = ord("\n")
_RETURN: Final = ord("\r")
_PIECE: Final = 256 * 1024
"""Bytes that are looked at in one go: masks of more take new pages of memory each time."""
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class CsvDialect:
    """The words of `plan_contract.Source` that say where a row and a cell end.

    `delimiter`, `quote` and `escape` are single bytes, the last two empty where there is none.
    Without a `terminator` each of the usual three line ends ends a line.
    """

    delimiter: bytes
    quote: bytes = b'"'
    double_quote: bool = True
    escape: bytes = b""
    terminator: bytes | None = None
    comment: bytes = b""
    skip_initial_space: bool = False

    @classmethod
    def of(cls, source: Source, delimiter: str) -> CsvDialect:
        """Return the dialect of a dataset's files under the delimiter that one of them has."""
        terminator = source.line_terminator
        return cls(
            delimiter.encode(),
            source.quote.encode(),
            source.double_quote,
            source.escape.encode(),
            None if terminator is None else terminator.encode(),
            source.comment.encode(),
            source.skip_initial_space,
        )

    @cached_property
    def line_end(self) -> re.Pattern[bytes]:
        """What ends a line."""
        return _LINE_END if self.terminator is None else re.compile(re.escape(self.terminator))

    @cached_property
    def line_ends(self) -> tuple[bytes, ...]:
        """Byte strings that a line ends with."""
        return (b"\n", b"\r") if self.terminator is None else (self.terminator,)

    @cached_property
    def cell_end(self) -> re.Pattern[bytes]:
        """What ends a cell without quotes, or takes the meaning of what follows away."""
        marks = [self.line_end.pattern, re.escape(self.delimiter)]
        return re.compile(b"|".join([*marks, *([re.escape(self.escape)] if self.escape else [])]))

    @cached_property
    def quote_or_escape(self) -> re.Pattern[bytes]:
        """What has a meaning within a quoted cell."""
        return re.compile(b"[" + re.escape(self.quote) + re.escape(self.escape) + b"]")

    def lines(self, text: bytes, begin: int, end: int) -> int:
        """Return the number of line ends in a part of a text."""
        if self.terminator is not None:
            return text.count(self.terminator, begin, end)
        part = np.frombuffer(text, np.uint8, end - begin, begin)  # four times as fast as `count`
        pieces = (part[at : at + _PIECE] for at in range(0, len(part), _PIECE))
        count = sum(np.count_nonzero(piece == _LINE_FEED) for piece in pieces)
        if text.find(b"\r", begin, end) >= 0:
            returns = part == _RETURN
            pairs = np.count_nonzero(returns[:-1] & (part[1:] == _LINE_FEED))
            count += np.count_nonzero(returns) - pairs
        return int(count)

    def last_line_end(self, text: bytes, begin: int, end: int) -> int:
        """Return where the last complete line of a part of a text ends; `begin` without one."""
        ends = [(text.rfind(mark, begin, end), len(mark)) for mark in self.line_ends]
        last = max((at + size for at, size in ends if at >= 0), default=begin)
        within = self.terminator is None and last and text[last - 1 : last + 1] == b"\r\n"
        return last + 1 if within else last

    def is_open_ended(self, text: bytes) -> bool:
        """Tell whether a text may end within a line end."""
        return text.endswith(b"\r") and self.terminator in (None, b"\r\n")

    def is_comment(self, text: bytes, at: int) -> bool:
        """Tell whether the line that begins at a position is a comment."""
        return bool(self.comment) and text.startswith(self.comment, at)
