"""Packed files, and what is said of those that are not packed as they should be."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BinaryFileError, CompressionError, CompressionRatioLimitError
from pipeline.formats import compression, zip_member
from pipeline.formats.compression import unpacked
from pipeline.formats.text import TextStream
from pipeline.plan_contract import Limits
from tests.unit.pipeline.support import Drip

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = b"a,b\n" + b"1,2\n" * 5000


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return bytes(sink.getvalue().to_pybytes())


class OneWay(io.BytesIO):
    """A sink that cannot go back, as a pipe: sizes then follow what was written."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def zipped(
    *files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, piped: bool = False
) -> bytes:
    sink = OneWay() if piped else io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in files:
            described = zipfile.ZipInfo(name)
            described.compress_type = method
            with archive.open(described, "w", force_zip64=piped) as member:
                member.write(data)
    return sink.getvalue()


def one_zipped(data: bytes) -> bytes:
    return zipped(("a.csv", data))


def everything(data: bytes, size: int = 1 << 22, **declared: Any) -> bytes:
    text = TextStream(Drip(data, size), **declared)
    return b"".join(iter(text.read, b""))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "zstd": zstd,
    "zip": one_zipped,
}


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("size", [1, 7, 1 << 22])
@pytest.mark.parametrize("declared", [True, False])
def test_packed_text_is_read(kind: str, size: int, declared: bool) -> None:
    packed = PACKERS[kind](TEXT)

    assert everything(packed, size, compression=kind if declared else None) == TEXT


@given(st.lists(st.binary(max_size=50), min_size=1), st.sampled_from(["gzip", "bz2", "zstd"]))
def test_several_streams_are_one_text(parts: list[bytes], kind: str) -> None:
    packed = b"".join(map(PACKERS[kind], parts))
    source = unpacked(Drip(packed, 9), Limits())

    assert b"".join(iter(lambda: source.read(7), b"")) == b"".join(parts)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_stream_that_ends_in_the_middle_is_named(kind: str) -> None:
    for size in (len(PACKERS[kind](TEXT)) // 2, len(PACKERS[kind](TEXT)) - 3):
        with pytest.raises(CompressionError, match="ends in the middle"):
            everything(PACKERS[kind](TEXT)[:size], compression=kind)


@pytest.mark.parametrize("kind", PACKERS)
def test_what_is_not_packed_as_declared_is_named(kind: str) -> None:
    with pytest.raises(CompressionError, match=f"is no {kind} stream: it begins with 61 2c 62 0a"):
        everything(TEXT, compression=kind)


@pytest.mark.parametrize("kind", ["bz2", "zstd"])
def test_what_follows_a_stream_and_is_none_is_corrupt(kind: str) -> None:
    with pytest.raises(CompressionError, match=f"The {kind} stream is corrupt"):
        everything(PACKERS[kind](TEXT) + b"and more of the like")


@pytest.mark.parametrize("kind", PACKERS)
def test_what_unpacks_to_too_much_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_RATIO_GRACE_BYTES", 100_000)
    packed = PACKERS[kind](b"0" * 10_000_000)

    with pytest.raises(CompressionRatioLimitError, match="unpack to"):
        everything(packed, limits=Limits(max_compression_ratio=50))


def test_a_text_may_begin_as_a_stream_does() -> None:
    assert everything(b"BZhello,b\n") == b"BZhello,b\n"


@pytest.mark.parametrize("piped", [True, False])
def test_what_systems_leave_beside_the_file_is_passed_over(piped: bool) -> None:
    packed = zipped(
        ("folder/", b""),
        ("__MACOSX/._a.csv", b"\0\5"),
        ("folder/a.csv", TEXT),
        ("folder/.DS_Store", b"\0"),
        ("__MACOSX/folder/._a.csv", b"\0" * 5),
        piped=piped,
    )

    for size in (1, 13, 1 << 22):
        assert everything(packed, size) == TEXT


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_may_lie_in_an_archive_as_it_is(method: int) -> None:
    assert everything(zipped(("a.csv", TEXT), method=method), 100) == TEXT


def test_an_archive_may_have_sizes_of_64_bits() -> None:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w") as archive,
        archive.open(zipfile.ZipInfo("a.csv"), "w", force_zip64=True) as member,
    ):
        member.write(TEXT)

    assert everything(sink.getvalue()) == TEXT


def spoilt(data: bytes, at: int, by: bytes) -> bytes:
    return data[:at] + by + data[at + len(by) :]


WORKBOOK = zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"))
SOUND = one_zipped(TEXT)
DIRECTORY = SOUND.index(b"PK\1\2")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (zipped(("a.csv", TEXT), ("b.csv", b"x")), CompressionError, "'a.csv' and 'b.csv'"),
        (zipped(), CompressionError, "holds no file"),
        (zipped(("a/", b"")), CompressionError, "holds no file"),
        (WORKBOOK, BinaryFileError, "an Excel workbook"),
        (zipped(("mimetype", b"x")), BinaryFileError, "an Excel workbook"),
        (spoilt(SOUND, 6, b"\1"), CompressionError, "'a.csv' in the ZIP archive is encrypted"),
        (zipped(("a.csv", TEXT), method=zipfile.ZIP_LZMA), CompressionError, "packed with LZMA"),
        (spoilt(SOUND, 8, struct.pack("<H", 50)), CompressionError, "packed with method 50"),
        (
            zipped(("a.csv", TEXT), method=zipfile.ZIP_STORED, piped=True),
            CompressionError,
            "not packed, and of unknown size",
        ),
        (spoilt(SOUND, 14, b"\0\0\0\0"), CompressionError, "the checksum of 'a.csv' is another"),
        (spoilt(SOUND, 40, b"\xff" * 8), CompressionError, "ZIP archive is corrupt"),
        (spoilt(SOUND, DIRECTORY, b"oh"), CompressionError, "6f 68 01 02 follows the file 'a.csv'"),
        (SOUND[:DIRECTORY], CompressionError, "ends in the middle"),
        (SOUND[:20], CompressionError, "ends in the middle"),
        (zipped(("a.csv", TEXT), method=0)[:100], CompressionError, "ends in the middle"),
        (
            zipped(("a.csv", TEXT), piped=True)[: DIRECTORY + 8],
            CompressionError,
            "ends in the middle",
        ),
    ],
)
def test_archives_that_are_not_read_are_named(
    data: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        everything(data)


def test_sizes_that_do_not_follow_are_corrupt() -> None:
    piped = zipped(("a.csv", TEXT), piped=True)

    with pytest.raises(CompressionError, match="sizes do not follow"):
        everything(spoilt(piped, piped.index(b"PK\1\2"), b"oh"))


def test_what_lies_beside_the_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_member, "_MOST_BESIDE_BYTES", 1000)

    with pytest.raises(CompressionError, match="has no end"):
        everything(zipped(("__MACOSX/a", b"0" * 10_000), ("a.csv", TEXT)), 100)
