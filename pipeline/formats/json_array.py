"""A JSON array of objects as blocks of lines, an element a line, without holding the array."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Final

from pipeline.errors import DataError, MalformedJsonError, NestingLimitError, RowLimitError
from pipeline.formats.limits import limit_error
from pipeline.formats.text import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.formats.text import TextStream
    from pipeline.plan import Limits

_BROKEN_ELEMENT: Final = "an element is broken or breaks off"
_BLANK: Final = " \t\r\n"
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET: Final = re.compile(rf"{_STRING.pattern}|[\[{{\]}}\"]", re.DOTALL)
_TOKEN_CHARACTERS: Final = 16
_MOST_BYTES_OF_A_CHARACTER: Final = 4
"""More than any token has that is no string or number: `-Infinity` is the longest."""
_REMEDY: Final = "Check that the export finished; deliver one array of objects, or JSON Lines."


def array_elements(text: TextStream, limits: Limits) -> Iterator[bytes]:
    """Yield the elements of the array that the text holds, one a line, in blocks.

    Elements that are nested too deeply are among them: they are to be looked at before they are
    parsed.

    Raises
    ------
    MalformedJsonError
        If the array breaks off, or something other than a value and a comma stands in it.
    RowLimitError, NestingLimitError
        If an element has too many bytes, or breaks off in too deep a place.
    """
    scanner = _Scanner(text, limits)
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

    def __init__(self, text: TextStream, limits: Limits) -> None:
        self._text = text
        self._limits = limits
        self._most_characters = limits.max_row_bytes // _MOST_BYTES_OF_A_CHARACTER
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._decoder = json.JSONDecoder(parse_int=str, parse_float=str)
        self._buffer = ""
        self._at = 0
        self._before = text.consumed  # blanks: as many characters as bytes

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
        while (end := self._end()) is None:
            if not self._more():
                raise self._broken_off()
        if end - self._at > self._most_characters:
            self._check_size(end)
        element = self._buffer[self._at : end]
        self._at = end
        # A raw line break inside a JSON string is not allowed, so these are between tokens.
        return element.replace("\n", " ").replace("\r", " ")

    def _end(self) -> int | None:
        """Where the value at hand ends; None where the buffer ends first."""
        try:
            _, end = self._decoder.raw_decode(self._buffer, self._at)
        except json.JSONDecodeError as error:
            if self._may_go_on(error.pos):
                return None
            raise self._broken(_BROKEN_ELEMENT) from None
        except RecursionError:
            return self._end_by_brackets()
        # A number may go on in the next block.
        return end if end < len(self._buffer) or not self._more() else self._end()

    def _may_go_on(self, at: int) -> bool:
        """Whether the buffer's end may be all that is wrong at a position."""
        near = len(self._buffer) - at < _TOKEN_CHARACTERS
        return near or (self._buffer[at] == '"' and not _STRING.match(self._buffer, at))

    def _end_by_brackets(self) -> int | None:
        """Where the value ends whose depth no recursion gets to the bottom of."""
        depth = 0
        for token in _BRACKET.finditer(self._buffer, self._at):
            if token[0] == '"':  # of a string that the buffer's end cuts
                return None
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if not depth:
                return token.end()
        return None

    def _check_size(self, end: int) -> None:
        """Raise if the value's text up to a position of the buffer is too long."""
        most = self._limits.max_row_bytes
        if end - self._at > most or len(self._buffer[self._at : end].encode()) > most:
            found = (
                f"The element that begins at character {self._before + self._at + 1:,} of the JSON "
                f"array has more than {most:,} bytes"
            )
            raise limit_error(RowLimitError, self._limits, "max_row_bytes", found)

    def _next(self) -> str:
        """Next character that is not blank, not consumed; empty at the end."""
        while True:
            following = self._buffer[self._at : self._at + 1]
            if following and following not in _BLANK:
                return following
            blanks = _BLANKS.match(self._buffer, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at == len(self._buffer) and not self._more():
                return ""

    def _more(self) -> bool:
        """Append to the buffer, dropping what was consumed; raise if it holds too much.

        It doubles: what is in it is parsed anew each time.
        """
        if len(self._buffer) - self._at > self._most_characters:
            self._check_size(len(self._buffer))
        block = self._text.read(max(BLOCK_BYTES, len(self._buffer) - self._at))
        self._before += self._at
        self._buffer = self._buffer[self._at :] + self._utf8.decode(block, final=not block)
        self._at = 0
        return bool(block)

    def _broken_off(self) -> DataError:
        opened = _STRING.sub("", self._buffer[self._at :])
        if opened.count("[") + opened.count("{") > self._limits.max_nesting:
            found = (
                f"The element that begins at character {self._before + self._at + 1:,} of the JSON "
                "array is nested too deeply, and breaks off"
            )
            return limit_error(NestingLimitError, self._limits, "max_nesting", found)
        return self._broken(_BROKEN_ELEMENT)

    def _broken(self, what: str) -> MalformedJsonError:
        return MalformedJsonError(
            f"The JSON array is broken at character {self._before + self._at + 1:,}: {what}.",
            remedy=_REMEDY,
        )
