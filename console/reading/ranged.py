"""Objects of S3 that are read in parts."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from pipeline.manifest import OutputFile

BLOCK: Final = 256 * 1024
"""Bytes that are fetched at once: a request takes longer than they do."""


def beginning(s3: S3Client, file: OutputFile, most: int) -> bytes:
    """Return the first bytes of a file's committed version, `most` of them if it has as many."""
    return _part(s3, file, 0, most) if file.bytes else b""


class RangedFile(io.RawIOBase):
    """A file's committed version, of which blocks are fetched as they are asked for, each once."""

    def __init__(self, s3: S3Client, file: OutputFile) -> None:
        super().__init__()
        self._s3 = s3
        self._file = file
        self._at = 0
        self._blocks: dict[int, bytes] = {}

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.bytes}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the block that it begins in reaches."""
        number, skip = divmod(self._at, BLOCK)
        if self._at >= self._file.bytes:
            return 0
        found = self._block(number)[skip : skip + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._blocks[number] = _part(self._s3, self._file, number * BLOCK, BLOCK)
        return self._blocks[number]


def _part(s3: S3Client, file: OutputFile, first: int, length: int) -> bytes:
    asked: dict[str, Any] = {"VersionId": file.version_id} if file.version_id else {}
    asked["Range"] = f"bytes={first}-{first + length - 1}"
    with s3.get_object(Bucket=file.bucket, Key=file.key, **asked)["Body"] as body:
        return bytes(body.read())
