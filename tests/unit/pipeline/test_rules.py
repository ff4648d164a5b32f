from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rules import RULES, Reason, broken, json_ready, spoken

UTC_TIME = pa.timestamp("us", tz="UTC")
DAY = dt.date(2013, 1, 31)
MONEY = pa.decimal128(5, 2)
MOMENT = dt.datetime(2013, 1, 31, 12, tzinfo=dt.UTC)

# rule, type, argument, a value that keeps the rule, one that breaks it
CASES: list[tuple[str, pa.DataType, Any, Any, Any]] = [
    ("minimum", pa.int64(), 1, 1, 0),
    ("minimum", pa.int64(), 0.5, 1, 0),
    ("minimum", pa.float64(), 1, 1.0, 0.999),
    ("minimum", pa.date32(), "2013-01-31", DAY, dt.date(2013, 1, 30)),
    ("minimum", UTC_TIME, "2013-01-31T12:00:00Z", MOMENT, MOMENT - dt.timedelta(microseconds=1)),
    ("maximum", pa.int64(), 12, 12, 13),
    ("maximum", pa.int64(), 12.5, 12, 13),
    ("maximum", pa.date32(), "2013-01-31", DAY, dt.date(2013, 2, 1)),
    ("exclusiveMinimum", pa.int64(), 0, 1, 0),
    ("exclusiveMinimum", pa.float64(), 0, 1e-9, 0.0),
    ("exclusiveMaximum", pa.int64(), 10, 9, 10),
    ("minLength", pa.string(), 2, "né", "é"),
    ("maxLength", pa.string(), 2, "né", "née"),
    ("pattern", pa.string(), "^[A-Z]{3}$", "JFK", "JFKX"),
    ("pattern", pa.string(), "[0-9]", "a1b", "ab"),
    ("validValues", pa.string(), ["EWR", "JFK"], "JFK", "jfk"),
    ("validValues", pa.int64(), [1, 2], 2, 3),
    ("validValues", pa.float64(), [1, 2.5], 1.0, 2.0),
    ("validValues", pa.date32(), ["2013-01-31"], DAY, dt.date(2013, 2, 1)),
    ("validValues", MONEY, [1, 2.5], Decimal("2.50"), Decimal("2.51")),
    ("minimum", MONEY, 0.5, Decimal("0.50"), Decimal("0.49")),
    ("minimum", MONEY, 0.001, Decimal("0.01"), Decimal("0.00")),
    ("maximum", pa.decimal128(38, 0), 2**64, Decimal(2**64), Decimal(2**64 + 1)),
    ("maximum", pa.decimal128(38, 0), 0.5, Decimal(0), Decimal(1)),
    ("exclusiveMaximum", MONEY, 1, Decimal("0.99"), Decimal("1.00")),
    ("multipleOf", pa.int64(), 5, -15, 14),
    ("multipleOf", pa.int64(), 2.5, 5, 6),
    ("multipleOf", pa.float64(), 0.1, 0.3, 0.35),
    ("multipleOf", pa.float64(), 0.1, -1.1, 0.1 + 0.2),
    ("multipleOf", pa.float64(), 0.01, 4.35, 4.355),
    ("multipleOf", pa.float64(), 3, 9.0, 10.0),
    ("multipleOf", pa.float64(), 1e-7, 3e-7, 3.5e-7),
    ("multipleOf", pa.float64(), 0.5, 1e300, 0.25),
    ("multipleOf", MONEY, 0.05, Decimal("1.15"), Decimal("1.16")),
    ("format", pa.string(), "email", "a.b+c@example.org", "a.example.org"),
    ("missingValues", pa.string(), ["-", None], "x", "-"),
    ("missingValues", pa.int64(), ["-999"], -99, -999),
    ("minItems", pa.string(), 2, "[1, 2]", "[1]"),
    ("maxItems", pa.string(), 1, "[1]", "[1, 2]"),
    ("uniqueItems", pa.string(), True, "[1, true, [1], {}]", "[1, 1.0]"),
    ("uniqueItems", pa.string(), True, '[{"a": 1}, {"a": true}]', '[{"a": 1}, {"a": 1e0}]'),
    ("minProperties", pa.string(), 1, '{"a": null}', "{}"),
    ("maxProperties", pa.string(), 1, '{"a": [1, 2]}', '{"a": 1, "b": 2}'),
    ("requiredProperties", pa.string(), ["a", "b"], '{"b": 1, "a": 2}', '{"a": {"b": 1}}'),
]


@pytest.mark.parametrize(("rule", "kind", "argument", "good", "bad"), CASES)
def test_rule_marks_the_bad_value_and_neither_the_good_nor_the_missing_one(
    rule: str, kind: pa.DataType, argument: Any, good: Any, bad: Any
) -> None:
    values = pa.array([good, bad, None], kind)

    assert broken(rule, values, argument).to_pylist() == [False, True, False]


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in CASES} == {str(reason) for reason in RULES}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said_in_words(reason: Reason) -> None:
    said = spoken(reason, "ARG")

    assert len(said.split()) > 2
    assert "{" not in said


@given(st.integers(-(10**6), 10**6), st.sampled_from([0.1, 0.01, 0.25, 0.3, 1.5, 7, 0.000001]))
def test_multiples_are_those_of_decimal_arithmetic(count: int, unit: float) -> None:
    step = Decimal(str(unit))
    value = float(count * step)
    beside = float(count * step + step / 2)

    made = broken("multipleOf", pa.array([value, beside]), unit)

    assert made.to_pylist() == [False, True]


@pytest.mark.parametrize("rule", sorted({str(reason) for reason in RULES} - {"uniqueItems"}))
def test_the_words_of_a_rule_hold_its_argument(rule: str) -> None:
    assert "{7}" in spoken(rule, "{7}")


@pytest.mark.parametrize(
    ("value", "ready"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (1.5, 1.5),
        ("é", "é"),
        (DAY, "2013-01-31"),
        (MOMENT, "2013-01-31T12:00:00+00:00"),
        (dt.time(1, 2, 3), "01:02:03"),
        (Decimal("1.50"), "1.50"),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
    ],
)
def test_values_become_json_that_any_parser_reads(value: Any, ready: Any) -> None:
    assert json_ready(value) == ready
    json.dumps(json_ready(value), allow_nan=False)
