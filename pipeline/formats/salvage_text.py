"""Salvage of text: a UTF-8 file with bytes in it that are none.

text_windows_1252
    A byte that is part of no UTF-8 character is the character that Windows-1252 has for it. Not
    one of the five that Windows-1252 has none for, not what may be a character of UTF-8 cut short
    or of UTF-16 written in its way: such a file is refused.
text_nul
    NUL bytes are left out. A file that begins like a binary one is refused all the same.

Both only where the file is UTF-8, declared or not.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipeline.findings import Repair
from pipeline.formats import repairs_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.formats import RawChunk, RawChunks

WINDOWS_1252: Final = "text_windows_1252"
NUL: Final = "text_nul"
MESSAGES: Final = {
    WINDOWS_1252: "bytes that are not UTF-8 are read as Windows-1252",
    NUL: "NUL bytes are left out",
}
_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_OF_ANOTHER_ENCODING: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]|[\xc0\xc1][\x80-\xbf]")
"""Halves of surrogate pairs, and characters of more bytes than they need."""
_MOST_BEGUN_BYTES: Final = 8 * 1024 * 1024
_ASCII_CHARACTERS: Final = 128


class TextSalvage:
    """Puts a text's bytes right on their way to the decoder.

    `repairs` are those not yet handed on, in the order of their lines; their rows are not known
    here.
    """

    def __init__(self) -> None:
        self.repairs: list[Repair] = []
        self._begun = b""
        self._line = 1
        self._at_start = True

    def cleaned(self, block: bytes, *, final: bool) -> bytes:
        """Return the next whole lines of the text; a begun one is kept until it ends.

        Bytes that cannot be put right stay: the decoder says where they are.
        """
        data = self._begun + block
        if self._at_start:
            data = data.removeprefix(codecs.BOM_UTF8)
            self._at_start = not block
        end = len(data) if final else _end_of_lines(data)
        lines, self._begun = data[:end], data[end:]
        if not _is_clean(lines):
            lines = b"".join(self._mended(lines, last=final))
        self._line += lines.count(b"\n") + lines.count(b"\r") - lines.count(b"\r\n")
        return lines

    def _mended(self, lines: bytes, *, last: bool) -> Iterator[bytes]:
        parts = [found[0] for found in _LINE.finditer(lines) if found[0]]
        for number, part in enumerate(parts, self._line):
            at_end = last and number == self._line + len(parts) - 1
            yield part if _is_clean(part) else self._mended_line(part, number, at_end=at_end)

    def _mended_line(self, part: bytes, number: int, *, at_end: bool) -> bytes:
        before = part.rstrip(b"\r\n")
        text = _as_windows_1252(before, at_end=at_end and before == part)
        if text is None:
            return part
        shown = before.decode("utf-8", "backslashreplace")
        found = {WINDOWS_1252: text != shown, NUL: "\0" in text}
        after = text.replace("\0", "")
        self.repairs += [
            Repair(0, None, kind, shown, after, MESSAGES[kind], number)
            for kind, is_so in found.items()
            if is_so
        ]
        return after.encode() + part[len(before) :]


def _end_of_lines(data: bytes) -> int:
    """Where the last whole line ends; of a line without an end, where a character does."""
    end = 1 + max(data.rfind(b"\n"), data.rfind(b"\r", 0, max(len(data) - 1, 0)))
    if not end and len(data) > _MOST_BEGUN_BYTES:
        end = next((at for at in range(len(data), 0, -1) if data[at - 1] < _ASCII_CHARACTERS), 0)
    return end


def _is_clean(text: bytes) -> bool:
    if b"\0" in text:
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_windows_1252(line: bytes, *, at_end: bool) -> str | None:
    """Text of a line, bytes that are not UTF-8 as Windows-1252; None where that is not certain."""
    if _OF_ANOTHER_ENCODING.search(line):
        return None
    parts: list[str] = []
    while True:
        try:
            return "".join([*parts, line.decode()])
        except UnicodeDecodeError as error:
            cut_short = at_end and error.reason == "unexpected end of data"
            if cut_short or error.end - error.start > 1:
                return None
            try:
                stray = line[error.start : error.end].decode("cp1252")
            except UnicodeDecodeError:
                return None
            parts += [line[: error.start].decode(), stray]
            line = line[error.end :]


def with_text_repairs(chunks: RawChunks, salvage: TextSalvage) -> RawChunks:
    """Yield the chunks, each with the repairs of the text of its rows.

    Row 0 stands for what is before the first row; a row of several lines has the repairs of all.
    """
    passed = 0
    for chunk in chunks:
        found = _of_rows(chunk, salvage, passed)
        passed += chunk.rows
        repairs = sorted([*found, *chunk.repairs], key=lambda repair: repair.row_number)
        yield replace(chunk, repairs=repairs) if found else chunk
    if salvage.repairs:
        yield repairs_alone([replace(repair, row_number=passed) for repair in salvage.repairs])


def _of_rows(chunk: RawChunk, salvage: TextSalvage, passed: int) -> list[Repair]:
    """Take the repairs up to the line in which the chunk's last row begins."""
    if not (salvage.repairs and chunk.rows and chunk.line_of):
        return []
    rows = range(passed + 1, passed + chunk.rows + 1)
    last = chunk.line_of(rows[-1])
    here = [repair for repair in salvage.repairs if (repair.line or 0) <= last]
    del salvage.repairs[: len(here)]
    return [
        replace(
            repair,
            row_number=passed + bisect_right(rows, repair.line or 0, key=chunk.line_of),
        )
        for repair in here
    ]
