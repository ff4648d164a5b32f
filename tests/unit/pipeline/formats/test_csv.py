from __future__ import annotations

import io
from dataclasses import replace

import pyarrow as pa
import pytest

from pipeline.arrow_types import TEXT
from pipeline.errors import (
    DuplicateColumnError,
    EmptyFileError,
    EncodingError,
    MalformedCsvError,
    MissingColumnError,
    NoRowsError,
)
from pipeline.formats import RawChunk
from pipeline.formats import csv as module
from pipeline.formats.readers import read_chunks
from pipeline.plan import Limits
from tests.unit.pipeline.support import good_rows, plan_of, row_numbers

COLUMNS = {"a": "string", "b": "string"}


def read(data: str | bytes, **source: str) -> list[RawChunk]:
    encoded = data.encode() if isinstance(data, str) else data
    return list(read_chunks(io.BytesIO(encoded), plan_of(COLUMNS, **source)))


def rows(data: str | bytes, **source: str) -> list[dict[str, object]]:
    return list(good_rows(read(data, **source)))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a,b\n1,x\n2,y\n", {}),
        ("a,b\n1,x\n2,y", {}),
        ("a,b\r\n1,x\r\n2,y\r\n", {}),
        ("a,b\r1,x\r2,y\r", {}),
        ("\n\na,b\n1,x\n\n2,y\n\n", {}),
        ('"a","b"\n"1","x"\n2,"y"\n', {}),
        ("b,a\nx,1\ny,2\n", {}),
        ("a;b\n1;x\n2;y\n", {"delimiter": ";"}),
        ("a\tb\n1\tx\n2\ty\n", {"delimiter": "\t"}),
        ("a,b\n'1','x'\n2,y\n", {"quote": "'"}),
        ("\ufeffa,b\n1,x\n2,y\n", {}),
    ],
)
def test_spellings_of_one_table(text: str, source: dict[str, str]) -> None:
    assert rows(text, **source) == [
        {"a": "1", "b": "x", "_row_number": 1},
        {"a": "2", "b": "y", "_row_number": 2},
    ]


def test_cells_stay_as_they_are_written() -> None:
    data = 'a,b\n 007 ,NA\n"x ""y"", z","line\nbreak"\n,""\n'

    assert [(row["a"], row["b"]) for row in rows(data)] == [
        (" 007 ", "NA"),
        ('x "y", z', "line\nbreak"),
        ("", ""),
    ]


def test_without_a_quote_character_quotes_are_text() -> None:
    assert rows('a,b\n"1,2"\n', quote="")[0]["a"] == '"1'


def test_a_declared_encoding_is_read() -> None:
    assert rows("a,b\né,€\n".encode("cp1252"), encoding="cp1252")[0]["b"] == "€"


def test_rows_with_another_number_of_cells_are_findings_with_their_text() -> None:
    chunks = read("a,b\n1,x\n2\n3,y,z\n4,w\n5\n")

    assert [row["_row_number"] for row in good_rows(chunks)] == [1, 4]
    bad = [reject for chunk in chunks for reject in chunk.malformed]
    assert [(reject.row_number, reject.raw) for reject in bad] == [(2, "2"), (3, "3,y,z"), (5, "5")]
    (violation,) = bad[1].violations
    assert (violation.rule, violation.value) == ("cells", 3)
    assert "3 instead of 2" in violation.message


def test_a_file_of_nothing_but_malformed_rows_loses_none() -> None:
    chunks = read("a,b\n1\n2\n")

    assert row_numbers(chunks) == [1, 2]
    assert sum(chunk.rows for chunk in chunks) == 2
    assert list(good_rows(chunks)) == []


def test_columns_that_no_contract_names_are_read_too_but_never_as_row_numbers() -> None:
    (row,) = rows("_row_number,a,b,c\n99,1,x,extra\n")

    assert row == {"a": "1", "b": "x", "c": "extra", "_row_number": 1}


@pytest.mark.parametrize("data", [" \n\t\r\n", "\ufeff \n"])
def test_white_space_is_an_empty_file(data: str) -> None:
    with pytest.raises(EmptyFileError, match="white space"):
        read(data)


@pytest.mark.parametrize("data", ["a,b", "a,b\n", "a,b\r\n\r\n", "a,b\n" + "\n" * 300_000])
def test_a_header_alone_has_no_rows(data: str) -> None:
    with pytest.raises(NoRowsError, match="no rows"):
        read(data)


def test_missing_columns_are_named_with_the_header_that_was_found() -> None:
    with pytest.raises(MissingColumnError) as raised:
        read("A;c\n1;2\n", delimiter=";")

    assert raised.value.columns == ("a", "b")
    assert "lacks 'a', 'b'; its header has 'A', 'c'" in str(raised.value)
    assert "';'" in raised.value.remedy


def test_a_very_long_header_is_shown_in_part() -> None:
    with pytest.raises(MissingColumnError, match=r"and 70 more\."):
        read(",".join(f"x{n}" for n in range(100)) + "\n1\n")


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(DuplicateColumnError, match="names 'a' more than once"):
        read("a,b,a\n1,2,3\n")


def test_a_header_that_never_ends_is_malformed() -> None:
    with pytest.raises(MalformedCsvError, match="header"):
        read('"a,b\n' + "1,2\n" * 50_000)


def test_a_first_row_longer_than_any_cell_may_be_is_no_matter_of_ours() -> None:
    long = "x" * 200_000

    assert rows(f'a,b\n"{long}",1\n')[0]["a"] == long


def test_a_row_that_quotes_make_longer_than_two_blocks_is_malformed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    plan = replace(plan_of(COLUMNS), limits=Limits(max_row_bytes=1000))
    data = "a,b\n" + "1,2\n" * 3 + '3,"' + "4,5\n" * 1000

    with pytest.raises(MalformedCsvError, match="quote that is opened and never closed"):
        list(read_chunks(io.BytesIO(data.encode()), plan))


def test_errors_of_the_text_come_through_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    data = b"a,b\n" + b"1,2\n" * 300_000 + b"\xff,2\n"

    with pytest.raises(EncodingError, match="0xFF at position 1,200,004"):
        read(data)


def test_columns_are_encoded_where_values_repeat() -> None:
    data = "a,b\n" + "".join(f"{n},{n % 3}\n" for n in range(1000))

    (chunk,) = read(data)

    assert chunk.batch.schema.field("a").type == pa.string()
    assert chunk.batch.schema.field("b").type == TEXT


@pytest.mark.parametrize("data", ['a,b\n1,"x\n2,y\n3,z\n', 'a,b\n"1,x\n2,y\n3,z\n'])
def test_a_quote_that_never_closes_is_malformed(data: str) -> None:
    with pytest.raises(MalformedCsvError):
        read(data)
