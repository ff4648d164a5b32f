from __future__ import annotations

import codecs
import gzip
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BinaryFileError, CompressionError, EmptyFileError, EncodingError
from pipeline.formats import text as module
from pipeline.formats.text import TextStream
from tests.unit.pipeline.support import Drip

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


def stream(data: bytes, encoding: str = "utf-8", *, size: int = 1 << 20) -> TextStream:
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


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf16_that_is_not_declared_is_recognised(mark: bytes) -> None:
    with pytest.raises(EncodingError, match="UTF-16 byte-order mark"):
        stream(mark + "a,b".encode("utf-16-le")).read()


@pytest.mark.parametrize(
    "magic", [b"PK\3\4\0\0\0\0", b"PAR1\x15\x04\x15\x10", b"\x89PNG\r\n\x1a\n"]
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


def test_the_stream_has_the_protocol_that_pyarrow_asks_for() -> None:
    text = TextStream(io.BytesIO(b"a"))

    assert (text.readable(), text.seekable(), text.closed) == (True, False, False)
    text.close()
    assert text.closed
