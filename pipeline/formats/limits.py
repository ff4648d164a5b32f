"""The contract's limits on what a file may demand at once, and the errors of files beyond them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.errors import RowLimitError
from pipeline.formats.packed import SOURCE_BYTES

if TYPE_CHECKING:
    from pipeline.errors import FileLimitError
    from pipeline.formats.text import TextStream
    from pipeline.plan_contract import Limits

LIMIT_WORDS: Final = {
    "max_bytes": "maxBytes",
    "max_compression_ratio": "maxCompressionRatio",
    "max_columns": "maxColumns",
    "max_row_bytes": "maxRowBytes",
    "max_nesting": "maxNesting",
}
"""Limits by their names in the plan: the words that the contract has for them."""

_BRACKETS: Final = b'{}[]"\n'
_NO_BRACKETS: Final = bytes(set(range(256)) - set(_BRACKETS))
_SAME: Final = ord("[") ^ ord("{")
"""The bit that makes one opening bracket of the other."""
_WINDOW_BYTES: Final = 64 * 1024
"""From here on numpy counts faster than bytes do; larger parts leave the processor's cache."""
_STRING: Final = re.compile(rb'"[^"\n]*"?')
_DEEPER: Final = np.zeros(256, np.int8)
_DEEPER[[ord("["), ord("{")]] = 1
_DEEPER[[ord("]"), ord("}")]] = -1


def limit_error(
    kind: type[FileLimitError], limits: Limits, name: str, found: str
) -> FileLimitError:
    """Return the error of a file beyond a limit.

    Parameters
    ----------
    name
        The limit, as the plan spells it.
    found
        What was found, and where: a sentence without its full stop.
    """
    word, allowed = LIMIT_WORDS[name], int(getattr(limits, name))
    return kind(
        f"{found}; the limit {word} is {allowed:,}.",
        remedy=f"Correct the file, or raise `limits.{word}` in the contract's customProperties "
        "and deploy.",
        limit=word,
        allowed=allowed,
    )


class LimitedLines:
    """A text stream that no line is too long for: what holds it in memory stays bounded.

    A row of several lines, which CSV has within quotes, is bounded by the reader's block instead.

    Parameters
    ----------
    ends
        What ends a line, each by itself.

    Raises, from `read`
    ------
    RowLimitError
        As soon as a line has more than `max_row_bytes` bytes.
    """

    def __init__(
        self,
        text: TextStream,
        limits: Limits,
        *,
        ends: tuple[bytes, ...] = (b"\n",),
    ) -> None:
        self._text = text
        self._limits = limits
        self._ends = ends
        self._position = text.consumed
        self._open = 0

    def read(self, size: int = SOURCE_BYTES, /) -> bytes:
        """Return up to `size` bytes of text, fewer the first time or at the end."""
        # In step with the blocks that the text comes in, so that none has to be put together.
        block = self._text.read(size - self._position % size)
        self._check(block)
        self._position += len(block)
        return block

    def _check(self, block: bytes) -> None:
        """Walk from line end to line end, each time as far as a line may reach."""
        most = self._limits.max_row_bytes
        start = -self._open  # where the line begins that is open, seen from this block
        while len(block) - start > most:
            end = self._last_end(block, max(start, 0), start + most + 1)
            if end < 0:
                raise self._too_long(self._position + start)
            start = end + 1
        last = self._last_end(block, max(start, 0), len(block))
        self._open = len(block) - (start if last < 0 else last + 1)

    def _last_end(self, block: bytes, first: int, stop: int) -> int:
        return max(block.rfind(end, first, max(stop, 0)) for end in self._ends)

    def _too_long(self, begin: int) -> FileLimitError:
        most = self._limits.max_row_bytes
        found = (
            f"The line that begins at byte {begin + 1:,} of the text has more than {most:,} bytes"
        )
        return limit_error(RowLimitError, self._limits, "max_row_bytes", found)


def is_too_deep(json_text: bytes, rows: int, limits: Limits) -> bool:
    """Tell whether a value in JSON text is nested too deeply, without taking the text apart.

    No parser of nested values looks at text that this has not passed: they all recurse.

    Parameters
    ----------
    json_text
        Lines of JSON, `rows` of them objects. Where they are malformed, the answer holds for
        what a parser reads before it finds that out.
    """
    return (
        _openings(json_text) - rows >= limits.max_nesting
        and nesting(json_text) > limits.max_nesting
    )


def _openings(json_text: bytes) -> int:
    """Number of opening brackets, in strings too."""
    if len(json_text) < _WINDOW_BYTES:
        return json_text.count(b"[") + json_text.count(b"{")
    text = np.frombuffer(json_text, np.uint8)
    windows = (text[at : at + _WINDOW_BYTES] for at in range(0, len(text), _WINDOW_BYTES))
    return sum(int(np.count_nonzero((part | _SAME) == ord("{"))) for part in windows)


def nesting(json_text: bytes) -> int:
    """Return the depth of the most deeply nested value of JSON text."""
    bare = json_text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_BRACKETS)
    brackets = np.frombuffer(_STRING.sub(b"", bare), np.uint8)
    return int(np.cumsum(_DEEPER[brackets], dtype=np.int64).max(initial=0))
