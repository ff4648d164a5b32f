"""CSV text without the lines at its end that are no data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors import RowLimitError
from pipeline.formats.limits import limit_error
from pipeline.formats.text import BLOCK_BYTES

if TYPE_CHECKING:
    from pipeline.formats import ByteStream
    from pipeline.formats.csv_dialect import CsvDialect
    from pipeline.plan_contract import Limits

_MOST_HELD_BYTES: Final = 64 * 1024**2


class WithoutFooter:
    """A text up to its last so many lines; blank lines at its end are not counted.

    Raises, from `read`
    ------
    RowLimitError
        If those lines cannot be held: they, or blank lines, have too many bytes.
    """

    def __init__(self, source: ByteStream, dialect: CsvDialect, limits: Limits, lines: int) -> None:
        self._source = source
        self._dialect = dialect
        self._limits = limits
        self._lines = lines
        self._held = b""

    def read(self, size: int = BLOCK_BYTES, /) -> bytes:
        """Return some of the text; empty only where the footer begins."""
        while block := self._source.read(size):
            self._held += block
            end = self._footer_begin()
            if end:
                ready, self._held = self._held[:end], self._held[end:]
                return ready
            if len(self._held) > _MOST_HELD_BYTES + self._lines * self._limits.max_row_bytes:
                found = f"The last {self._lines:,} lines have more than {len(self._held):,} bytes"
                raise limit_error(RowLimitError, self._limits, "max_row_bytes", found)
        ready, self._held = self._held[: self._footer_begin()], b""
        return ready

    def _footer_begin(self) -> int:
        """Where the footer begins, if no more text comes: it never begins earlier."""
        at = self._without_line_end(len(self._held), every=True)
        for _ in range(self._lines):
            at = self._dialect.last_line_end(self._held, 0, self._without_line_end(at))
        return at

    def _without_line_end(self, at: int, *, every: bool = False) -> int:
        """Where the line ends, or all of them, begin that stand before a position."""
        marks = self._dialect.line_ends
        marks = marks if self._dialect.terminator else (b"\r\n", *marks)
        while found := next((mark for mark in marks if self._held.endswith(mark, 0, at)), b""):
            at -= len(found)
            if not every:
                break
        return at
