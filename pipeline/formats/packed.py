"""What the unpackers of all kinds of packed files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import CompressionError

if TYPE_CHECKING:
    from pipeline.formats import ByteStream

SOURCE_BYTES: Final = 4 * 1024 * 1024
PIECE_BYTES: Final = 64 * 1024
"""Packed bytes for zlib at once: it copies what it leaves of them."""
REPACK: Final = "Compress and upload it again."


class Peekable:
    """A source whose next bytes can be looked at, and of which the last read can be given back.

    `bytes_in` counts what was read.
    """

    def __init__(self, source: ByteStream) -> None:
        self._source = source
        self._held = b""
        self._at = 0
        self.bytes_in = 0

    def peek(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end, without consuming them."""
        while len(self._held) - self._at < size and (more := self._source.read(SOURCE_BYTES)):
            self._held, self._at = self._held[self._at :] + more, 0
        return self._held[self._at : self._at + size]

    def read(self, size: int = SOURCE_BYTES, /) -> bytes:
        """Return up to `size` bytes; empty only at the end."""
        if self._at == len(self._held):
            self._held, self._at = self._source.read(max(size, SOURCE_BYTES)), 0
        taken = self._held[self._at : self._at + size]
        self._at += len(taken)
        self.bytes_in += len(taken)
        return taken

    def unread(self, size: int) -> None:
        """Give back the last bytes of those that were read last."""
        self._at -= size
        self.bytes_in -= size


def inflated(stream: Any, piece: bytes, most: int) -> tuple[bytes, bytes]:
    """Return at most so many unpacked bytes, and what is left of the packed ones."""
    text: bytes = stream.decompress(piece, most)
    return text, stream.unused_data if stream.eof else stream.unconsumed_tail


def cut_short(name: str) -> CompressionError:
    """Return the error of a stream that ends too early."""
    return CompressionError(
        f"The {name} stream ends in the middle.",
        remedy="The upload or the export was cut short: compress and upload it again.",
    )
