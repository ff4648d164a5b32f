from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from pipeline.authoring.frame_schema import BindingError, bound_types, columns_read

COLUMNS = {"a": pa.string(), "n": pa.int64(), "x": pa.float64(), "Mixed Case": pa.int64()}


@pytest.mark.parametrize(
    "sql",
    [
        "n + 1",
        "n / 2",
        "n // 2",
        "upper(a)",
        "length(a)",
        "CASE WHEN n > 1 THEN 'x' END",
        "TRY_CAST(a AS DATE)",
        "n BETWEEN 1 AND 2 OR x IS NULL",
        "coalesce(x, n)",
        'make_date(2013, n, "Mixed Case")',
        "DATE '2013-01-31' + INTERVAL 1 DAY",
    ],
)
def test_types_are_those_that_duckdb_gives_to_rows(sql: str) -> None:
    table = pa.table({name: pa.array([None], kind) for name, kind in COLUMNS.items()})
    expected = duckdb.from_arrow(table).query("batch", f"SELECT {sql} AS made FROM batch")

    assert bound_types({"made": sql}, COLUMNS) == {"made": expected.to_arrow_table().schema[0].type}


def test_later_expressions_may_use_earlier_names() -> None:
    assert bound_types({"m": "n * 2", "k": "m > 1"}, COLUMNS)["k"] == pa.bool_()


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("n + 1", ["n"]),
        ("N + length(A)", ["a", "n"]),
        ('"Mixed Case" + x', ["x", "Mixed Case"]),
        ("CASE WHEN n > 1 THEN a END", ["a", "n"]),
        ("n + a.upper().length()", ["a", "n"]),
        ("batch.n.abs()", ["n"]),
        ("1", ["a"]),
    ],
)
def test_columns_read_stand_in_the_frames_order(sql: str, read: list[str]) -> None:
    assert columns_read({"made": sql}, COLUMNS) == read


def test_a_column_may_be_called_like_a_clock() -> None:
    columns = {"current_date": pa.int64()}

    assert bound_types({"m": "current_date + 1"}, columns) == {"m": pa.int64()}


def test_a_misspelt_column_is_named_in_one_sentence() -> None:
    with pytest.raises(BindingError, match='"nn" not found') as raised:
        bound_types({"m": "nn + 1"}, COLUMNS)

    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) <= 400
