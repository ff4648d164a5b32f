from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import math
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats import writers
from pipeline.formats.writers import extension, format_writer
from pipeline.plan_steps import Write

TABLE = pa.table(
    {
        "t": pa.array(["a", None, 'é, "b"\n']).dictionary_encode(),
        "i": pa.array([1, None, -3]),
        "x": pa.array([0.5, None, float("nan")]),
        "b": pa.array([True, None, False]),
        "d": pa.array([dt.date(2013, 1, 31), None, dt.date(1969, 12, 31)]),
        "z": pa.array([0, None, -1_500_000], pa.timestamp("us", tz="UTC")),
        "l": pa.array([1_000_000, None, 0], pa.timestamp("us")),
    }
)


class Sink(io.BytesIO):
    """Sink that stays open, as an upload does."""

    def close(self) -> None:
        pass


def written(table: pa.Table, *batches: pa.Table, **write: Any) -> bytes:
    sink = Sink()
    writer = format_writer(sink, table.schema, Write(**write))
    for part in (table, *batches):
        writer.write(part)
    writer.close()
    return sink.getvalue()


@pytest.mark.parametrize(
    ("write", "ending"),
    [
        ({}, ".parquet"),
        ({"compression": "gzip"}, ".parquet"),
        ({"format": "csv"}, ".csv"),
        ({"format": "csv", "compression": "none"}, ".csv"),
        ({"format": "csv", "compression": "gzip"}, ".csv.gz"),
        ({"format": "json"}, ".jsonl"),
        ({"format": "json", "compression": "gzip"}, ".jsonl.gz"),
    ],
)
def test_extension_says_format_and_compression(write: dict[str, Any], ending: str) -> None:
    assert extension(Write(**write)) == ending


@pytest.mark.parametrize(
    ("compression", "codec"),
    [
        (None, "ZSTD"),
        ("zstd", "ZSTD"),
        ("snappy", "SNAPPY"),
        ("gzip", "GZIP"),
        ("none", "UNCOMPRESSED"),
    ],
)
def test_parquet_has_plain_types_and_the_compression_of_the_plan(
    compression: str | None, codec: str
) -> None:
    data = written(TABLE, TABLE, compression=compression)

    file = pq.ParquetFile(io.BytesIO(data))
    assert file.schema_arrow.field("t").type == pa.string()
    assert file.num_row_groups == 2
    assert file.metadata.row_group(0).column(0).compression == codec
    assert (
        file.read(["t", "i", "d", "z", "l"]).to_pylist()
        == 2 * TABLE.drop_columns(["x", "b"]).to_pylist()
    )


def encodings(data: bytes) -> dict[str, bool]:
    """Whether each column of a file's first row group has a dictionary."""
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    return {column.path_in_schema: column.has_dictionary_page for column in columns}


def numbers(rows: int) -> pa.Table:
    keys = list(range(rows))
    late = [n if n < 300 else n % 300 for n in keys]
    return pa.table(
        {
            "key": keys,
            "a.key": [n / 7 for n in keys],
            "name": [f"name {n}" for n in keys],
            "month": [1 + n % 12 for n in keys],
            "late": late,
            "town": pa.array([f"town {n % 9}" for n in keys]).dictionary_encode(),
            "street": pa.array([f"street {n}" for n in keys]).dictionary_encode(),
        }
    )


@pytest.mark.parametrize(
    ("rows", "compression", "with_dictionary"),
    [
        (512, None, {"town"}),
        (512, "snappy", {"town"}),
        (512, "none", {"key", "a.key", "name", "month", "late", "town", "street"}),
        (8191, None, {"key", "a.key", "name", "month", "late", "town", "street"}),
        (8192, None, {"month", "late", "town"}),
        (8192, "none", {"month", "late", "town"}),
    ],
)
def test_parquet_has_dictionaries_of_values_that_come_more_than_once(
    rows: int, compression: str | None, with_dictionary: set[str]
) -> None:
    table = numbers(rows)

    data = written(table, table, compression=compression)

    assert {name for name, there in encodings(data).items() if there} == with_dictionary
    assert pq.read_table(io.BytesIO(data)).to_pydict() == pa.concat_tables([table] * 2).to_pydict()


@pytest.mark.parametrize(("rows", "room"), [(60, 1), (300, 1), (20_000, 0.8)])
def test_files_without_those_dictionaries_are_shorter(rows: int, room: float) -> None:
    draw = Random(1)
    table = pa.table(
        {
            "key": list(range(rows)),
            "cents": [draw.randrange(10**7) for _ in range(rows)],
            "minute": [draw.randrange(60) for _ in range(rows)],
            "text": pa.array([draw.choice("abc") for _ in range(rows)]).dictionary_encode(),
        }
    )
    other = io.BytesIO()
    pq.write_table(table, other, compression="zstd", store_schema=False)

    assert len(written(table)) < room * len(other.getvalue())


def test_dictionaries_may_differ_within_a_file() -> None:
    parts = [pa.table({"t": pa.array([word]).dictionary_encode()}) for word in "ab"]

    data = written(pa.concat_tables(parts))

    assert pq.read_table(io.BytesIO(data)).to_pydict() == {"t": ["a", "b"]}


def test_csv_is_quoted_where_needed_with_iso_moments_and_empty_nulls() -> None:
    rows = list(csv.reader(io.StringIO(written(TABLE, format="csv").decode(), newline="")))

    assert rows[0] == TABLE.column_names
    assert rows[1][0:2] == ["a", "1"]
    assert rows[1][3:] == [
        "true",
        "2013-01-31",
        "1970-01-01T00:00:00.000000Z",
        "1970-01-01T00:00:01",
    ]
    assert rows[2] == [""] * 7
    assert rows[3][0] == 'é, "b"\n'
    assert rows[3][4:] == ["1969-12-31", "1969-12-31T23:59:58.500000Z", "1970-01-01T00:00:00"]


def test_json_lines_have_iso_moments_and_nulls_for_what_json_has_not() -> None:
    lines = written(TABLE, format="json").decode().splitlines()

    def refuse(word: str) -> None:
        raise AssertionError(word)

    first, second, third = (json.loads(line, parse_constant=refuse) for line in lines)
    assert first == {
        "t": "a",
        "i": 1,
        "x": 0.5,
        "b": True,
        "d": "2013-01-31",
        "z": "1970-01-01T00:00:00.000000Z",
        "l": "1970-01-01T00:00:01",
    }
    assert second == dict.fromkeys(TABLE.column_names)
    assert third["x"] is None
    assert dt.datetime.fromisoformat(third["z"]) == dt.datetime(
        1969, 12, 31, 23, 59, 58, 500_000, tzinfo=dt.UTC
    )


def test_json_keeps_decimals_exactly() -> None:
    table = pa.table({"m": pa.array([Decimal("0.10")], pa.decimal128(5, 2))})

    assert written(table, format="json") == b'{"m": 0.10}\n'


@pytest.mark.parametrize("format", ["csv", "json"])
def test_gzip_holds_what_the_plain_file_holds(format: str) -> None:
    packed = written(TABLE, TABLE, format=format, compression="gzip")

    assert gzip.decompress(packed) == written(TABLE, TABLE, format=format)


def test_a_table_without_rows_makes_a_file_without_rows() -> None:
    empty = TABLE.slice(0, 0)

    assert pq.read_table(io.BytesIO(written(empty))).num_rows == 0
    assert written(empty, format="csv").decode().splitlines() == ['"t","i","x","b","d","z","l"']
    assert written(empty, format="json") == b""


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"))] * 2)))
def test_any_text_written_as_csv_is_read_back(rows: list[tuple[str, str]]) -> None:
    kinds = pa.schema([("a", pa.string()), ("b", pa.string())])
    table = pa.table([[row[0] for row in rows], [row[1] for row in rows]], schema=kinds)

    text = written(table, format="csv").decode()

    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], *map(list, rows)]


def lines(table: pa.Table, **write: Any) -> list[str]:
    return written(table, **write).decode().splitlines()


def test_csv_has_the_declared_delimiter_and_word_for_no_value() -> None:
    table = pa.table({"t": ["a;b", None, "NA"], "n": [1, None, 3]})

    assert lines(table, format="csv", delimiter=";", null_text="NA") == [
        '"t";"n"',
        '"a;b";1',
        "NA;NA",
        '"NA";3',
    ]


@pytest.mark.parametrize("values", [["x", None], [1, None], [0.5, None], [True, None]])
def test_no_value_is_no_empty_line_in_a_file_of_one_column(values: list[Any]) -> None:
    found = lines(pa.table({"c": values}), format="csv")

    assert found[2] == '""'
    assert list(csv.reader(found))[2] == [""]


def test_moments_are_written_in_the_declared_patterns() -> None:
    table = TABLE.select(["d", "z"])
    patterns = {"date_format": "d.M.yyyy", "timestamp_format": "HH:mm:ss.S"}

    assert lines(table, format="csv", **patterns)[1:] == [
        '"31.1.2013","00:00:00.0"',
        ",",
        '"31.12.1969","23:59:58.5"',
    ]
    assert [json.loads(line) for line in lines(table, format="json", **patterns)] == [
        {"d": "31.1.2013", "z": "00:00:00.0"},
        {"d": None, "z": None},
        {"d": "31.12.1969", "z": "23:59:58.5"},
    ]


# The characters are those of OWASP's page on CSV injection.
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
@pytest.mark.parametrize("encoded", [True, False])
def test_formulas_are_made_text(sign: str, encoded: bool) -> None:
    texts = pa.array([f"{sign}1", f"a{sign}1", "", None] * 3)
    table = pa.table({"t": texts.dictionary_encode() if encoded else texts, "n": [-1] * 12})

    found = written(table, format="csv", formula_guard=True).decode()

    rows = list(csv.reader(io.StringIO(found, newline="")))[1:5]
    assert rows == [[f"'{sign}1", "-1"], [f"a{sign}1", "-1"], ["", "-1"], ["", "-1"]]


JSON_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "t": st.none() | st.text(st.characters(codec="utf-8")),
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "x": st.none() | st.floats(),
            "b": st.none() | st.booleans(),
            'odd "name\n': st.none() | st.sampled_from(["x", "y"]),
        }
    ),
    min_size=1,
)


JSON_SCHEMA = pa.schema(
    {
        "t": pa.string(),
        "i": pa.int64(),
        "x": pa.float64(),
        "b": pa.bool_(),
        'odd "name\n': pa.string(),
    }
)


@given(JSON_ROWS, st.booleans())
def test_any_row_written_as_json_is_read_back(rows: list[dict[str, Any]], encoded: bool) -> None:
    table = pa.Table.from_pylist(rows, JSON_SCHEMA)
    if encoded:
        table = table.set_column(0, "t", table.column("t").dictionary_encode())

    text = written(table, format="json").decode()

    def same(value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    found = [json.loads(line) for line in text.split("\n")[:-1]]
    assert found == [{name: same(value) for name, value in row.items()} for row in rows]
    assert [type(row["x"]) for row in found] == [type(same(row["x"])) for row in rows]


def test_json_has_bytes_in_base_64() -> None:
    table = pa.table({"b": pa.array([b"\xff\x00", None], pa.binary())})

    assert written(table, format="json") == b'{"b": "/wA="}\n{"b": null}\n'
    assert lines(table.append_column("n", pa.array([1, 2])), format="csv")[1:] == ['"/wA=",1', ",2"]


@given(
    st.lists(st.lists(st.none() | st.text("abé", max_size=3), max_size=6), min_size=1, max_size=4)
)
def test_parquet_holds_the_same_text_whether_it_repeats_or_not(parts: list[list[Any]]) -> None:
    tables = [pa.table({"t": pa.array(part, pa.string()).dictionary_encode()}) for part in parts]

    made = pq.read_table(io.BytesIO(written(*tables)))

    assert made.schema == pa.schema({"t": pa.string()})
    assert made.column("t").to_pylist() == [text for part in parts for text in part]


def test_parquet_without_rows_is_a_file_with_columns() -> None:
    sink = Sink()
    format_writer(sink, TABLE.schema, Write()).close()

    assert pq.read_table(io.BytesIO(sink.getvalue())).num_rows == 0
    assert pq.read_schema(io.BytesIO(sink.getvalue())).names == TABLE.schema.names


def test_parquet_tells_readers_what_values_a_row_group_has() -> None:
    # GIVEN more rows than are encoded at a time
    table = pa.table({"n": range(40_000), "t": pa.array(["b", "a"] * 20_000).dictionary_encode()})

    # WHEN
    group = pq.ParquetFile(io.BytesIO(written(table))).metadata.row_group(0)

    # THEN
    numbers, texts = group.column(0).statistics, group.column(1).statistics
    assert (numbers.min, numbers.max, numbers.null_count) == (0, 39_999, 0)
    assert (texts.min, texts.max, texts.null_count) == ("a", "b", 0)


@pytest.mark.parametrize(("letters", "rows"), [(1, 16 * 1024), (10_000, 1024)])
def test_rows_of_wide_text_are_encoded_in_pieces_as_small_as_by_default(
    letters: int, rows: int
) -> None:
    table = pa.table({"n": range(2_000), "t": ["x" * letters] * 2_000})

    assert writers._rows_at_once(table) == rows
