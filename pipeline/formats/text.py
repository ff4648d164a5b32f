"""From an object's bytes to checked UTF-8 text, in blocks."""

from __future__ import annotations

import codecs
import zlib
from typing import TYPE_CHECKING, Final

from pipeline.errors import (
    BinaryFileError,
    CompressionError,
    CompressionRatioLimitError,
    EmptyFileError,
    EncodingError,
    SizeLimitError,
)
from pipeline.formats.limits import limit_error
from pipeline.plan import Limits

if TYPE_CHECKING:
    from pipeline.formats import ByteStream

BLOCK_BYTES: Final = 4 * 1024 * 1024
GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD_BYTES: Final = 8192
_FEW_BYTES: Final = 64
_CONTROL: Final = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
_MOST_CONTROL_SHARE: Final = 0.02
_FEW_CONTROL: Final = 3
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_PACKED_BYTES: Final = 64 * 1024
_RATIO_GRACE_BYTES: Final = 64 * 1024 * 1024
"""Text that any file may unpack to, whatever its size: a table of zeros is no attack yet."""
_MOST_EMPTY_MEMBERS: Final = 1_000
_KNOWN_BINARY: Final = {
    GZIP_MAGIC: "a gzip stream within a gzip stream",
    b"PK\3\4": "a ZIP archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
}


class TextStream:
    """A file's text as UTF-8 bytes: unpacked, decoded, without byte-order mark, and checked.

    `consumed` counts the bytes handed out, `last_byte` is the last of them that ends no line.

    Raises, from `read` and `head`
    ------
    EmptyFileError, BinaryFileError, EncodingError, CompressionError
        As the bytes deserve; see `pipeline/errors.py`.
    SizeLimitError, CompressionRatioLimitError
        If there is more text than the limits allow.
    """

    def __init__(
        self, source: ByteStream, *, encoding: str = "utf-8", limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._source = _unpacked(_Peekable(source), self._limits)
        self._encoding = codecs.lookup(encoding).name
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._position = 0
        self._text_bytes = 0
        self._ready = b""
        self._at_start = True
        self._ended = False
        self.consumed = 0
        self.last_byte = b""

    def read(self, size: int = BLOCK_BYTES, /) -> bytes:
        """Return exactly `size` bytes of text, fewer only at the end of the file."""
        wanted = BLOCK_BYTES if size is None or size < 0 else size
        self._make_ready(wanted)
        taken, self._ready = self._ready[:wanted], self._ready[wanted:]
        self.consumed += len(taken)
        ending = taken[-_FEW_BYTES:].rstrip(b"\r\n") or taken.rstrip(b"\r\n")
        self.last_byte = ending[-1:] or self.last_byte
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

    def skip_blank_lines(self) -> None:
        """Consume the white space at the file's beginning, up to the first line with more in it."""
        size = _HEAD_BYTES
        while head := self.head(size):
            blank = head[: len(head) - len(head.lstrip())]
            whole = len(blank) == len(head)
            self.read(len(head) if whole else 1 + max(blank.rfind(b"\n"), blank.rfind(b"\r")))
            if not whole:
                return
            size = BLOCK_BYTES

    def _next_block(self) -> bytes:
        block = self._source.read(BLOCK_BYTES)
        while self._at_start and block and len(block) < _HEAD_BYTES:
            more = self._source.read(BLOCK_BYTES)
            if not more:
                break
            block += more
        self._ended = not block
        if self._at_start:
            _check_head(block[:_HEAD_BYTES], utf8=self._encoding == "utf-8")
        text = self._checked(block)
        if self._at_start:
            text = text.removeprefix(codecs.BOM_UTF8)
            self._at_start = False
        self._text_bytes += len(text)
        if self._text_bytes > self._limits.max_bytes:
            found = f"The file has more than {self._limits.max_bytes:,} bytes of text"
            raise limit_error(SizeLimitError, self._limits, "max_bytes", found)
        return text

    def _checked(self, block: bytes) -> bytes:
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
        text = block if self._encoding == "utf-8" else decoded.encode()
        if b"\0" in text:
            raise BinaryFileError(
                f"The file holds a NUL byte near position {self._position + text.index(0):,}; "
                "text files have none.",
                remedy="Upload the file in the format that its dataset's contract declares.",
            )
        self._position += len(block)
        return text


def _shown(rest: bytes) -> str:
    return f"0x{rest[0]:02X}" if rest else "at the end of the file, cut short,"


def _check_head(head: bytes, *, utf8: bool) -> None:
    """Raise if the first bytes show that this is no text, or none in UTF-8."""
    if not head:
        raise EmptyFileError(
            "The file is empty (0 bytes).", remedy="Check the export that wrote it; upload again."
        )
    if utf8 and head.startswith(_UTF16_MARKS):
        raise EncodingError(
            "The file starts with a UTF-16 byte-order mark.",
            remedy="Save it as UTF-8, or declare encoding utf-16 in the contract's csvDialect.",
        )
    known = next((what for magic, what in _KNOWN_BINARY.items() if head.startswith(magic)), "")
    control = len(head) - len(head.translate(None, _CONTROL))
    binary = utf8 and control > max(_FEW_CONTROL, _MOST_CONTROL_SHARE * len(head))
    if binary or (known and control):
        what = known or "not text"
        raise BinaryFileError(
            f"The file is {what}: {control} of its first {len(head):,} bytes are control "
            f"characters (it starts with {head[:4].hex(' ')}).",
            remedy="Upload the file in the format that its dataset's contract declares.",
        )


class _Peekable:
    """A source whose first bytes can be looked at before they are read."""

    def __init__(self, source: ByteStream) -> None:
        self._source = source
        self._peeked = b""

    def peek(self, size: int) -> bytes:
        while len(self._peeked) < size and (more := self._source.read(BLOCK_BYTES)):
            self._peeked += more
        return self._peeked[:size]

    def read(self, size: int = -1, /) -> bytes:
        if self._peeked:
            taken, self._peeked = self._peeked, b""
            return taken
        return self._source.read(size)


def _unpacked(source: _Peekable, limits: Limits) -> ByteStream:
    """Source itself, or its content where it is a gzip stream."""
    return _Gunzip(source, limits) if source.peek(2) == GZIP_MAGIC else source


class _Gunzip:
    """Content of a gzip stream of one or more members, at most a block at a time.

    zlib copies what it leaves of its input, so it is given little at once: a member may be as
    short as 20 bytes, and unpack to nothing.
    """

    def __init__(self, source: ByteStream, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._packed = memoryview(b"")
        self._bytes_in = 0
        self._bytes_out = 0
        self._empty_members = 0

    def read(self, size: int = -1, /) -> bytes:
        while True:
            if not self._packed:
                self._packed = memoryview(self._source.read(BLOCK_BYTES))
                if not self._packed:
                    return self._at_end()
            if text := self._inflated(size if size > 0 else BLOCK_BYTES):
                self._empty_members = 0
                self._check_ratio()
                return text

    def _inflated(self, most: int) -> bytes:
        piece = self._packed[:_PACKED_BYTES]
        if self._member.eof:  # another member follows, or the padding of a tape's blocks
            padding = len(piece) - len(bytes(piece).lstrip(b"\0"))
            self._consume(padding)
            if padding == len(piece):
                return b""
            piece = piece[padding:]
            self._begin_member()
        try:
            text = self._member.decompress(piece, most)
        except zlib.error as error:
            raise CompressionError(
                f"The gzip stream is corrupt ({error}).", remedy="Compress and upload it again."
            ) from None
        left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        self._consume(len(piece) - len(left))
        self._bytes_out += len(text)
        return text

    def _consume(self, size: int) -> None:
        self._packed = self._packed[size:]
        self._bytes_in += size

    def _begin_member(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._empty_members += 1
        if self._empty_members > _MOST_EMPTY_MEMBERS:
            raise CompressionError(
                f"The gzip stream has more than {_MOST_EMPTY_MEMBERS:,} members without content.",
                remedy="Compress and upload it again.",
            )

    def _check_ratio(self) -> None:
        most = self._limits.max_compression_ratio
        if self._bytes_out > max(_RATIO_GRACE_BYTES, most * self._bytes_in):
            found = f"The first {self._bytes_in:,} bytes unpack to {self._bytes_out:,} or more"
            name = "max_compression_ratio"
            raise limit_error(CompressionRatioLimitError, self._limits, name, found)

    def _at_end(self) -> bytes:
        if not self._member.eof:
            raise CompressionError(
                "The gzip stream ends in the middle.",
                remedy="The upload or the export was cut short: compress and upload it again.",
            )
        return b""
