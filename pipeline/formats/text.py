"""From an object's bytes to checked UTF-8 text, in blocks."""

from __future__ import annotations

import codecs
import zlib
from typing import TYPE_CHECKING, Final

from pipeline.errors import BinaryFileError, CompressionError, EmptyFileError, EncodingError

if TYPE_CHECKING:
    from pipeline.formats import ByteStream

BLOCK_BYTES: Final = 4 * 1024 * 1024
GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD_BYTES: Final = 8192
_CONTROL: Final = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
_MOST_CONTROL_SHARE: Final = 0.02
_FEW_CONTROL: Final = 3
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class TextStream:
    """A file's text as UTF-8 bytes: unpacked, decoded, without byte-order mark, and checked.

    `last_byte` is the last one so far that ends no line.

    Raises, from `read` and `head`
    ------
    EmptyFileError, BinaryFileError, EncodingError, CompressionError
        As the bytes deserve; see `pipeline/errors.py`.
    """

    def __init__(self, source: ByteStream, *, encoding: str = "utf-8") -> None:
        self._source = _unpacked(_Peekable(source))
        self._encoding = codecs.lookup(encoding).name
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._position = 0
        self._ready = b""
        self._at_start = True
        self._ended = False
        self.last_byte = b""
        self.closed = False

    def read(self, size: int = BLOCK_BYTES, /) -> bytes:
        """Return exactly `size` bytes of text, fewer only at the end of the file."""
        wanted = BLOCK_BYTES if size is None or size < 0 else size
        parts = [self._ready]
        length = len(self._ready)
        while length < wanted and not self._ended:
            parts.append(self._next_block())
            length += len(parts[-1])
        everything = parts[0] if len(parts) == 1 else b"".join(parts)
        self._ready = everything[wanted:]
        self.last_byte = everything.rstrip(b"\r\n")[-1:] or self.last_byte
        return everything[:wanted]

    def head(self, size: int) -> bytes:
        """Return the first bytes without consuming them."""
        taken = self.read(size)
        self._ready = taken + self._ready
        return taken

    def readable(self) -> bool:
        """Return True: the file protocol that pyarrow asks for."""
        return True

    def seekable(self) -> bool:
        """Return False: bytes come once."""
        return False

    def close(self) -> None:
        """Mark the stream as closed."""
        self.closed = True

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
        if self._encoding == "utf-8" and b"\0" in block:
            raise BinaryFileError(
                f"The file holds a NUL byte near position {self._position + block.index(0):,}; "
                "text files have none.",
                remedy="Upload the file in the format that its dataset's contract declares.",
            )
        self._position += len(block)
        return block if self._encoding == "utf-8" else decoded.encode()


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
    control = len(head) - len(head.translate(None, _CONTROL))
    if utf8 and control > max(_FEW_CONTROL, _MOST_CONTROL_SHARE * len(head)):
        raise BinaryFileError(
            f"The file is not text: {control} of its first {len(head):,} bytes are control "
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


def _unpacked(source: _Peekable) -> ByteStream:
    """Source itself, or its content where it is a gzip stream."""
    return _Gunzip(source) if source.peek(2) == GZIP_MAGIC else source


class _Gunzip:
    """Content of a gzip stream of one or more members, at most a block at a time."""

    def __init__(self, source: ByteStream) -> None:
        self._source = source
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._packed = b""

    def read(self, size: int = -1, /) -> bytes:
        while True:
            if not self._packed:
                self._packed = self._source.read(BLOCK_BYTES)
                if not self._packed:
                    return self._at_end()
            if text := self._inflated(size if size > 0 else BLOCK_BYTES):
                return text

    def _inflated(self, most: int) -> bytes:
        if self._member.eof:  # another member follows, or the padding of a tape's blocks
            self._packed = self._packed.lstrip(b"\0")
            if not self._packed:
                return b""
            self._member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            text = self._member.decompress(self._packed, most)
        except zlib.error as error:
            raise CompressionError(
                f"The gzip stream is corrupt ({error}).", remedy="Compress and upload it again."
            ) from None
        self._packed = (
            self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        )
        return text

    def _at_end(self) -> bytes:
        if not self._member.eof:
            raise CompressionError(
                "The gzip stream ends in the middle.",
                remedy="The upload or the export was cut short: compress and upload it again.",
            )
        return b""
