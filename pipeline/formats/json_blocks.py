"""A block of JSON rows, a row a line, and the lines of the file that they begin in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.formats.json_values import plain_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

WINDOW_BYTES: Final = 64 * 1024
"""From here on numpy counts faster than bytes do; larger parts leave the processor's cache."""
BLANKS: Final = b" \t\r\n"
"""What may stand between JSON values (RFC 8259); any other space is no JSON."""
_LINE_END: Final = ord("\n")


@dataclass(frozen=True)
class Block:
    """Some rows of a file.

    `text` has a row a line, and perhaps blank lines. `first_line` is the file's line (1-based)
    that its first one is; `row_lines` are the rows' lines where rows are no lines of the file.
    """

    text: bytes
    first_line: int
    row_lines: Sequence[int] | None = None

    @cached_property
    def ends(self) -> npt.NDArray[np.int64]:
        """Where lines of the text end."""
        return np.flatnonzero(np.frombuffer(self.text, np.uint8) == _LINE_END)

    @cached_property
    def body(self) -> bytes:
        """The text from the first row to the last."""
        return self.text.strip(BLANKS)

    @cached_property
    def _blank(self) -> int:
        """Lines before the first row."""
        return self.text.count(b"\n", 0, len(self.text) - len(self.text.lstrip(BLANKS)))

    @property
    def body_lines(self) -> int:
        """Number of lines of the body: the rows, where no blank ones stand between them."""
        after = self.text.count(b"\n", len(self.text.rstrip(BLANKS)))
        return len(self.ends) + 1 - self._blank - after

    def pieces(self, most_lines: int) -> Iterator[Block]:
        """Yield the block in pieces of so many lines at most."""
        if len(self.ends) < most_lines:
            yield self
            return
        ends = [*self.ends.tolist(), len(self.text)]
        begin = 0
        for first in range(0, len(ends), most_lines):
            end = ends[min(first + most_lines, len(ends)) - 1]
            text = self.text[begin:end]
            own = None if self.row_lines is None else self.row_lines[first : first + most_lines]
            if text.strip(BLANKS):
                yield Block(text, self.first_line + first, own)
            begin = end + 1

    def rows(self) -> list[tuple[int, bytes]]:
        """Return the rows, each with the line that it begins in."""
        lines = [
            (number, line)
            for number, line in enumerate(self.text.split(b"\n"), self.first_line)
            if line.strip(BLANKS)
        ]
        if self.row_lines is None:
            return lines
        return list(zip(self.row_lines, (line for _, line in lines), strict=True))

    def line(self, row: int) -> bytes:
        """Return the text of a row by its position, where no blank lines stand between rows."""
        at = self._blank + row
        begin = int(self.ends[at - 1]) + 1 if at else 0
        return self.text[begin : int(self.ends[at]) if at < len(self.ends) else None]

    def line_of(self, row: int) -> int:
        """Return the line of a row by its position, where no blank lines stand between rows."""
        return (
            self.first_line + self._blank + row if self.row_lines is None else self.row_lines[row]
        )

    def raw(self, row: int) -> Any:
        """Return the JSON value of a row by its position, where no blank lines stand between."""
        return plain_value(self.line(row))


def windows(text: bytes, *, overlap: int = 0) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the parts of a text that stay in the processor's cache; `overlap` bytes are in two."""
    data = np.frombuffer(text, np.uint8)
    for at in range(0, len(data), WINDOW_BYTES):
        yield data[at : at + WINDOW_BYTES + overlap]
