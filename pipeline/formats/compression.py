"""Packed files: gzip, bzip2, Zstandard and ZIP archives of one file, unpacked as they are read.

What a file is packed with is said by its first bytes, or declared. Nothing is held but a block of
packed bytes and the unpackers' own windows.
"""

from __future__ import annotations

import bz2
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.errors import CompressionError, CompressionRatioLimitError
from pipeline.formats.limits import limit_error
from pipeline.formats.packed import PIECE_BYTES, REPACK, SOURCE_BYTES, Peekable, cut_short, inflated
from pipeline.formats.zip_member import ZipMember

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.formats import ByteStream
    from pipeline.plan_contract import Limits

GZIP_MAGIC: Final = b"\x1f\x8b"
_MAGIC: Final = {
    "gzip": re.compile(re.escape(GZIP_MAGIC)),
    "bz2": re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "zip": re.compile(rb"PK(\x03\x04|\x05\x06)"),
}
_MAGIC_BYTES: Final = 10
COMPRESSIONS: Final = (*_MAGIC, "none")
ENDINGS: Final = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".zip": "zip"}
"""Endings of packed files' names."""
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_RATIO_GRACE_BYTES: Final = 64 * 1024 * 1024
"""Text that any file may unpack to, whatever its size: a table of zeros is no attack yet."""
_MOST_EMPTY_MEMBERS: Final = 1_000


def unpacked(source: ByteStream, limits: Limits, *, compression: str | None = None) -> ByteStream:
    """Return a stream of what is packed in the source, or the source itself if nothing is.

    Parameters
    ----------
    compression
        What it is packed with (one of `COMPRESSIONS`); None if its first bytes say so.

    Raises
    ------
    CompressionError
        From `read` too: if it is not packed so, or not soundly.
    BinaryFileError
        If a ZIP archive is a workbook or the like.
    CompressionRatioLimitError
        From `read`: if it unpacks to more than the limits allow.
    """
    peekable = Peekable(source)
    head = peekable.peek(_MAGIC_BYTES)
    found = compression_of(head)
    if compression not in (None, "none", found) and head:
        raise CompressionError(
            f"The file is no {compression} stream: it begins with {head[:4].hex(' ')}.",
            remedy="Correct `compression` in the contract's csvDialect, or leave it out: it is "
            "found out by the file's first bytes.",
        )
    kind = found if compression is None else compression
    return peekable if kind == "none" else _Bounded(_UNPACKERS[kind](peekable), peekable, limits)


def compression_of(head: bytes) -> str:
    """Return what a file that begins with these bytes is packed with, one of `COMPRESSIONS`."""
    return next((name for name, magic in _MAGIC.items() if magic.match(head)), "none")


class _Bounded:
    """Unpacked bytes, as long as they are not suspiciously many for the packed ones."""

    def __init__(self, unpacker: ByteStream, packed: Peekable, limits: Limits) -> None:
        self._unpacker = unpacker
        self._packed = packed
        self._limits = limits
        self._bytes_out = 0

    def read(self, size: int = SOURCE_BYTES, /) -> bytes:
        text = self._unpacker.read(size)
        self._bytes_out += len(text)
        bytes_in = self._packed.bytes_in
        if self._bytes_out > max(_RATIO_GRACE_BYTES, self._limits.max_compression_ratio * bytes_in):
            found = f"The first {bytes_in:,} bytes unpack to {self._bytes_out:,} or more"
            name = "max_compression_ratio"
            raise limit_error(CompressionRatioLimitError, self._limits, name, found)
        return text


def _bunzipped(stream: bz2.BZ2Decompressor, piece: bytes, most: int) -> tuple[bytes, bytes]:
    """Do the same for bzip2, which keeps what it was given."""
    if not stream.needs_input:
        return stream.decompress(b"", most), piece
    return stream.decompress(piece, most), stream.unused_data if stream.eof else b""


class _Members:
    """Content of one compressed stream after another, at most a block at a time.

    zlib copies what it leaves of its input, so it is given little at once: a member may be as
    short as 20 bytes, and unpack to nothing.
    """

    def __init__(
        self,
        source: Peekable,
        name: str,
        member: Callable[[], Any],
        step: Callable[[Any, bytes, int], tuple[bytes, bytes]],
    ) -> None:
        self._source = source
        self._name = name
        self._new_member = member
        self._step = step
        self._member = member()
        self._empty_members = 0

    def read(self, size: int = SOURCE_BYTES, /) -> bytes:
        while True:
            piece = self._source.read(PIECE_BYTES)
            if not piece and not self._has_more():
                return self._at_end()
            if text := self._unpacked(piece, size):
                self._empty_members = 0
                return text

    def _has_more(self) -> bool:
        """Whether there is text of bytes that were taken before."""
        return not (self._member.eof or getattr(self._member, "needs_input", True))

    def _unpacked(self, piece: bytes, most: int) -> bytes:
        if self._member.eof:  # another member follows, or the padding of a tape's blocks
            piece = piece.lstrip(b"\0")
            if not piece:
                return b""
            self._begin_member()
        try:
            text, left = self._step(self._member, piece, most)
        except (zlib.error, OSError, ValueError) as error:
            raise CompressionError(
                f"The {self._name} stream is corrupt ({error}).", remedy=REPACK
            ) from None
        self._source.unread(len(left))
        return text

    def _begin_member(self) -> None:
        self._member = self._new_member()
        self._empty_members += 1
        if self._empty_members > _MOST_EMPTY_MEMBERS:
            raise CompressionError(
                f"The {self._name} stream has more than {_MOST_EMPTY_MEMBERS:,} members without "
                "content.",
                remedy=REPACK,
            )

    def _at_end(self) -> bytes:
        if not self._member.eof:
            raise cut_short(self._name)
        return b""


class _Zstandard:
    """Content of a Zstandard stream: Python 3.11 has no unpacker for it, Arrow has."""

    def __init__(self, source: Peekable) -> None:
        self._stream = pa.CompressedInputStream(pa.PythonFile(_File(source), mode="r"), "zstd")

    def read(self, size: int = SOURCE_BYTES, /) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except OSError as error:
            if "Truncated" in str(error):
                raise cut_short("zstd") from None
            raise CompressionError(
                f"The zstd stream is corrupt ({error}).", remedy=REPACK
            ) from None


class _File:
    """A source with the protocol that Arrow asks of a file."""

    def __init__(self, source: Peekable) -> None:
        self.read = source.read
        self.closed = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False: bytes come once."""
        return False

    def close(self) -> None:
        """Mark the file as closed."""
        self.closed = True


def _gunzip(source: Peekable) -> ByteStream:
    return _Members(source, "gzip", lambda: zlib.decompressobj(_GZIP_WINDOW), inflated)


def _bunzip(source: Peekable) -> ByteStream:
    return _Members(source, "bz2", bz2.BZ2Decompressor, _bunzipped)


_UNPACKERS: Final[dict[str, Callable[[Peekable], ByteStream]]] = {
    "gzip": _gunzip,
    "bz2": _bunzip,
    "zstd": _Zstandard,
    "zip": ZipMember,
}
