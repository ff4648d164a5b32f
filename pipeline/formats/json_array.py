"""JSON arrays, and objects one after another, as blocks of a line each, without holding them."""

from __future__ import annotations

import codecs
import json
import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.errors import DataError, MalformedJsonError, NestingLimitError, RowLimitError
from pipeline.findings import Repair
from pipeline.formats.json_blocks import Block
from pipeline.formats.limits import limit_error
from pipeline.formats.text import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.formats.text import TextStream
    from pipeline.plan_contract import Limits

_BROKEN_ELEMENT: Final = "an element is broken or breaks off"
_BLANK: Final = " \t\r\n"
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET: Final = re.compile(rf"{_STRING.pattern}|[\[{{\]}}\"]", re.DOTALL)
_NEXT_OBJECT: Final = re.compile(r"(?<=[\r\n])\{")
_TOKEN_CHARACTERS: Final = 16
_MOST_BYTES_OF_A_CHARACTER: Final = 4
"""More than any token has that is no string or number: `-Infinity` is the longest."""
_REMEDY: Final = "Check that the export finished; deliver one array of objects, or JSON Lines."
_SALVAGE: Final = (
    "Write the array anew with a JSON library, or set `salvage: true` in pipeline.yaml and deploy."
)


@dataclass
class Notes:
    """What is put right between the elements of an array, if anything may be.

    `repairs` follow the last element; its row's number is not known here.
    """

    salvage: bool = False
    repairs: list[Repair] = field(default_factory=list)

    def add(self, kind: str, before: str, after: str, line: int) -> None:
        """Note a repair."""
        from pipeline.formats.salvage_json import MESSAGES  # noqa: PLC0415 - hardly ever

        self.repairs.append(Repair(0, None, kind, before, after, MESSAGES[kind], line))


def array_blocks(
    text: TextStream, limits: Limits, first_line: int, notes: Notes
) -> Iterator[Block]:
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
    return _blocks(_elements(_Scanner(text, limits, first_line, salvage=notes.salvage), notes))


def object_blocks(text: TextStream, limits: Limits, first_line: int) -> Iterator[Block]:
    """Yield objects that stand one after another, over several lines or in one, one a line.

    A broken one reaches to the next line that begins with a brace.

    Raises
    ------
    RowLimitError
        If an object has too many bytes.
    """
    return _blocks(_objects(_Scanner(text, limits, first_line, salvage=False)))


def _elements(scanner: _Scanner, notes: Notes) -> Iterator[tuple[int, str]]:
    scanner.expect("[")
    open_ = not scanner.accept("]")
    while open_:
        yield scanner.element()
        open_ = not (scanner.accept("]") or _ends_unclosed(scanner, notes))
        if open_:
            scanner.expect(",")
            open_ = not _ends_with_comma(scanner, notes)
    scanner.expect_end()


def _ends_unclosed(scanner: _Scanner, notes: Notes) -> bool:
    """Whether the text ends where a comma or the closing bracket should be, and may do so."""
    if not (notes.salvage and scanner.at_end()):
        return False
    notes.add("json_bracket", "", "]", scanner.line())
    return True


def _ends_with_comma(scanner: _Scanner, notes: Notes) -> bool:
    """Whether the array ends after a comma, and may do so."""
    if not notes.salvage:
        scanner.expect_other("]", "a comma stands before the closing bracket")
        return False
    line = scanner.line()
    closed = scanner.accept("]")
    if closed or scanner.at_end():
        notes.add("json_comma", ",", "", line)
    return closed or _ends_unclosed(scanner, notes)


def _objects(scanner: _Scanner) -> Iterator[tuple[int, str]]:
    while not scanner.at_end():
        yield scanner.element_or_rest()


def _blocks(elements: Iterator[tuple[int, str]]) -> Iterator[Block]:
    """Elements, each with the line that it begins in, as blocks of a line each."""
    texts: list[str] = []
    lines = array("q")
    size = 0
    for line, element in elements:
        texts.append(element)
        lines.append(line)
        size += len(element)
        if size >= BLOCK_BYTES:
            yield _joined(texts, lines)
            texts, lines, size = [], array("q"), 0
    if texts:
        yield _joined(texts, lines)


def _joined(elements: list[str], lines: array[int]) -> Block:
    text = "".join(f"{element}\n" for element in elements).encode()
    return Block(text, lines[0], lines)


class _Scanner:
    """Reads JSON tokens off a stream; keeps no more text than the element at hand."""

    def __init__(self, text: TextStream, limits: Limits, first_line: int, *, salvage: bool) -> None:
        self._text = text
        self._salvage = salvage
        self._line = first_line
        self._counted = 0
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

    def expect_other(self, character: str, said: str) -> None:
        """Raise, saying so, if this character comes next: salvage would pass over it."""
        if self._next() == character:
            raise self._broken(said, remedy=_SALVAGE)

    def at_end(self) -> bool:
        """Tell whether nothing but blanks is left."""
        return not self._next()

    def line(self) -> int:
        """Line of the file (1-based) of what comes next."""
        self._next()
        return self._line_here()

    def _line_here(self) -> int:
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def expect_end(self) -> None:
        """Raise if anything but blanks is left."""
        if self._next():
            raise self._broken("text after the closing bracket")

    def element(self) -> tuple[int, str]:
        """Consume one value; return the line it begins in and its text on a single line."""
        line = self.line()
        while (end := self._end()) is None:
            if not self._more():
                end = self._end_by_brackets() if self._salvage else None
                if end is None:
                    raise self._broken_off()
                break
        return line, self._consumed(end)

    def element_or_rest(self) -> tuple[int, str]:
        """Consume one value, or a broken one up to the next line that begins with a brace."""
        try:
            return self.element()
        except MalformedJsonError:
            line = self.line()
            while not (found := _NEXT_OBJECT.search(self._buffer, self._at + 1)):
                if not self._more():
                    return line, self._consumed(len(self._buffer))
            return line, self._consumed(found.start())

    def _consumed(self, end: int) -> str:
        """Consume the text up to a position of the buffer; return it on a single line."""
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
            by_brackets = self._end_by_brackets() if self._salvage else None
            if by_brackets is not None:
                return by_brackets
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
        self._line_here()
        self._before += self._at
        self._buffer = self._buffer[self._at :] + self._utf8.decode(block, final=not block)
        self._at = self._counted = 0
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

    def _broken(self, what: str, *, remedy: str = _REMEDY) -> MalformedJsonError:
        return MalformedJsonError(
            f"The JSON array is broken at character {self._before + self._at + 1:,} (line "
            f"{self._line_here():,}): {what}.",
            remedy=remedy,
        )
