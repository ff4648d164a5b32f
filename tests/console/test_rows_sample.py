"""The first rows of an output file, in each format, read from its beginning only."""

from __future__ import annotations

import gzip
import io
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from console.reading.outputs import partition
from console.reading.sample import sample
from pipeline.manifest import OutputFile

if TYPE_CHECKING:
    from console.reading.sample import Sample
    from pipeline.plan import Plan


class FakeObject:
    """One object, which counts what is asked of it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.asked: list[dict[str, Any]] = []
        self.read = 0

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        first, last = asked["Range"].removeprefix("bytes=").split("-")
        part = self._body[int(first) : int(last) + 1]
        self.read += len(part)
        return {"Body": io.BytesIO(part)}


def file_of(body: bytes, name: str) -> OutputFile:
    return OutputFile("out", f"processed/flights/{name}", "v1", "e", len(body), 1)


def taken(body: bytes, name: str, plan: Plan | None = None, hidden: str | None = None) -> Sample:
    stored: Any = FakeObject(body)
    return sample(stored, file_of(body, name), plan, lambda column: column == hidden)


def shows_all(_column: str) -> bool:
    return False


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def texts(found: Sample) -> list[list[str]]:
    return [[cell.text for cell in row] for row in found.rows]


def test_parquet_shows_types_and_nulls() -> None:
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int16()),
            "a.b": ["<b>", ""],
            "day": [date(2013, 1, 2), None],
            "price": [Decimal("1.50"), None],
        }
    )
    found = taken(parquet(table), "a.parquet")
    assert found.names == ("n", "a.b", "day", "price")
    assert found.types == ("int16", "string", "date32[day]", "decimal128(3, 2)")
    assert texts(found) == [["1", "<b>", "2013-01-02", "1.50"], ["null", '""', "null", "null"]]
    assert found.rows[1][0].kind == "null"


def test_parquet_without_rows_has_columns() -> None:
    found = taken(parquet(pa.table({"a": pa.array([], pa.int8())})), "a.parquet")
    assert (found.names, found.rows, found.trouble) == (("a",), (), "")


def test_of_a_large_parquet_file_little_is_read() -> None:
    noise = np.random.default_rng(1)
    columns = {f"c{n}": noise.random(20_000) for n in range(60)}
    body = parquet(pa.table(columns), use_dictionary=False, data_page_size=8192)
    assert len(body) > 9_000_000
    stored = FakeObject(body)
    found = sample(stored, file_of(body, "a.parquet"), None, shows_all)
    assert (len(found.names), found.columns, len(found.rows)) == (30, 60, 20)
    assert found.rows[19][29].text == str(columns["c29"][19])
    assert all(one["VersionId"] == "v1" for one in stored.asked)
    # A block for each half of the columns that are shown would be 30 * 256 kB; they overlap.
    assert stored.read < 6_000_000


@pytest.mark.parametrize("packed", [False, True])
def test_csv_shows_the_first_rows_as_they_are_written(packed: bool) -> None:
    text = 'a;b\n1;"x\ny"\n;z\n' + "2;3\n" * 30
    body = gzip.compress(text.encode()) if packed else text.encode()
    found = taken(body, "a.csv.gz" if packed else "a.csv")
    assert found.names == ("a", "b")
    assert texts(found)[:2] == [["1", '"x\\ny"'], ["null", "z"]]
    assert len(found.rows) == 20


def test_json_lines_show_what_a_row_lacks_as_null(weather: Plan) -> None:
    body = b'{"origin": "EWR", "temp": 1.5}\n{"origin": null, "more": [1]}\n'
    found = taken(body, "a.jsonl", weather)
    assert found.names == ("origin", "temp", "more")
    assert found.types == ("string", "double", "")
    assert texts(found) == [["EWR", "1.5", "null"], ["null", "null", "[1]"]]


def test_of_a_large_text_file_the_beginning_is_read() -> None:
    body = b"a,b\n" + b"1,2\n" * 1_000_000
    stored = FakeObject(body)
    found = sample(stored, file_of(body, "a.csv"), None, shows_all)
    assert stored.read == 1_000_000
    assert texts(found)[19] == ["1", "2"]


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl"])
def test_values_of_hidden_columns_are_masked_and_nulls_are_not(name: str) -> None:
    body = {
        "a.parquet": parquet(pa.table({"id": ["1", "2"], "secret": ["Jane", None]})),
        "a.csv": b"id,secret\n1,Jane\n2,\n",
        "a.jsonl": b'{"id": "1", "secret": "Jane"}\n{"id": "2"}\n',
    }[name]
    found = taken(body, name, hidden="secret")
    assert texts(found) == [["1", "***"], ["2", "null"]]
    assert found.are_masked
    assert not taken(body, name, hidden="other").are_masked


def test_a_wide_file_shows_its_first_columns() -> None:
    body = ",".join(f"c{n}" for n in range(500)).encode() + b"\n" + b",".join([b"1"] * 500)
    found = taken(body, "a.csv")
    assert (len(found.names), len(found.rows[0]), found.columns) == (100, 100, 500)


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.csv.gz"])
def test_what_cannot_be_read_is_said(name: str) -> None:
    assert "cannot be read" in taken(b"no such thing\n" * 9, name).trouble


def test_a_deleted_file_is_said() -> None:
    class Gone:
        def get_object(self, **_asked: Any) -> Any:
            raise ClientError({"Error": {"Code": "NoSuchVersion"}}, "GetObject")

    found = sample(Gone(), file_of(b"x", "a.csv"), None, shows_all)
    assert "deleted" in found.trouble


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("processed/flights/month=1/origin=a%20b/x.parquet", "month=1, origin=a b"),
        ("processed/flights/x.parquet", "x.parquet"),
    ],
)
def test_a_file_is_called_by_its_partition(key: str, words: str) -> None:
    assert partition(OutputFile("out", key, None, "", 1, 1), "flights") == words
