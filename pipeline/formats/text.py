"""From an object's bytes to checked UTF-8 text, in blocks."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

from pipeline.errors import (
    BinaryFileError,
    EmptyFileError,
    EncodingError,
    SizeLimitError,
)
from pipeline.formats.compression import GZIP_MAGIC, unpacked
from pipeline.formats.limits import limit_error
from pipeline.plan_contract import Limits

if TYPE_CHECKING:
    from pipeline.formats import ByteStream
    from pipeline.formats.salvage_text import TextSalvage

BLOCK_BYTES: Final = 4 * 1024 * 1024
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",  # before that of UTF-16, which it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HEAD_BYTES: Final = 8192
_CONTROL: Final = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
_MOST_CONTROL_SHARE: Final = 0.02
_FEW_CONTROL: Final = 3
_KNOWN_BINARY: Final = {
    GZIP_MAGIC: "a gzip stream",
    b"PK\3\4": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, or another Office document",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
}


class TextStream:
    """A file's text as UTF-8 bytes: unpacked, decoded, without byte-order mark, and checked.

    `consumed` counts the bytes handed out.

    Parameters
    ----------
    encoding, compression
        As the contract declares them; None if the file's first bytes say so.
    marks
        Control characters that have a meaning in the file, and do not make it a binary one.

    Raises, from `read` and `head`
    ------
    EmptyFileError, BinaryFileError, EncodingError, CompressionError
        As the bytes deserve; see `pipeline/errors.py`.
    SizeLimitError, CompressionRatioLimitError
        If there is more text than the limits allow.
    """

    def __init__(
        self,
        source: ByteStream,
        *,
        encoding: str | None = None,
        compression: str | None = None,
        marks: str = "",
        limits: Limits | None = None,
        salvage: TextSalvage | None = None,
    ) -> None:
        self._salvage = salvage
        self._limits = limits or Limits()
        self._source = unpacked(source, self._limits, compression=compression)
        self._declared = encoding
        self._odd = _CONTROL.translate(None, marks.encode())
        self._decode_as(encoding or "utf-8")
        self._position = 0
        self._text_bytes = 0
        self._ready = b""
        self._at_start = True
        self._ended = False
        self.consumed = 0
        self.last_byte = b""

    def _decode_as(self, encoding: str) -> None:
        self._encoding = codecs.lookup(encoding).name
        self._decoder = codecs.getincrementaldecoder(self._encoding)()

    def read(self, size: int = BLOCK_BYTES, /) -> bytes:
        """Return exactly `size` bytes of text, fewer only at the end of the file."""
        wanted = BLOCK_BYTES if size is None or size < 0 else size
        self._make_ready(wanted)
        taken, self._ready = self._ready[:wanted], self._ready[wanted:]
        self.consumed += len(taken)
        return taken

    def head(self, size: int) -> bytes:
        """Return the next bytes without consuming them."""
        self._make_ready(size)
        return self._ready[:size]

    def _make_ready(self, size: int) -> None:
        parts = [self._ready]
        length = len(self._ready)
        while length < size and not self._ended:
            parts.append(self._next_block())
            length += len(parts[-1])
        self._ready = max(parts, key=len) if length == max(map(len, parts)) else b"".join(parts)

    def skip_blank_lines(self) -> int:
        """Consume the white space at the file's beginning, up to the first line with more in it.

        Return the number of lines consumed.
        """
        size, lines = _HEAD_BYTES, 0
        while head := self.head(size):
            blank = head[: len(head) - len(head.lstrip())]
            whole = len(blank) == len(head)
            taken = self.read(
                len(head) if whole else 1 + max(blank.rfind(b"\n"), blank.rfind(b"\r"))
            )
            lines += taken.count(b"\n") or taken.count(b"\r")
            if not whole:
                break
            size = BLOCK_BYTES
        return lines

    def _next_block(self) -> bytes:
        block = self._source.read(BLOCK_BYTES)
        while self._at_start and block and len(block) < _HEAD_BYTES:
            more = self._source.read(BLOCK_BYTES)
            if not more:
                break
            block += more
        self._ended = not block
        if self._at_start:
            if self._declared is None:
                self._decode_as(marked_encoding(block) or "utf-8")
            _check_head(block[:_HEAD_BYTES], self._odd, self._encoding)
        text = self._checked(block)
        if self._at_start:
            text = text.removeprefix(codecs.BOM_UTF8)
            self._at_start = False
        self._text_bytes += len(text)
        self.last_byte = text[-1:] or self.last_byte
        if self._text_bytes > self._limits.max_bytes:
            found = f"The file has more than {self._limits.max_bytes:,} bytes of text"
            raise limit_error(SizeLimitError, self._limits, "max_bytes", found)
        return text

    def _checked(self, block: bytes) -> bytes:
        if self._salvage is not None and self._encoding == "utf-8":
            block = self._salvage.cleaned(block, final=self._ended)
        text = block if self._is_ascii(block) else self._decoded(block)
        if b"\0" in text:
            raise BinaryFileError(
                f"The file holds a NUL byte near position {self._position + text.index(0):,}; "
                "text files have none.",
                remedy="Upload the file in the format that its dataset's contract declares.",
            )
        self._position += len(block)
        return text

    def _is_ascii(self, block: bytes) -> bool:
        """Whether a block needs no decoding: told in a tenth of the time."""
        within_character = bool(self._decoder.getstate()[0])
        return self._encoding == "utf-8" and not within_character and block.isascii()

    def _decoded(self, block: bytes) -> bytes:
        try:
            decoded = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            held = len(error.object) - len(block)  # of a character that an earlier block began
            raise EncodingError(
                f"The text is not {self._encoding}: byte {_shown(error.object[error.start :])} at "
                f"position {self._position - held + error.start:,}.",
                remedy="Save the file as UTF-8, or declare its encoding in the contract's "
                "csvDialect.",
            ) from None
        return block if self._encoding == "utf-8" else decoded.encode()


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding that a byte-order mark of UTF-16 or UTF-32 says; None without one."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def _shown(rest: bytes) -> str:
    return f"0x{rest[0]:02X}" if rest else "at the end of the file, cut short,"


def _check_head(head: bytes, odd: bytes, encoding: str) -> None:
    """Raise if the first bytes show that this is no text, or none in its encoding."""
    if not head:
        raise EmptyFileError(
            "The file is empty (0 bytes).", remedy="Check the export that wrote it; upload again."
        )
    utf8 = encoding == "utf-8"
    marked = "utf-8" if head.startswith(codecs.BOM_UTF8) else marked_encoding(head)
    if marked and not encoding.startswith(marked):
        raise EncodingError(
            f"The file starts with a byte-order mark of {marked}, and is declared as {encoding}.",
            remedy=f"Declare encoding {marked} in the contract's csvDialect, or none.",
        )
    known = next((what for magic, what in _KNOWN_BINARY.items() if head.startswith(magic)), "")
    control = len(head) - len(head.translate(None, odd))
    binary = utf8 and control > max(_FEW_CONTROL, _MOST_CONTROL_SHARE * len(head))
    if binary or (known and control):
        what = known or "not text"
        raise BinaryFileError(
            f"The file is {what}: {control} of its first {len(head):,} bytes are control "
            f"characters (it starts with {head[:4].hex(' ')}).",
            remedy="Upload the file in the format that its dataset's contract declares.",
        )
