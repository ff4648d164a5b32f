from __future__ import annotations

import codecs
import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import (
    BinaryFileError,
    CompressionError,
    CompressionRatioLimitError,
    EmptyFileError,
    EncodingError,
    SizeLimitError,
)
from pipeline.formats import compression
from pipeline.formats import text as module
from pipeline.formats.text import TextStream
from pipeline.plan_contract import Limits
from tests.unit.pipeline.support import Drip

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


def stream(data: bytes, encoding: str | None = None, *, size: int = 1 << 20) -> TextStream:
    return TextStream(Drip(data, size), encoding=encoding)


def everything(text: TextStream, block: int = 7) -> bytes:
    return b"".join(iter(lambda: text.read(block), b""))


@given(TEXT, st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_text_is_the_same_however_the_source_hands_it_out(
    text: str, size: int, block: int, marked: bool
) -> None:
    data = (codecs.BOM_UTF8 if marked else b"") + text.encode()
    expected = text.encode().removeprefix(b"" if marked else codecs.BOM_UTF8)

    assert everything(stream(data, size=size), block) == expected


@given(st.lists(TEXT, min_size=1, max_size=3), st.integers(1, 9))
def test_gzip_of_several_members_is_unpacked(texts: list[str], size: int) -> None:
    packed = b"".join(gzip.compress(text.encode()) for text in texts)
    expected = "".join(texts).encode().removeprefix(codecs.BOM_UTF8)

    assert everything(stream(packed, size=size)) == expected


@given(TEXT, st.sampled_from(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"]), st.integers(1, 9))
def test_declared_encodings_are_decoded(text: str, encoding: str, size: int) -> None:
    read = everything(stream(text.encode(encoding), encoding, size=size))

    assert read == text.removeprefix("\ufeff").encode()


def test_single_byte_encodings_are_decoded() -> None:
    assert everything(stream("Zoë;10 €".encode("cp1252"), "cp1252")) == "Zoë;10 €".encode()


@given(st.binary(min_size=1, max_size=40), st.integers(1, 5))
def test_invalid_utf8_is_named_with_its_byte_and_position(junk: bytes, size: int) -> None:
    data = b"plain ascii text" * 4 + bytes(byte | 0x80 for byte in junk)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        with pytest.raises(EncodingError) as raised:
            everything(stream(data, size=size))
        assert f"byte 0x{data[error.start]:02X} at position {error.start:,}." in str(raised.value)
        assert "csvDialect" in raised.value.remedy


@pytest.mark.parametrize("size", [1, 2, 100])
def test_position_is_the_same_however_the_source_hands_it_out(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEAD_BYTES", 4)

    with pytest.raises(EncodingError, match="byte 0xC3 at position 6"):
        everything(stream(b"abcdef\xc3(", size=size))


def test_text_cut_in_a_character_is_an_encoding_error() -> None:
    with pytest.raises(EncodingError, match="byte 0xC3 at position 64"):
        everything(stream(b"a" * 64 + b"\xc3"))


@pytest.mark.parametrize("data", [b"", gzip.compress(b"")])
def test_an_empty_file_is_named(data: bytes) -> None:
    with pytest.raises(EmptyFileError, match="0 bytes"):
        stream(data).read()


@given(
    TEXT,
    st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"]),
    st.integers(1, 9),
)
def test_the_byte_order_mark_says_the_encoding(text: str, encoding: str, size: int) -> None:
    data = ("\ufeff" + text).encode(encoding)

    assert everything(stream(data, size=size)) == text.removeprefix("\ufeff").encode()


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_mark_of_another_encoding_than_declared_is_named(mark: bytes) -> None:
    with pytest.raises(EncodingError, match="byte-order mark of utf-16, and is declared as utf-8"):
        stream(mark + "a,b".encode("utf-16-le"), "utf-8").read()


@pytest.mark.parametrize(
    "magic", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1\x15\x04\x15\x10", b"\x89PNG\r\n\x1a\n"]
)
def test_binary_files_are_named_with_their_first_bytes(magic: bytes) -> None:
    with pytest.raises(BinaryFileError) as raised:
        stream(magic + bytes(range(32)) * 4).read()

    assert magic[:4].hex(" ") in str(raised.value)


def test_a_nul_byte_deep_in_the_file_is_named_with_its_position() -> None:
    data = b"a,b\n" * 5000

    with pytest.raises(BinaryFileError, match="NUL byte near position 20,000"):
        everything(stream(data + b"\0", size=4096), 4096)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda packed: packed[:-9], "ends in the middle"),
        (lambda packed: packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:], "corrupt"),
        (lambda packed: packed + b"trailing", "corrupt"),
    ],
)
def test_broken_gzip_is_named(spoil: Callable[[bytes], bytes], message: str) -> None:
    with pytest.raises(CompressionError, match=message):
        everything(stream(spoil(gzip.compress(b"a,b\n1,2\n"))))


def test_unpacked_blocks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    text = b"0" * 50_000

    zeros = stream(gzip.compress(text))
    read = list(iter(lambda: zeros.read(-1), b""))

    assert max(map(len, read)) == 1000
    assert b"".join(read) == text


def test_looking_at_the_head_consumes_nothing() -> None:
    text = stream(b"abcdef", size=2)

    assert text.head(4) == b"abcd"
    assert text.head(100) == b"abcdef"
    assert text.read(3) == b"abc"
    assert text.head(2) == b"de"
    assert everything(text) == b"def"


def test_what_was_consumed_is_counted() -> None:
    text = stream(b"abcdef", size=2)

    text.head(5)
    text.read(3)

    assert text.consumed == 3


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize("block", [4, 1 << 22])
@pytest.mark.parametrize(
    ("data", "rest"),
    [
        ("a\n", "a\n"),
        ("\n\r\n \t\n  a\nb", "  a\nb"),
        ("\n" * 9000 + "\ta", "\ta"),
        (" \n \n", ""),
        (" a", " a"),
    ],
)
def test_blank_lines_before_the_first_other_one_are_skipped(
    data: str, rest: str, size: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block)
    text = stream(data.encode(), size=size)

    text.skip_blank_lines()

    assert everything(text).decode() == rest


def test_more_text_than_the_limit_is_refused_however_it_is_packed() -> None:
    data = "é".encode() * 50
    fits, short = Limits(max_bytes=100), Limits(max_bytes=99)

    for packed in (data, gzip.compress(data)):
        assert everything(TextStream(Drip(packed, 9), limits=fits)) == data
        with pytest.raises(SizeLimitError, match=r"more than 99 bytes.*maxBytes is 99") as raised:
            everything(TextStream(Drip(packed, 9), limits=short))
        assert (raised.value.limit, raised.value.allowed) == ("maxBytes", 99)
        assert "raise `limits.maxBytes` in the contract's customProperties and deploy" in str(
            raised.value
        )


def test_the_limit_counts_utf8_whatever_the_file_is_written_in() -> None:
    data = ("é" * 50).encode("cp1252")

    with pytest.raises(SizeLimitError):
        everything(TextStream(Drip(data, 9), encoding="cp1252", limits=Limits(max_bytes=99)))


@pytest.mark.parametrize("members", [1, 20])
def test_what_unpacks_to_too_much_is_refused(members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_RATIO_GRACE_BYTES", 100_000)
    packed = gzip.compress(b"0" * (1_000_000 // members)) * members

    with pytest.raises(
        CompressionRatioLimitError, match=r"unpack to .* the limit maxComp"
    ) as found:
        everything(TextStream(Drip(packed, 500), limits=Limits(max_compression_ratio=50)), 1 << 16)
    assert found.value.limit == "maxCompressionRatio"


def test_a_small_file_may_unpack_to_anything() -> None:
    data = b"0" * 1_000_000

    text = TextStream(Drip(gzip.compress(data), 500), limits=Limits(max_compression_ratio=1))

    assert everything(text, 1 << 16) == data


def test_members_without_content_are_passed_over_and_not_without_end() -> None:
    nothing = gzip.compress(b"")

    assert everything(stream(nothing * 1000 + gzip.compress(b"a") + nothing * 999)) == b"a"
    with pytest.raises(CompressionError, match="1,000 members without content"):
        everything(stream(gzip.compress(b"a") + nothing * 5000))


def test_padding_after_a_member_is_no_text() -> None:
    packed = gzip.compress(b"ab") + b"\0" * 200_000 + gzip.compress(b"cd") + b"\0" * 100

    assert everything(stream(packed, size=70_000)) == b"abcd"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "a gzip stream"),
        (gzip.compress(b"PK\3\4" + b"text " * 100), "a ZIP archive or an Excel workbook"),
        (b"PAR1" + bytes(range(32)) * 4, "a Parquet file"),
    ],
)
def test_known_binary_formats_are_named(data: bytes, what: str) -> None:
    with pytest.raises(BinaryFileError, match=f"^The file is {what}: "):
        everything(stream(data))


def test_a_text_may_begin_like_a_binary_format() -> None:
    assert everything(stream(b"PAR1,PAR2\n1,2\n")) == b"PAR1,PAR2\n1,2\n"


def test_nul_characters_are_found_in_every_encoding() -> None:
    with pytest.raises(BinaryFileError, match="NUL byte near position 3"):
        everything(stream(b"abc\0", "cp1252"))


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_of_another_encoding_than_the_declared_one_is_told(mark: str) -> None:
    text = stream("id\n".encode(mark), "cp1252")

    with pytest.raises(EncodingError, match=r"byte-order mark of utf-.*declared as cp1252"):
        text.read()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_mark_of_utf8_is_passed_over_whatever_utf8_is_called(encoding: str) -> None:
    assert stream("id\n".encode("utf-8-sig"), encoding).read() == b"id\n"
