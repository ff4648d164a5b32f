from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats.writers import extension, format_writer
from pipeline.plan import Write

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
def test_extension_says_format_and_compression(write: dict[str, str], ending: str) -> None:
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
        "z": "1970-01-01T00:00:00+00:00",
        "l": "1970-01-01T00:00:01",
    }
    assert second == dict.fromkeys(TABLE.column_names)
    assert third["x"] is None
    assert dt.datetime.fromisoformat(third["z"]) == dt.datetime(
        1969, 12, 31, 23, 59, 58, 500_000, tzinfo=dt.UTC
    )


def test_json_keeps_decimals_exactly() -> None:
    table = pa.table({"m": pa.array([Decimal("0.10")], pa.decimal128(5, 2))})

    assert json.loads(written(table, format="json")) == {"m": "0.10"}


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
