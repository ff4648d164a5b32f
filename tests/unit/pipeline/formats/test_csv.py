from __future__ import annotations

import gzip
import io
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipeline.arrow_types import TEXT
from pipeline.errors import (
    DuplicateColumnError,
    EmptyFileError,
    EncodingError,
    ExtraColumnError,
    MalformedCsvError,
    MissingColumnError,
    NoRowsError,
    RowLimitError,
)
from pipeline.formats import RawChunk
from pipeline.formats import csv as module
from pipeline.formats import csv_blocks as blocks
from pipeline.formats import csv_footer as footer
from pipeline.formats.readers import read_chunks
from pipeline.plan_contract import Limits
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import good_rows, plan_of, row_numbers

COLUMNS = {"a": "string", "b": "string"}


def read(data: str | bytes, **source: Any) -> list[RawChunk]:
    encoded = data.encode() if isinstance(data, str) else data
    return list(read_chunks(io.BytesIO(encoded), plan_of(COLUMNS, **source)))


def rows(data: str | bytes, **source: Any) -> list[dict[str, object]]:
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


def test_columns_that_no_contract_names_are_passed_over() -> None:
    (row,) = rows("_row_number,a,,c,b,c,\n99,1,,x,y,z,\n")

    assert row == {"a": "1", "b": "y", "_row_number": 1}


def test_columns_that_no_contract_names_are_kept_where_the_dataset_says_so() -> None:
    plan = replace(plan_of(COLUMNS), drift=Drift(extra_column="keep"))
    data = b"_row_number,a,,c,b,c,_extra,_refused.a,column_3\n99,1,2,3,x,4,5,6,7\n"

    (row,) = good_rows(list(read_chunks(io.BytesIO(data), plan)))

    assert row == {
        "_row_number_1": "99",
        "a": "1",
        "column_3": "2",
        "c": "3",
        "b": "x",
        "c_6": "4",
        "_extra_7": "5",
        "column_8": "6",
        "column_3_9": "7",
        "_row_number": 1,
    }


def test_columns_that_no_contract_names_are_refused_where_the_dataset_says_so() -> None:
    plan = replace(plan_of(COLUMNS), drift=Drift(extra_column="reject-file"))

    with pytest.raises(ExtraColumnError, match="the contract has not: 'c', ''"):
        list(read_chunks(io.BytesIO(b"a,c,b,\n1,2,3,4\n"), plan))


@pytest.mark.parametrize(
    ("header", "required", "missing"),
    [
        ("a", (), ()),
        ("b", ("a",), ("a",)),
        ("x", (), ("a", "b")),
    ],
)
def test_optional_columns_may_be_absent_where_the_dataset_says_so(
    header: str, required: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    plan = plan_of(COLUMNS)
    columns = tuple(replace(one, required=one.name in required) for one in plan.columns)
    plan = replace(plan, columns=columns, drift=Drift(missing_column="nulls"))
    data = io.BytesIO(f"{header}\n1\n".encode())

    if missing:
        with pytest.raises(MissingColumnError) as raised:
            list(read_chunks(data, plan))
        assert raised.value.columns == missing
    else:
        (row,) = good_rows(list(read_chunks(data, plan)))
        assert row == {"a": "1", "_row_number": 1}


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


def test_what_quotes_hold_beyond_the_limit_of_a_row_was_opened_by_a_stray_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    plan = replace(plan_of(COLUMNS), limits=Limits(max_row_bytes=1000))
    data = "a,b\n" + "1,2\n" * 3 + '3,"' + "4,5\n" * 1000 + '6,7"\n'

    chunks = list(read_chunks(io.BytesIO(data.encode()), plan))

    assert row_numbers(chunks) == list(range(1, 1005))
    (bad,) = [reject for chunk in chunks for reject in chunk.malformed]
    assert (bad.row_number, bad.line, bad.raw) == (4, 5, '3,"4,5')
    (violation,) = bad.violations
    assert violation.rule == "quotes"
    assert violation.message.endswith("closes it: cell 2")


def test_so_many_stray_quotes_that_nothing_can_be_told_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "_WASTED_BYTES", 1000)
    chain = 'x","y\n' * 200  # each line's quote is closed by the next one's, which opens another

    with pytest.raises(MalformedCsvError, match=r'After line 0 .*quoteChar: ""'):
        read('a,b\n"' + chain)


def test_a_row_without_an_end_is_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    plan = plan_of(COLUMNS, escape="\\", double_quote=False)
    plan = replace(plan, limits=Limits(max_row_bytes=1000))
    data = b"a,b\n" + b"x\\\n" * 10_000

    with pytest.raises(RowLimitError, match="A row has more than 1,000 bytes"):
        list(read_chunks(io.BytesIO(data), plan))


def test_errors_of_the_text_come_through_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    data = b"a,b\n" + b"1,2\n" * 300_000 + b"\xff,2\n"

    with pytest.raises(EncodingError, match="0xFF at position 1,200,004"):
        read(data)


def test_columns_are_encoded_where_values_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    data = "a,b\n" + "".join(f"{n},{n % 3}\n" for n in range(1000))

    _, *chunks = read(data)

    assert {chunk.batch.schema.field("a").type for chunk in chunks} == {pa.string()}
    assert {chunk.batch.schema.field("b").type for chunk in chunks} == {TEXT}


@pytest.mark.parametrize(("cell", "kind"), [("7", pa.string()), ("NA", TEXT), ("+7", TEXT)])
def test_integers_are_not_encoded_where_the_first_block_has_no_other_text(
    monkeypatch: pytest.MonkeyPatch, cell: str, kind: pa.DataType
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 2000)
    data = f"a,b\n0,{cell}\n" + "".join(f"{n % 3},{n % 3}\n" for n in range(1000))

    first, *chunks = read_chunks(
        io.BytesIO(data.encode()), plan_of({"a": "string", "b": "integer"})
    )

    assert first.batch.column("b")[0].as_py() == cell
    assert {chunk.batch.schema.field("a").type for chunk in chunks} == {TEXT}
    assert {chunk.batch.schema.field("b").type for chunk in chunks} == {kind}


@pytest.mark.parametrize(
    ("data", "raw"), [('a,b\n1,"x\n2,y\n3,z\n', '1,"x'), ('a,b\n"1,x\n2,y\n3,z\n', '"1,x')]
)
def test_a_quote_that_never_closes_costs_its_line(data: str, raw: str) -> None:
    chunks = read(data)

    assert [row["b"] for row in good_rows(chunks)] == ["y", "z"]
    (bad,) = [reject for chunk in chunks for reject in chunk.malformed]
    assert (bad.row_number, bad.line, bad.raw) == (1, 2, raw)


def test_two_stray_quotes_cost_two_lines_and_not_what_is_between() -> None:
    chunks = read('a,b\n"1,x\n2,y\n3,z\n4,5"\n6,w\n')

    assert [row["a"] for row in good_rows(chunks)] == ["2", "3", "4", "6"]
    assert [bad.line for chunk in chunks for bad in chunk.malformed] == [2]


def test_lines_are_counted_whatever_stands_on_them() -> None:
    data = '\n# note\na,b\n1,x\n\n"2\n\n# no note",y\n# note\n3\n4,"z"\n"5"x,\n\n6,w\n'

    (chunk,) = read(data, comment="#")

    assert chunk.line_of is not None
    lines = {row["a"]: chunk.line_of(row["_row_number"]) for row in good_rows([chunk])}
    assert lines == {"1": 4, "2\n\n# no note": 6, "4": 11, "6": 14}
    assert [(bad.row_number, bad.line) for bad in chunk.malformed] == [(3, 10), (5, 12)]


@pytest.mark.parametrize("block", [10, 1 << 22])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("after", ["", "\n", "\n\n\n"])
def test_a_footer_is_no_data(
    after: str, ending: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block)
    lines = ["a,b", *(f"{n},x" for n in range(50)), "", 'Total "50', "source"]
    data = ending.join(lines) + after.replace("\n", ending)

    assert [row["a"] for row in rows(data, footer_rows=3)] == [str(n) for n in range(50)]


def test_a_footer_may_be_all_there_is() -> None:
    with pytest.raises(NoRowsError):
        read("a,b\n1,2\n", footer_rows=5)


def test_a_footer_that_cannot_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footer, "_MOST_HELD_BYTES", 1000)
    monkeypatch.setattr(module, "BLOCK_BYTES", 1000)
    plan = replace(plan_of(COLUMNS, footer_rows=1), limits=Limits(max_row_bytes=100))

    with pytest.raises(RowLimitError, match="The last 1 lines"):
        list(read_chunks(io.BytesIO(b"a,b\n1,2\n" + b"\n" * 5000), plan))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_a_delimiter_that_is_not_declared_is_found(header: bool, delimiter: str) -> None:
    lines = [["a", "b"], ["1", "x, y; z"], ["2", ""]][not header :]
    data = "".join(delimiter.join(f'"{cell}"' for cell in line) + "\n" for line in lines)
    source = {} if header else {"header_rows": ()}

    assert [row["b"] for row in rows(data, **source)] == ["x, y; z", ""]


def test_a_stray_quote_in_the_first_line_of_a_file_without_a_header_is_a_finding() -> None:
    chunks = read('"1,x\n2,y\n', header_rows=())

    assert [row["a"] for row in good_rows(chunks)] == ["2"]
    assert row_numbers(chunks) == [1, 2]


@pytest.mark.parametrize(
    ("key", "packed"), [("a.TSV", False), ("a.tsv.gz", True), ("a.txt", False)]
)
def test_the_files_ending_says_what_it_is(key: str, packed: bool) -> None:
    data = b"a\tb\n1\tx,y\n"
    plan = plan_of(COLUMNS)

    source = io.BytesIO(gzip.compress(data) if packed else data)
    (row,) = good_rows(list(read_chunks(source, plan, key=key)))

    assert row["b"] == "x,y"


def test_a_header_may_be_lines_below_others() -> None:
    data = 'About "these\n\nnorth,,\n# units\na,"b\nc",\n1,2,\n'
    plan = plan_of({"north/a": "string", "b\nc": "string"}, header_rows=(3, 5), header_join="/")

    (chunk,) = read_chunks(io.BytesIO(data.encode()), plan)

    (row,) = good_rows([chunk])
    assert row == {"north/a": "1", "b\nc": "2", "_row_number": 1}
    assert chunk.line_of is not None
    assert chunk.line_of(1) == 7


def test_a_header_below_the_files_end_has_no_columns() -> None:
    with pytest.raises(MissingColumnError, match="lacks 'a', 'b'; its header has no names"):
        read("a,b\n1,2\n", header_rows=(9,))


@pytest.mark.parametrize("limit", [9, 10, 11, 1000])
def test_lines_are_counted_wherever_a_rows_limit_ends(limit: int) -> None:
    plan = replace(plan_of(COLUMNS), limits=Limits(max_row_bytes=limit))

    chunks = list(read_chunks(io.BytesIO(b"a,b\r\n" + b'"aaaa",b\r\n' * 5), plan))

    numbers = [(n, chunk.line_of) for chunk in chunks for n in row_numbers([chunk])]
    assert [(n, line_of(n)) for n, line_of in numbers if line_of] == [
        (n, n + 1) for n in range(1, 6)
    ]


def test_a_cell_of_several_lines_is_bounded_by_the_limit_of_a_row() -> None:
    cell = '"' + "x" * 20 + "\n" + "y" * 20 + '"'
    fits, short = (Limits(max_row_bytes=most) for most in (len(cell), len(cell) - 1))
    data = f"a,b\n{cell},c\n".encode()

    (row,) = good_rows(list(read_chunks(io.BytesIO(data), replace(plan_of(COLUMNS), limits=fits))))
    (chunk,) = read_chunks(io.BytesIO(data), replace(plan_of(COLUMNS), limits=short))

    assert row["a"] == cell.strip('"')
    assert [bad.raw for bad in chunk.malformed] == ['"' + "x" * 20]
