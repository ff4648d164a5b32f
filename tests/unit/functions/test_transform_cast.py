"""Transform's cast: another type for a column, and no value that changes in silence."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.transform.core import TransformState, transform
from tests.unit.pipeline.support import batch_with

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from tests.unit.functions.conftest import PlanOf

REFUSED = object()
TEXT, NUMBER, INTEGER = "string", "number", "integer"
DATE, MOMENT = "date", "timestamp"
UTC = dt.UTC

# Type in the contract, SQL type, value, what it becomes.
CASTS: list[tuple[str, str, Any, Any]] = [
    (TEXT, "INTEGER", "42", 42),
    (TEXT, "INTEGER", " +7 ", 7),
    (TEXT, "INTEGER", "3.0", 3),
    (TEXT, "INTEGER", "1e3", 1000),
    (TEXT, "INTEGER", "3.5", REFUSED),
    (TEXT, "INTEGER", "15e-1", REFUSED),
    (TEXT, "INTEGER", "0x10", REFUSED),
    (TEXT, "INTEGER", "1_000", REFUSED),
    (TEXT, "INTEGER", "2147483648", REFUSED),
    (TEXT, "BIGINT", "9223372036854775807", 9223372036854775807),
    (TEXT, "BIGINT", "9223372036854775808", REFUSED),
    (TEXT, "DOUBLE", "0.1", 0.1),
    (TEXT, "DOUBLE", "1e-300", 1e-300),
    (TEXT, "DOUBLE", "9007199254740992", 9007199254740992.0),
    (TEXT, "DOUBLE", "9007199254740993", REFUSED),
    (TEXT, "DOUBLE", "0.1000000000000000055511", REFUSED),
    (TEXT, "DOUBLE", "0.30000000000000000000001", REFUSED),
    (TEXT, "DOUBLE", "1e400", REFUSED),
    (TEXT, "DOUBLE", "nan", REFUSED),
    (TEXT, "DECIMAL(6, 2)", "12.340", Decimal("12.34")),
    (TEXT, "DECIMAL(6, 2)", "12.345", REFUSED),
    (TEXT, "DECIMAL(6, 2)", "12345.00", REFUSED),
    (TEXT, "BOOLEAN", "true", True),
    (TEXT, "BOOLEAN", "perhaps", REFUSED),
    (TEXT, "DATE", "2024-02-29", dt.date(2024, 2, 29)),
    (TEXT, "DATE", "2023-02-29", REFUSED),
    (TEXT, "DATE", "2024-02-29 10:00", REFUSED),
    (TEXT, "DATE", "infinity", REFUSED),
    (TEXT, "TIME", "12:34:56.5", dt.time(12, 34, 56, 500_000)),
    (TEXT, "TIME", "12:34:56.1234567", REFUSED),
    (TEXT, "TIME", "12:34:56+02", REFUSED),
    (TEXT, "TIMESTAMP", "2024-01-31 12:00:00", dt.datetime(2024, 1, 31, 12)),
    (TEXT, "TIMESTAMP", "2024-01-31", dt.datetime(2024, 1, 31)),
    (TEXT, "TIMESTAMP", "2024-01-31T12:00:00+02:00", REFUSED),
    (TEXT, "TIMESTAMP", "2024-01-31T12:00:00Z", REFUSED),
    (TEXT, "TIMESTAMP", "2024-01-31 12:00:00.1234567", REFUSED),
    (TEXT, "TIMESTAMPTZ", "2024-01-31 12:00:00+02", dt.datetime(2024, 1, 31, 10, tzinfo=UTC)),
    (TEXT, "JSON", '{"a": 1}', '{"a": 1}'),
    (TEXT, "JSON", '{"a": ', REFUSED),
    (NUMBER, "INTEGER", 2.0, 2),
    (NUMBER, "INTEGER", 1.5, REFUSED),
    (NUMBER, "INTEGER", 1e300, REFUSED),
    (NUMBER, "DECIMAL(6, 2)", 0.25, Decimal("0.25")),
    (NUMBER, "DECIMAL(6, 2)", 0.125, REFUSED),
    (NUMBER, "FLOAT", 0.1, pytest.approx(0.1)),
    (NUMBER, "FLOAT", 0.123456789, REFUSED),
    (NUMBER, "VARCHAR", 0.5, "0.5"),
    (INTEGER, "TINYINT", 127, 127),
    (INTEGER, "TINYINT", 128, REFUSED),
    (INTEGER, "DOUBLE", 9007199254740993, REFUSED),
    (INTEGER, "BOOLEAN", 1, True),
    (INTEGER, "BOOLEAN", 2, REFUSED),
    (INTEGER, "VARCHAR", -7, "-7"),
    (DATE, "TIMESTAMP", dt.date(2024, 1, 31), dt.datetime(2024, 1, 31)),
    (DATE, "VARCHAR", dt.date(2024, 1, 31), "2024-01-31"),
    (MOMENT, "DATE", dt.datetime(2024, 1, 31, tzinfo=UTC), dt.date(2024, 1, 31)),
    (MOMENT, "DATE", dt.datetime(2024, 1, 31, 1, tzinfo=UTC), REFUSED),
    (MOMENT, "TIMESTAMP", dt.datetime(2024, 1, 31, 1, tzinfo=UTC), dt.datetime(2024, 1, 31, 1)),
]


@pytest.mark.parametrize(("contract", "sql", "value", "expected"), CASTS)
def test_a_value_is_cast_if_it_stays_what_it_is(
    plan_of: PlanOf, contract: str, sql: str, value: Any, expected: Any
) -> None:
    # GIVEN the value among rows without one
    plan = plan_of(
        f"- {{name: x, logicalType: {contract}}}", f"transform: [{{cast: {{x: '{sql}'}}}}]"
    )
    kind = plan.schemas["validate"]["x"]
    kinds = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64()}
    moments = {"date32[day]": pa.date32(), "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC")}
    batch = batch_with(x=pa.array([None, value, None], {**kinds, **moments}[kind]))

    # WHEN
    result = transform.arrow(batch, plan, TransformState(plan))

    # THEN
    values = result.frame.column("x").to_pylist()
    if expected is REFUSED:
        assert values == [None, None]
        assert [reject.row_number for reject in result.rejects] == [2]
        assert result.rejects[0].violations[0].message == f"must be of type {sql}"
    else:
        assert (values, result.rejects) == ([None, expected, None], [])


def test_a_row_that_cannot_be_cast_is_kept_as_it_came(plan_of: PlanOf) -> None:
    # GIVEN two casts after other steps; row 2 breaks both, row 3 one
    plan = plan_of(
        "- {name: a, logicalType: string}\n- {name: b, logicalType: string}",
        """
        transform:
          - rename: {a: x}
          - derive: {b: "b || '0'"}
          - cast: {x: INTEGER, b: INTEGER}
          - filter: x > 1
        """,
    )
    batch = batch_with(a=["1", "?", "2", "3"], b=["1", "!", "#", "4"])

    # WHEN
    result = transform.arrow(batch, plan, TransformState(plan))

    # THEN the value is the one that could not be cast, the row that which came into the stage
    assert [reject.to_json() for reject in result.rejects] == [
        {
            "row_number": 2,
            "line": None,
            "column": "x",
            "rule": "type",
            "value": "?",
            "message": "must be of type INTEGER",
            "violations": [
                {
                    "column": column,
                    "rule": "type",
                    "value": value,
                    "message": "must be of type INTEGER",
                }
                for column, value in (("x", "?"), ("b", "!0"))
            ],
            "raw": {"a": "?", "b": "!"},
        },
        {
            "row_number": 3,
            "line": None,
            "column": "b",
            "rule": "type",
            "value": "#0",
            "message": "must be of type INTEGER",
            "violations": [
                {
                    "column": "b",
                    "rule": "type",
                    "value": "#0",
                    "message": "must be of type INTEGER",
                }
            ],
            "raw": {"a": "2", "b": "#"},
        },
    ]
    assert result.frame.to_pydict() == {"x": [3], "b": [40], "_row_number": [4]}
    assert (result.counts.rejected, result.counts.filtered) == (2, 1)


@pytest.fixture(scope="module")
def to_double(plan_of: PlanOf) -> Plan:
    return plan_of("- {name: x, logicalType: string}", "transform: [{cast: {x: DOUBLE}}]")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_text_to_double_keeps_every_digit_or_refuses(to_double: Plan, number: Decimal) -> None:
    batch = batch_with(x=[str(number)])

    result = transform.arrow(batch, to_double, TransformState(to_double))

    for value in result.frame.column("x").to_pylist():
        assert Decimal(repr(value)) == number
    assert result.counts.rejected == 1 - result.frame.num_rows
