"""How a file is written, found out for `pipeline init` from its name and bytes."""

from __future__ import annotations

import bz2
import gzip
from typing import TYPE_CHECKING

import pytest

from pipeline.authoring.sniff import sniffed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = "a;b\n1;x\n2;y\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_packed_file_is_looked_into(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_bytes(pack(TABLE.encode()))

    found = sniffed(file)

    assert (found.format, found.source.delimiter, found.source.encoding) == ("csv", ";", "utf-8")


def test_a_packed_file_in_a_legacy_encoding_is_looked_into(tmp_path: Path) -> None:
    file = tmp_path / "things.csv.bz2"
    file.write_bytes(bz2.compress("a;b\nZoë;1\nRené;2\n".encode("cp1252")))

    assert sniffed(file).source.encoding == "cp1252"


@pytest.mark.parametrize("name", ["things.tsv", "THINGS.TSV", "things.tsv.gz"])
def test_a_tsv_file_has_tabs(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text("a\n1;2;3\n4;5;6\n")

    assert sniffed(file).source.delimiter == "\t"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_bytes(TABLE.encode(encoding))

    found = sniffed(file)

    assert (found.source.encoding, found.source.delimiter) == (encoding, ";")
    assert found.notes == (f"the file begins with the byte-order mark of {encoding.upper()}",)


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("id,text\n" + '1,"a \\"b, c\\" d"\n' * 5, '"'),
        ("'id','text'\n" + "'1','a,b''s'\n" * 5, "'"),
    ],
)
def test_delimiters_inside_of_quotes_are_none(text: str, quote: str, tmp_path: Path) -> None:
    file = tmp_path / "things.csv"
    file.write_text(text)

    source = sniffed(file).source

    assert (source.delimiter, source.quote) == (",", quote)
