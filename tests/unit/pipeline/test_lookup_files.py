from __future__ import annotations

import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lookup_files import (
    UnusableTableError,
    logical_type,
    lookup_table,
    one_row_each,
    repeated_keys,
    typed,
)
from pipeline.plan_steps import Duplicates


def table_of(text: str | bytes, *expected: str, **words: Any) -> pa.Table:
    data = text if isinstance(text, bytes) else text.encode()
    return lookup_table(data, **{"expected": expected, "missing": [""], **words})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_under_which_the_header_names_the_columns(delimiter: str) -> None:
    text = f'k{delimiter}"v,w;x"\nA{delimiter}1\n'

    assert table_of(text, "k", "v,w;x").to_pylist() == [{"k": "A", "v,w;x": "1"}]


def test_of_one_column_expected_the_delimiter_that_makes_most_columns_is_taken() -> None:
    assert table_of("k;a,b;c\n1;2;3\n").column_names == ["k", "a,b", "c"]


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_may_be_packed_have_a_byte_order_mark_and_cells_of_several_lines(
    packed: bool,
) -> None:
    data = '\ufeffk,v\r\n"A\nB",é\r\n'.encode()

    found = table_of(gzip.compress(data) if packed else data, "k")

    assert found.to_pylist() == [{"k": "A\nB", "v": "é"}]


def test_parquet_is_known_by_its_first_bytes() -> None:
    sink = io.BytesIO()
    moments = pa.array([0], pa.timestamp("ms"))
    pq.write_table(pa.table({"k": pa.array(["A"]).dictionary_encode(), "at": moments}), sink)

    found = table_of(sink.getvalue())

    assert [str(kind) for kind in found.schema.types] == ["string", "timestamp[us]"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cannot be read: Empty CSV file"),
        (b"k,k\n1,2\n", "names 'k' twice"),
        (b"k,v\n1\n", "cannot be read: CSV parse error"),
        (b"k\n\xff\n", "cannot be read: .*UTF8"),
        (b"\xff\n1\n", "cannot be read: .*utf-8"),
        (b"\x1f\x8b\x08", "cannot be read"),
        (b"PAR1", "cannot be read"),
    ],
)
def test_what_is_no_table_is_told(data: bytes, said: str) -> None:
    with pytest.raises(UnusableTableError, match=said):
        table_of(data)


def test_text_is_typed_by_the_contract_s_rules() -> None:
    kinds = {
        "i": pa.int64(),
        "s": pa.int16(),
        "m": pa.decimal128(20, 2),
        "at": pa.timestamp("us", tz="UTC"),
        "local": pa.timestamp("us"),
    }
    text = "i,s,m,at,local\n007,3,123456789012345678.90,2013-01-31T12:00:00Z,2013-01-31T12:00:00\n"

    found = typed(table_of(text), kinds)

    assert dict(zip(found.schema.names, found.schema.types, strict=True)) == kinds
    assert [str(found.column(name)[0]) for name in ("i", "s", "m")] == [
        "7",
        "3",
        "123456789012345678.90",
    ]


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        (pa.int64(), "1.0", r"row 1 has '1.0' as v, which is no integer"),
        (pa.int8(), "300", "column v is int64, not int8"),
        (pa.date32(), "31.1.2013", "no date"),
    ],
)
def test_a_value_of_another_type_is_told(kind: pa.DataType, cell: str, said: str) -> None:
    with pytest.raises(UnusableTableError, match=said):
        typed(table_of(f"k,v\nA,{cell}\n"), {"v": kind})


def test_a_column_that_is_missing_is_told() -> None:
    with pytest.raises(UnusableTableError, match="no column 'w'; there are: k, v"):
        typed(table_of("k,v\n"), {"k": pa.string(), "w": pa.string()})


@pytest.mark.parametrize(
    ("kind", "logical"),
    [
        (pa.int8(), "integer"),
        (pa.decimal128(3, 1), "number"),
        (pa.float32(), "number"),
        (pa.timestamp("us"), "timestamp"),
        (pa.time64("us"), "time"),
        (pa.bool_(), "boolean"),
        (pa.date32(), "date"),
        (pa.string(), "string"),
        (pa.binary(), ""),
    ],
)
def test_arrow_types_have_their_logical_type(kind: pa.DataType, logical: str) -> None:
    assert logical_type(kind) == logical


ENTRIES = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, None]), st.integers(0, 3))
)
WAYS = st.sampled_from(
    [
        None,
        Duplicates("first"),
        Duplicates("last"),
        Duplicates("first", "n"),
        Duplicates("last", "n"),
        Duplicates("first", "-n"),
        Duplicates("last", "-n"),
    ]
)


@given(ENTRIES, WAYS)
def test_each_key_has_the_row_that_counts(
    entries: list[tuple[str | None, int | None, int]], which: Duplicates | None
) -> None:
    table = pa.table(
        {
            "k": pa.array([entry[0] for entry in entries], pa.string()),
            "n": pa.array([entry[1] for entry in entries], pa.int64()),
            "v": pa.array(range(len(entries)), pa.int64()),
        }
    )
    order = (which.order_by or "") if which else ""
    last = which is not None and which.keep == "last"
    expected = {}
    for key in {entry[0] for entry in entries} - {None}:
        rows = [at for at, entry in enumerate(entries) if entry[0] == key]
        if order:
            valued = [at for at in rows if entries[at][1] is not None]
            sign = -1 if order.startswith("-") else 1
            rows = sorted(valued, key=lambda at: sign * (entries[at][1] or 0)) or rows
        expected[key] = rows[-1 if last else 0]

    found = one_row_each(table, ["k"], which)

    assert dict(zip(*(found.column(name).to_pylist() for name in "kv"), strict=True)) == expected
    assert found.column("v").to_pylist() == sorted(expected.values())


@given(ENTRIES)
def test_repeated_keys_are_counted(entries: list[tuple[str | None, int | None, int]]) -> None:
    table = pa.table(
        {
            "k": pa.array([entry[0] for entry in entries], pa.string()),
            "n": pa.array([entry[1] for entry in entries], pa.int64()),
        }
    )
    keys = [entry[:2] for entry in entries if None not in entry[:2]]
    repeated = {key for key in keys if keys.count(key) > 1}

    found = repeated_keys(table, ["k", "n"])

    assert (found.count if found else 0) == len(repeated)
    assert found is None or tuple(found.example.values()) in repeated
