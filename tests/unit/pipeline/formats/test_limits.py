"""Rows and columns at their limits, one below and one above."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import formats
from pipeline.errors import (
    ColumnLimitError,
    DataError,
    EmptyFileError,
    FileLimitError,
    MalformedCsvError,
    MalformedJsonError,
    NestingLimitError,
    NoRowsError,
    RowLimitError,
)
from pipeline.formats import RawChunk, csv_rows, json_array, text
from pipeline.formats import csv as csv_module
from pipeline.formats import json as json_module
from pipeline.formats.limits import nesting
from pipeline.formats.readers import read_chunks
from pipeline.plan_contract import Limits
from tests.unit.pipeline.support import Drip, good_rows, plan_of, row_numbers


def read(
    data: str | bytes, columns: str = "ab", *, size: int = 1 << 22, kind: str = "csv", **limits: int
) -> list[RawChunk]:
    encoded = data.encode() if isinstance(data, str) else data
    plan = plan_of(dict.fromkeys(columns, "string"), format=kind)
    return list(read_chunks(Drip(encoded, size), replace(plan, limits=Limits(**limits))))


def column(chunks: list[RawChunk], name: str) -> list[Any]:
    return [row[name] for row in good_rows(chunks)]


def malformed(chunks: list[RawChunk]) -> list[tuple[int, str]]:
    return [(bad.row_number, bad.raw) for chunk in chunks for bad in chunk.malformed]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [7, 100, 1 << 22])
def test_a_csv_line_may_have_as_many_bytes_as_the_limit(ending: str, size: int) -> None:
    lines = ["a,b", "1,2", "é" * 47 + ",1234é", "3,4", ""]
    assert len(lines[2].encode()) == 101

    assert len(column(read(ending.join(lines), size=size, max_row_bytes=101), "a")) == 3
    with pytest.raises(RowLimitError) as raised:
        read(ending.join(lines), size=size, max_row_bytes=100)

    begin = len(ending.join(lines[:2]) + ending) + 1
    assert f"The line that begins at byte {begin} of the text has more than 100 bytes" in str(
        raised.value
    )
    assert "raise `limits.maxRowBytes` in the contract's customProperties" in raised.value.remedy
    assert (raised.value.limit, raised.value.allowed) == ("maxRowBytes", 100)


@pytest.mark.parametrize("last", ["", "\n"])
def test_the_last_line_is_limited_too(last: str) -> None:
    data = '{"a":"1"}\n{"a":"' + "x" * 92 + '"}' + last

    assert len(column(read(data, "a", kind="json", max_row_bytes=100), "a")) == 2
    with pytest.raises(RowLimitError, match="begins at byte 11"):
        read(data, "a", kind="json", max_row_bytes=99)


@pytest.mark.parametrize("filler", ["x", "é", "\U0001f600"])
def test_an_element_of_a_json_array_may_have_as_many_bytes_as_the_limit(filler: str) -> None:
    element = json.dumps({"a": filler * 20}, ensure_ascii=False)
    bytes_ = len(element.encode())
    data = f'[{{"a": "1"}},\n {element} , {{"a": "2"}}]'

    assert len(column(read(data, "a", kind="json", max_row_bytes=bytes_), "a")) == 3
    with pytest.raises(RowLimitError, match="element that begins at character 15 of"):
        read(data, "a", kind="json", max_row_bytes=bytes_ - 1)


def test_a_json_array_on_one_line_is_no_row() -> None:
    data = json.dumps([{"a": str(n)} for n in range(1000)])

    assert len(column(read(data, "a", kind="json", max_row_bytes=20), "a")) == 1000


@pytest.mark.parametrize("kind", ["csv", "lines", "array"])
def test_rows_larger_than_a_block_are_read_where_the_contract_allows_them(kind: str) -> None:
    block = 4096
    long = [f"{n}" * size for n, size in enumerate([1, 9000, 3, 9990, 9990, 5, 9980], start=1)]
    lines = [json.dumps({"a": cell, "b": ""}) for cell in long]
    data = {
        "csv": "a,b\n" + "".join(f"{cell},\n" for cell in long),
        "lines": "\n".join(lines),
        "array": "[" + ",".join(lines) + "]",
    }[kind]

    with (
        mock.patch.multiple(text, BLOCK_BYTES=block),
        mock.patch.multiple(csv_module, BLOCK_BYTES=block),
        mock.patch.multiple(json_module, BLOCK_BYTES=block),
        mock.patch.multiple(json_array, BLOCK_BYTES=block),
    ):
        chunks = read(data, kind="csv" if kind == "csv" else "json", max_row_bytes=10_020)

    assert column(chunks, "a") == long


def test_a_row_of_six_megabytes_is_read_where_the_contract_allows_eight() -> None:
    long = "x" * 6_000_000
    short = "1," + "y" * 998 + "\n"
    data = "a,b\n" + short * 5000 + f"{long},3\n" + short * 5000

    chunks = read(data, max_row_bytes=8 * 1024**2)

    assert [len(row) for row in column(chunks, "a") if len(row) > 1] == [6_000_000]
    assert sum(chunk.rows for chunk in chunks) == 10_001
    with pytest.raises(RowLimitError):
        read(data)


@pytest.mark.parametrize("names", [5, 500])
def test_a_header_may_have_as_many_columns_as_the_limit(names: int) -> None:
    header = ["a", '"b"', *(f'"c,{n}"' for n in range(names - 2))]
    data = ",".join(header) + "\n" + "1," * (names - 1) + "1\n"

    assert column(read(data, max_columns=names), "b") == ["1"]
    with pytest.raises(ColumnLimitError) as raised:
        read(data, max_columns=names - 1)

    assert f"names {names} columns or more (the delimiter is ',')" in str(raised.value)
    assert (raised.value.limit, raised.value.allowed) == ("maxColumns", names - 1)


def test_a_header_may_be_as_long_as_a_row() -> None:
    names = [f"{n:0100}" for n in range(2000)]
    data = ",".join(["a", "b", *names]) + "\n1,2" + "," * len(names) + "\n"

    assert column(read(data), "b") == ["2"]
    with pytest.raises(RowLimitError, match=r"^The header has more than 200,000 bytes"):
        read(data.replace("\n", "x"), max_row_bytes=200_000)


def test_a_quoted_header_may_have_several_lines() -> None:
    (chunk,) = read('\n"a","x\ny",b\n1,2,3\n')

    assert [(row["a"], row["b"]) for row in good_rows([chunk])] == [("1", "3")]
    assert chunk.line_of is not None
    assert chunk.line_of(1) == 4


def test_a_name_of_any_length_is_shown_in_part() -> None:
    with pytest.raises(DataError) as raised:
        read("x" * 100_000 + ",b\n1,2\n")

    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("blank", ["\n" * 300_000, "\r\n" * 100_000, " \n" * 200_000])
@pytest.mark.parametrize(
    ("data", "kind"), [("a,b\n1,2\n", "csv"), ('{"a": "1"}', "json"), ('[{"a": "1"}]', "json")]
)
def test_any_number_of_blank_lines_may_come_first(blank: str, data: str, kind: str) -> None:
    assert column(read(blank + data, "a", kind=kind), "a") == ["1"]


@pytest.mark.parametrize("block", [64, 1 << 22])
@pytest.mark.parametrize("padding", [0, 1])
def test_malformed_rows_come_in_chunks_with_the_rows_around_them(
    padding: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (formats, csv_rows):
        monkeypatch.setattr(module, "CHUNK_ROWS", 10)
    monkeypatch.setattr(csv_module, "BLOCK_BYTES", block)
    lines = [f"{n}" if n % 7 in (3, 4) else f"{n},{n}" for n in range(1, 300)]
    lines = [f"{n}" for n in range(-24, 1)] * padding + lines

    chunks = read("a,b\n" + "\n".join(lines), max_row_bytes=50)

    passed = 0
    for chunk in chunks:
        assert 0 < chunk.rows <= 10
        assert row_numbers([chunk]) == list(range(passed + 1, passed + chunk.rows + 1))
        passed += chunk.rows
    assert passed == len(lines)
    assert column(chunks, "a") == [line.split(",")[0] for line in lines if "," in line]
    assert malformed(chunks) == [(n, line) for n, line in enumerate(lines, 1) if "," not in line]


@pytest.mark.parametrize("typed", [True, False])
def test_json_rows_come_in_chunks(typed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_module, "CHUNK_ROWS", 10)
    rows = [{"a": f"{n}" if typed else n} for n in range(95)]

    chunks = read("".join(f"{json.dumps(row)}\n" for row in rows), "a", kind="json")

    assert [chunk.rows for chunk in chunks] == [10] * 9 + [5]
    assert row_numbers(chunks) == list(range(1, 96))
    assert column(chunks, "a") == [str(row["a"]) for row in rows]
    raw = [chunk.raw_of(n) for chunk in chunks for n in row_numbers([chunk]) if chunk.raw_of]
    assert raw == rows


def test_a_file_of_one_column_may_begin_with_malformed_rows() -> None:
    chunks = read("a\n1,2\n3\n4,5\n", "a")

    assert column(chunks, "a") == ["3"]
    assert malformed(chunks) == [(1, "1,2"), (3, "4,5")]


def test_a_cell_of_several_lines_in_a_row_that_does_not_fit_is_pointed_to() -> None:
    (chunk,) = read('a,b\n1,2\n3,"4\nfive\n6",7\n8,9\n')

    (bad,) = chunk.malformed
    assert (bad.row_number, bad.line, bad.raw) == (2, 3, '3,"4\nfive\n6",7')
    assert bad.violations[0].message.endswith("3 instead of 2; its quotes hold 3 lines together")
    assert row_numbers([chunk]) == [1, 2, 3]


def deep(levels: int, opening: str = "[") -> str:
    """JSON of so many levels, in a row that is one more."""
    if opening == "[":
        return '{"z":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"
    return '{"z":' + '{"y":' * (levels - 1) + "1" + "}" * levels


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("opening", ["[", "{"])
@pytest.mark.parametrize("levels", [6, 100, 900, 1100, 100_000])
def test_a_row_nested_too_deeply_is_rejected(levels: int, opening: str, array: bool) -> None:
    rows = ['{"a":"1"}', deep(5, opening), deep(levels, opening), '{"a":"2"}']
    data = "[" + ", ".join(rows) + "]" if array else "\n".join(rows)

    chunks = read(data, "a", kind="json", max_nesting=5)

    assert column(chunks, "a") == ["1", None, "2"]
    assert malformed(chunks) == [(3, rows[2])]
    (violation,) = chunks[0].malformed[0].violations
    assert violation.rule == "syntax"
    assert violation.message == "the line is nested deeper than 5 levels (limits.maxNesting)"
    json.dumps(chunks[0].malformed[0].to_json())


@pytest.mark.parametrize("block", range(4020, 4040))
def test_the_end_of_a_deep_element_is_found_wherever_blocks_end(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_array, "BLOCK_BYTES", block)
    deepest = '{"z":' + "[" * 2000 + '"' + "]" * 2010 + '\\" } ]' + '"' + "]" * 2000 + "}"

    chunks = read(f'[{{"a":"1"}},{deepest},{{"a":"2"}}]', "a", kind="json")

    assert column(chunks, "a") == ["1", "2"]
    assert malformed(chunks) == [(2, deepest)]


@pytest.mark.parametrize("levels", [100, 200])
def test_nesting_up_to_the_limit_is_read_and_can_be_written_again(levels: int) -> None:
    for row in (deep(levels), deep(levels, "{")):
        (chunk,) = read(f'{row}\n{{"a": 1}}\n', "a", kind="json", max_nesting=200)

        assert chunk.raw_of is not None
        assert json.dumps(chunk.raw_of(1), separators=(",", ":")) == row


def test_brackets_in_text_are_not_nesting() -> None:
    rows = [{"a": "[" * 500 + '"\\' + "{" * 500}, {"a": "\\" * 7 + '"['}, {"a": "é]"}]

    chunks = read("\n".join(map(json.dumps, rows)), "a", kind="json")

    assert column(chunks, "a") == [row["a"] for row in rows]


@pytest.mark.parametrize("array", [False, True])
def test_a_file_whose_first_rows_are_all_too_deep_is_refused(array: bool) -> None:
    rows = [deep(101)] * 3
    data = "[" + ",".join(rows) + "]" if array else "\n".join(rows) + "\n"

    with pytest.raises(NestingLimitError, match=r"first 3 rows are nested too deeply.* is 100"):
        read(data, "a", kind="json")


@pytest.mark.parametrize("data", ["[" * 100_000, '[{"a":' * 100_000, '[{"a":"1"}, ' + "[" * 2000])
def test_an_array_that_breaks_off_in_the_depths_is_too_deep(data: str) -> None:
    with pytest.raises(
        NestingLimitError, match=r"character .* is nested too deeply, and breaks off"
    ):
        read(data, "a", kind="json")


JSON = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\é, :'),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text('["\\'), inner, max_size=2),
    max_leaves=8,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_nesting_is_that_of_the_parsed_value(value: Any, ascii_only: bool, indent: int) -> None:
    assert nesting(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()) == depth(
        value
    )


LIMITS = st.sampled_from([16, 40, 100, 4096])
BLOCKS = st.sampled_from([16, 64, 257, 1 << 22])
CSV_TEXT = st.text(st.sampled_from('ab12,,\n\n\r"é '), max_size=120)


@given(CSV_TEXT, LIMITS, BLOCKS, st.integers(1, 50))
def test_any_csv_text_gives_the_standard_librarys_rows_or_a_named_error(
    body: str, limit: int, block: int, size: int
) -> None:
    data = "a,b\n" + body
    records = [row for row in csv.reader(io.StringIO(data, newline="")) if row][1:]
    with (
        mock.patch.multiple(csv_module, BLOCK_BYTES=block),
        mock.patch.multiple(text, BLOCK_BYTES=block),
    ):
        try:
            chunks = read(data, size=size, max_row_bytes=limit)
        except NoRowsError:
            assert not records
            return
        except RowLimitError:
            assert max(len(line.encode()) for line in data.splitlines()) > limit
            return
        except MalformedCsvError:
            assert '"' in body
            return

    if '"' not in body:
        assert [[row["a"], row["b"]] for row in good_rows(chunks)] == [
            row for row in records if len(row) == 2
        ]
    rows = row_numbers(chunks)
    assert rows == list(range(1, len(rows) + 1))
    if body.count('"') == 0:
        assert len(rows) == len(records)


SEVERAL = '{"a": "x"}{"a": "y"}'
"""A malformed line; as the only line, or the beginning of a line without an end, it is two rows."""
LINE = st.one_of(
    st.fixed_dictionaries({"a": st.text(max_size=20)}).map(json.dumps),
    st.integers(1, 9).map(deep),
    st.sampled_from(["", "  ", "nonsense", "[1]", '{"a": 5}', '{"a"', SEVERAL]),
)


def expected_row(line: str) -> dict[str, Any] | None:
    """Row of a line as the standard library reads it; None for a malformed one."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and depth(row) <= 5 else None


@given(st.lists(LINE, max_size=12), LIMITS, BLOCKS, st.integers(1, 50))
def test_any_json_lines_give_the_standard_librarys_rows_or_a_named_error(
    lines: list[str], limit: int, block: int, size: int
) -> None:
    data = "\n".join(lines)
    rows = [expected_row(line) for line in lines if line.strip()]
    if data.lstrip().startswith(("[", SEVERAL)):
        return
    with (
        mock.patch.multiple(json_module, BLOCK_BYTES=block),
        mock.patch.multiple(text, BLOCK_BYTES=block),
    ):
        try:
            chunks = read(data, "a", kind="json", size=size, max_row_bytes=limit, max_nesting=5)
        except (EmptyFileError, NoRowsError):
            assert not rows
            return
        except RowLimitError:
            assert max(map(len, lines)) > limit
            return
        except (MalformedJsonError, NestingLimitError):
            assert rows[0] is None
            return

    assert max(map(len, lines)) <= limit
    raw = {
        n: chunk.raw_of(n)
        for chunk in chunks
        for n in row_numbers([chunk])
        if chunk.raw_of and n not in dict(malformed([chunk]))
    }
    assert raw == {n: row for n, row in enumerate(rows, 1) if row is not None}
    assert [n for n, _ in malformed(chunks)] == [n for n, row in enumerate(rows, 1) if row is None]


ELEMENT = st.one_of(
    st.fixed_dictionaries({"a": st.text(max_size=20)}),
    st.just({"a": "1", "z": [[[[[[[1]]]]]]]}),
    st.just(5),
)


@given(
    st.lists(ELEMENT, max_size=10),
    st.fixed_dictionaries({"indent": st.sampled_from([None, 1]), "ensure_ascii": st.booleans()}),
    st.integers(0, 60),
    LIMITS,
    BLOCKS,
)
def test_any_json_array_gives_the_standard_librarys_rows_or_a_named_error(
    elements: list[Any], style: dict[str, Any], cut: int, limit: int, block: int
) -> None:
    data = json.dumps(elements, **style)
    data = data[: len(data) - cut] or "["
    try:
        complete = json.loads(data) == elements
    except ValueError:
        complete = False
    with (
        mock.patch.multiple(json_array, BLOCK_BYTES=block),
        mock.patch.multiple(text, BLOCK_BYTES=block),
    ):
        try:
            chunks = read(data, "a", kind="json", max_row_bytes=limit, max_nesting=5)
        except NoRowsError:
            assert elements == []
            return
        except FileLimitError as error:
            assert error.limit == "maxNesting" or len(data.encode()) > limit
            return
        except MalformedJsonError:
            assert not complete or not isinstance(elements[0], dict)
            return

    assert complete
    good = [item for item in elements if isinstance(item, dict) and depth(item) <= 5]
    assert column(chunks, "a") == [item["a"] for item in good]
    assert row_numbers(chunks) == list(range(1, len(elements) + 1))
