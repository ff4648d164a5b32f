"""The one file in a ZIP archive, unpacked as the archive is read.

The archive is read from its beginning, member by member; its directory, which stands at the end,
only has to be there. Folders, and what macOS and Windows leave beside a file, are passed over.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.errors import BinaryFileError, CompressionError
from pipeline.formats.packed import PIECE_BYTES, REPACK, SOURCE_BYTES, cut_short, inflated

if TYPE_CHECKING:
    from pipeline.formats.packed import Peekable

_HEADER: Final = struct.Struct("<4s5H3I2H")
_MEMBER: Final = b"PK\3\4"
_DIRECTORY: Final = b"PK\1\2"
_END: Final = b"PK\5\6"
_END_BYTES: Final = 22
_MOST_END_BYTES: Final = _END_BYTES + 65_535  # the archive's comment follows
_DESCRIPTOR: Final = b"PK\7\x08"
_STORED: Final = 0
_DEFLATED: Final = 8
_METHODS: Final = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 99: "AES"}
_ENCRYPTED: Final = 1
_SIZES_FOLLOW: Final = 1 << 3
_UTF8: Final = 1 << 11
_SIZE_ELSEWHERE: Final = 0xFFFFFFFF
_ZIP64: Final = 1
_OFFICE: Final = ("[Content_Types].xml", "_rels/", "docProps/", "xl/")
_BESIDE: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_MOST_BESIDE_BYTES: Final = 64 * 1024**2
_ONE_FILE: Final = "Pack one file of rows alone into the archive (or use gzip); upload it again."


class _Member(NamedTuple):
    """What the archive says of a file before its content."""

    name: str
    flags: int
    method: int
    crc: int
    packed_size: int

    @property
    def is_beside(self) -> bool:
        """Whether it is a folder, or something that a system has left there."""
        return (
            self.name.endswith("/")
            or self.name.startswith(_BESIDE)
            or (self.name.rpartition("/")[2].startswith(_BESIDE))
        )


class ZipMember:
    """Content of the one file in an archive, at most so many bytes at a time.

    Raises, from `read`
    ------
    CompressionError
        If the archive has no file or several, is encrypted, packed in a way that is not read, or
        corrupt.
    BinaryFileError
        If it is a workbook or a document.
    """

    def __init__(self, source: Peekable) -> None:
        self._source = source
        self._first = ""
        self._content: _Content | None = None
        self._ended = False

    def read(self, size: int = SOURCE_BYTES, /) -> bytes:
        """Return up to `size` bytes; empty only at the archive's end."""
        while not self._ended:
            if self._content is None:
                self._content = self._next_content()
                continue
            block = self._content.read(size)
            if not block:
                self._content = None
            elif not self._content.member.is_beside:
                return block
            elif self._content.size > _MOST_BESIDE_BYTES:
                raise _corrupt(f"{self._content.member.name!r} has no end")
        return b""

    def _next_content(self) -> _Content | None:
        """The next member; None if there is none any more."""
        signature = self._source.peek(len(_MEMBER))
        if signature != _MEMBER:
            self._check_directory(signature)
            self._ended = True
            return None
        member = self._taken_header()
        if member.is_beside:
            return _Content(self._source, member)
        if self._first:
            raise CompressionError(
                f"The ZIP archive holds several files: {self._first!r} and {member.name!r}.",
                remedy=_ONE_FILE,
            )
        self._first = member.name
        _check_readable(member)
        return _Content(self._source, member)

    def _taken_header(self) -> _Member:
        fields = _HEADER.unpack(_taken(self._source, _HEADER.size))
        flags, method, crc, packed_size = fields[2], fields[3], fields[6], fields[7]
        name = _taken(self._source, fields[9])
        packed_size = _true_size(packed_size, _taken(self._source, fields[10]))
        said = name.decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        return _Member(said, flags, method, crc, packed_size)

    def _check_directory(self, signature: bytes) -> None:
        """Raise unless the archive's directory follows, up to its end."""
        if signature == _END or (signature == _DIRECTORY and not self._first):
            raise CompressionError("The ZIP archive holds no file.", remedy=_ONE_FILE)
        if signature and signature != _DIRECTORY:
            raise _corrupt(f"{signature.hex(' ')} follows the file {self._first!r}")
        tail = b""
        while block := self._source.read(PIECE_BYTES):
            tail = tail[-_MOST_END_BYTES:] + block
        end = tail.rfind(_END)
        if end < 0 or len(tail) - end < _END_BYTES:
            raise cut_short("ZIP")


class _Content:
    """One member's content, checked against its checksum."""

    def __init__(self, source: Peekable, member: _Member) -> None:
        self.member = member
        self._source = source
        self._left = member.packed_size
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        self._crc = 0
        self.size = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; empty only at the member's end, which is then consumed."""
        block = self._stored(size) if self.member.method == _STORED else self._inflated(size)
        self._crc = zlib.crc32(block, self._crc)
        self.size += len(block)
        if not block:
            self._check_end()
        return block

    def _stored(self, size: int) -> bytes:
        block = self._source.read(min(size, self._left)) if self._left else b""
        if self._left and not block:
            raise cut_short("ZIP")
        self._left -= len(block)
        return block

    def _inflated(self, size: int) -> bytes:
        while not self._stream.eof:
            piece = self._source.read(PIECE_BYTES)
            if not piece:
                raise cut_short("ZIP")
            try:
                block, left = inflated(self._stream, piece, size)
            except zlib.error as error:
                raise _corrupt(str(error)) from None
            self._source.unread(len(left))
            if block:
                return block
        return b""

    def _check_end(self) -> None:
        crc = self.member.crc
        if self.member.flags & _SIZES_FOLLOW:
            crc = _taken_descriptor(self._source)
        if crc != self._crc:
            raise _corrupt(f"the checksum of {self.member.name!r} is another")


def _check_readable(member: _Member) -> None:
    if member.name.startswith(_OFFICE) or member.name == "mimetype":
        raise BinaryFileError(
            "The file is an Excel workbook, or another document of many parts in a ZIP archive.",
            remedy="Save its sheet as CSV, and upload that.",
        )
    if member.flags & _ENCRYPTED:
        raise CompressionError(
            f"The file {member.name!r} in the ZIP archive is encrypted.",
            remedy="Pack it without a password: the bucket encrypts what it stores.",
        )
    sizes_unknown = member.method == _STORED and member.flags & _SIZES_FOLLOW
    if member.method not in (_STORED, _DEFLATED) or sizes_unknown:
        method = _METHODS.get(member.method, f"method {member.method}")
        how = "not packed, and of unknown size" if sizes_unknown else f"packed with {method}"
        raise CompressionError(
            f"The file {member.name!r} in the ZIP archive is {how}, which is not read.",
            remedy="Pack it with Deflate, as `zip` does by itself.",
        )


def _true_size(size: int, extra: bytes) -> int:
    """A member's packed size; where it has no room in the header, it stands in an extra field."""
    while size == _SIZE_ELSEWHERE and len(extra) >= 4:  # noqa: PLR2004 - its kind and its length
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64 and length >= 16:  # noqa: PLR2004 - two numbers of 8 bytes
            return int(struct.unpack_from("<2Q", extra, 4)[1])
        extra = extra[4 + length :]
    return size


def _taken_descriptor(source: Peekable) -> int:
    """Consume what follows content of which the header did not know the size; its checksum.

    It may have a signature, and sizes of 4 or 8 bytes: what stands behind it tells.
    """
    head = source.peek(28)
    begin = len(_DESCRIPTOR) if head.startswith(_DESCRIPTOR) else 0
    for size in (begin + 12, begin + 20):
        if head[size : size + 4] in (_MEMBER, _DIRECTORY):
            source.read(size)
            return int.from_bytes(head[begin : begin + 4], "little")
    raise cut_short("ZIP") if len(head) < begin + 16 else _corrupt("a member's sizes do not follow")


def _taken(source: Peekable, size: int) -> bytes:
    taken = source.peek(size)
    if len(taken) < size:
        raise cut_short("ZIP")
    source.read(size)
    return taken


def _corrupt(why: str) -> CompressionError:
    return CompressionError(f"The ZIP archive is corrupt ({why}).", remedy=REPACK)
