"""A block of JSON rows, a row a line, and the lines of the file that they begin in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

WINDOW_BYTES: Final = 64 * 1024
"""From here on numpy counts faster than bytes do; larger parts leave the processor's cache."""
_LINE_END: Final = ord("\n")


class Block(NamedTuple):
    """Some rows of a file.

    `text` has a row a line, and perhaps blank lines. `first_line` is the file's line (1-based)
    that its first one is; `row_lines` are the rows' lines where rows are no lines of the file.
    """

    text: bytes
    first_line: int
    row_lines: Sequence[int] | None = None

    def rows(self) -> list[tuple[int, bytes]]:
        """Return the rows, each with the line that it begins in."""
        lines = [
            (number, line)
            for number, line in enumerate(self.text.split(b"\n"), self.first_line)
            if line.strip()
        ]
        if self.row_lines is None:
            return lines
        return list(zip(self.row_lines, (line for _, line in lines), strict=True))

    def line_of(self, row: int) -> int:
        """Return the line of a row by its position, where no blank lines stand between rows."""
        if self.row_lines is not None:
            return self.row_lines[row]
        blank = self.text[: len(self.text) - len(self.text.lstrip())]
        return self.first_line + blank.count(b"\n") + row


def windows(text: bytes, *, overlap: int = 0) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the parts of a text that stay in the processor's cache; `overlap` bytes are in two."""
    data = np.frombuffer(text, np.uint8)
    for at in range(0, len(data), WINDOW_BYTES):
        yield data[at : at + WINDOW_BYTES + overlap]


def line_ends(text: bytes) -> int:
    """Return the number of line ends in a text."""
    return sum(int(np.count_nonzero(part == _LINE_END)) for part in windows(text))
