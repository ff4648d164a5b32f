"""A JSON array of objects as blocks of lines, an element a line, without holding the array."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Final

from pipeline.errors import MalformedJsonError
from pipeline.formats.text import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.formats.text import TextStream

_BLANK: Final = " \t\r\n"
_REMEDY: Final = "Check that the export finished; deliver one array of objects, or JSON Lines."


def array_elements(text: TextStream) -> Iterator[bytes]:
    """Yield the elements of the array that the text holds, one a line, in blocks.

    Raises
    ------
    MalformedJsonError
        If the array breaks off, or something other than a value and a comma stands in it.
    """
    scanner = _Scanner(text)
    scanner.expect("[")
    block: list[str] = []
    size = 0
    if not scanner.accept("]"):
        while True:
            element = scanner.element()
            block.append(element)
            size += len(element)
            if size >= BLOCK_BYTES:
                yield _joined(block)
                block, size = [], 0
            if scanner.accept("]"):
                break
            scanner.expect(",")
    scanner.expect_end()
    if block:
        yield _joined(block)


def _joined(elements: list[str]) -> bytes:
    return "".join(f"{element}\n" for element in elements).encode()


class _Scanner:
    """Reads JSON tokens off a stream; keeps no more text than the element at hand."""

    def __init__(self, text: TextStream) -> None:
        self._text = text
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._decoder = json.JSONDecoder(parse_int=str, parse_float=str)
        self._buffer = ""
        self._at = 0
        self._before = 0

    def accept(self, character: str) -> bool:
        """Consume the next character that is not blank, if it is this one."""
        found = self._next() == character
        self._at += found
        return found

    def expect(self, character: str) -> None:
        """Consume this character; raise if another stands there."""
        if not self.accept(character):
            raise self._broken(f"{character!r} expected, {self._next() or 'the end'!r} found")

    def expect_end(self) -> None:
        """Raise if anything but blanks is left."""
        if self._next():
            raise self._broken("text after the closing bracket")

    def element(self) -> str:
        """Consume one value and return its text on a single line."""
        self._next()
        while True:
            try:
                _, end = self._decoder.raw_decode(self._buffer, self._at)
            except ValueError:
                if not self._more():
                    raise self._broken("an element is broken or breaks off") from None
            except RecursionError:
                raise self._broken("an element is nested too deeply") from None
            else:
                if end < len(self._buffer):
                    break
                if not self._more():
                    end = len(self._buffer)
                    break
        element = self._buffer[self._at : end]
        self._at = end
        # A raw line break inside a JSON string is not allowed, so these are between tokens.
        return element.replace("\n", " ").replace("\r", " ")

    def _next(self) -> str:
        """Next character that is not blank, not consumed; empty at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Append the next block to the buffer, dropping what was consumed."""
        block = self._text.read(BLOCK_BYTES)
        self._before += self._at
        self._buffer = self._buffer[self._at :] + self._utf8.decode(block, final=not block)
        self._at = 0
        return bool(block)

    def _broken(self, what: str) -> MalformedJsonError:
        return MalformedJsonError(
            f"The JSON array is broken at character {self._before + self._at + 1:,}: {what}.",
            remedy=_REMEDY,
        )
