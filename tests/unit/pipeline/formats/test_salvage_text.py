from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BinaryFileError, DataError, EncodingError
from pipeline.formats import RawChunk, salvage_text, text
from pipeline.formats.readers import read_chunks
from pipeline.formats.salvage_text import MESSAGES, TextSalvage
from pipeline.formats.text import TextStream
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import Drip, plan_of

if TYPE_CHECKING:
    from pipeline.findings import Repair


def salvaged(data: bytes, *, size: int = 1 << 20) -> tuple[bytes, list[tuple[Any, ...]]]:
    """Text of a file, and its repairs: line, kind, before, after."""
    salvage = TextSalvage()
    stream = TextStream(Drip(data, size), salvage=salvage)
    found = b"".join(iter(lambda: stream.read(7), b""))
    return found, [(one.line, one.repair, one.before, one.after) for one in salvage.repairs]


def test_stray_bytes_are_windows_1252() -> None:
    found, repairs = salvaged(b"a\r\ncaf\xe9 \x80 5\rna\xc3\xafve\nM\xfcnchen")

    assert found.decode() == "a\r\ncafé € 5\rnaïve\nMünchen"
    assert repairs == [
        (2, "text_windows_1252", r"caf\xe9 \x80 5", "café € 5"),
        (4, "text_windows_1252", r"M\xfcnchen", "München"),
    ]


def test_nul_bytes_are_left_out() -> None:
    found, repairs = salvaged(b"a\nx\0y\xe9\nb\n")

    assert found.decode() == "a\nxyé\nb\n"
    assert [repair[:2] for repair in repairs] == [(2, "text_windows_1252"), (2, "text_nul")]


@pytest.mark.parametrize(
    "data",
    [
        b"a\x81b\n",  # no character of Windows-1252
        b"a\ncaf\xc3",  # cut short
        b"a\xed\xa0\x80b\n",  # half a surrogate pair
        b"a\xc0\x80b\n",  # Java's NUL
        b"a\xe2\x82 b\n",  # most of a euro sign
    ],
)
def test_bytes_that_may_be_something_else_are_refused(data: bytes) -> None:
    with pytest.raises(EncodingError):
        salvaged(data)


def test_a_binary_file_is_refused() -> None:
    with pytest.raises(BinaryFileError):
        salvaged("Bücher\n".encode("utf-16-le"))


def test_another_encoding_is_not_looked_at() -> None:
    salvage = TextSalvage()
    stream = TextStream(io.BytesIO(b"caf\xe9\n"), encoding="latin-1", salvage=salvage)

    assert stream.read().decode() == "café\n"
    assert salvage.repairs == []


def test_without_a_line_end_a_text_is_cut_between_characters() -> None:
    data = "xé".encode() * 30

    with mock.patch.multiple(salvage_text, _MOST_BEGUN_BYTES=10):
        assert salvaged(data, size=8)[0] == data


def repairs_of(chunks: list[RawChunk]) -> list[Repair]:
    return [repair for chunk in chunks for repair in chunk.repairs]


def test_repairs_belong_to_the_rows_of_their_lines() -> None:
    plan = replace(plan_of({"s": "string"}, format="json"), drift=Drift(salvage=True))
    data = b'[\n{"s": "a"},\n{"s":\n "\xe9"},\n{"s": "\xe8"}\n]\n'

    repairs = repairs_of(list(read_chunks(io.BytesIO(data), plan)))

    assert [(one.row_number, one.line) for one in repairs] == [(2, 4), (3, 5)]
    assert [one.message for one in repairs] == [MESSAGES["text_windows_1252"]] * 2


LINES = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=8).map(
            str.encode
        ),
        st.binary(max_size=6).map(lambda line: line.translate(None, b"\r\n")),
    ),
    max_size=10,
)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.integers(1, 40), st.integers(1, 40))
def test_good_lines_stay_as_they_are_wherever_blocks_end(
    lines: list[bytes], end: bytes, size: int, block: int
) -> None:
    data = b"".join(line + end for line in lines)
    with mock.patch.multiple(text, BLOCK_BYTES=block):
        try:
            found, repairs = salvaged(data, size=size)
        except DataError:  # refused as a whole
            return

    made = found.split(end)[:-1]
    repaired = {number for number, *_ in repairs}
    assert len(made) == len(lines)
    for number, (line, after) in enumerate(zip(lines, made, strict=True), start=1):
        if number not in repaired:
            assert after == (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
    assert {number: after.encode() for number, _, _, after in repairs}.items() <= dict(
        enumerate(made, start=1)
    ).items()
