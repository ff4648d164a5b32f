"""Validate: which rows keep the contract, as what types, and what is wrong with the others."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from functions.validate.core import validate
from tests.unit.functions.violations import found

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf

UTC = dt.UTC


def test_rows_that_keep_the_contract_come_out_typed(plan_of: PlanOf) -> None:
    # GIVEN a contract with a column of every logical type
    plan = plan_of("""
        - {name: text, logicalType: string}
        - {name: whole, logicalType: integer}
        - {name: real, logicalType: number}
        - {name: flag, logicalType: boolean}
        - {name: day, logicalType: date}
        - {name: at, logicalType: timestamp}
        - {name: local, logicalType: timestamp, logicalTypeOptions: {timezone: false}}
        - {name: clock, logicalType: time}
    """)
    frame = pd.DataFrame(
        {
            "text": [" 007 "],
            "whole": ["007"],
            "real": ["-1.5e2"],
            "flag": ["TRUE"],
            "day": ["2024-02-29"],
            "at": ["2024-02-29T12:00:00+02:00"],
            "local": ["2024-02-29T12:00:00.5"],
            "clock": ["23:59:59"],
        }
    )

    # WHEN
    result = validate(frame, plan)

    # THEN
    assert result.rejects == []
    assert result.frame.to_dict("records") == [
        {
            "text": " 007 ",
            "whole": 7,
            "real": -150.0,
            "flag": True,
            "day": dt.date(2024, 2, 29),
            "at": pd.Timestamp("2024-02-29T10:00:00Z"),
            "local": pd.Timestamp("2024-02-29T12:00:00.5"),
            "clock": dt.time(23, 59, 59),
        }
    ]
    assert {name: str(kind.pyarrow_dtype) for name, kind in result.frame.dtypes.items()} == {
        "text": "string",
        "whole": "int64",
        "real": "double",
        "flag": "bool",
        "day": "date32[day]",
        "at": "timestamp[us, tz=UTC]",
        "local": "timestamp[us]",
        "clock": "time64[us]",
    }


@pytest.mark.parametrize(
    ("logical", "spelling"),
    [
        ("integer", "1.0"),
        ("integer", "1,000"),
        ("number", "NaN"),
        ("number", "inf"),
        ("number", "1.2.3"),
        ("boolean", "yes"),
        ("date", "2023-02-29"),
        ("date", "01/02/2023"),
        ("timestamp", "2023-01-01T00:00:00"),
        ("timestamp", "2023-01-01T24:00:00Z"),
        ("time", "7:00"),
    ],
)
def test_spelling_of_another_type_is_a_finding_about_that_value(
    plan_of: PlanOf, logical: str, spelling: str
) -> None:
    # GIVEN a column that is required, too: one finding is enough for one cause
    plan = plan_of(f"- {{name: x, logicalType: {logical}, required: true}}")

    # WHEN
    result = validate(pd.DataFrame({"x": [spelling]}), plan)

    # THEN
    assert found(result) == [(1, "x", "type", spelling)]
    assert result.rejects[0].violations[0].message == f"must be of type {logical}"


@pytest.mark.parametrize(
    ("declared", "spelling", "remedy"),
    [
        ("logicalType: integer", "9223372036854775808", "physicalType: DECIMAL(p,0)"),
        ("logicalType: number", "1e999", "physicalType: DECIMAL(p,s)"),
        ("logicalType: number", "9007199254740993", "physicalType: DECIMAL(p,s)"),
        ("logicalType: number, physicalType: 'DECIMAL(3,1)'", "1.25", "at most 3 digits"),
    ],
)
def test_value_that_would_change_is_refused_with_the_remedy(
    plan_of: PlanOf, declared: str, spelling: str, remedy: str
) -> None:
    plan = plan_of(f"- {{name: x, {declared}, required: true}}")

    result = validate(pd.DataFrame({"x": [spelling, "1"]}), plan)

    assert found(result) == [(1, "x", "type", spelling)]
    assert remedy in result.rejects[0].violations[0].message


@pytest.mark.parametrize(
    ("rule", "declared", "good", "bad"),
    [
        ("minimum", "logicalType: integer, logicalTypeOptions: {minimum: 3}", "3", "2"),
        ("maximum", "logicalType: number, logicalTypeOptions: {maximum: 1.5}", "1.5", "1.51"),
        (
            "exclusiveMinimum",
            "logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}",
            "0.1",
            "0",
        ),
        (
            "exclusiveMaximum",
            "logicalType: integer, logicalTypeOptions: {exclusiveMaximum: 9}",
            "8",
            "9",
        ),
        (
            "minimum",
            "logicalType: date, logicalTypeOptions: {minimum: '2000-01-01'}",
            "2000-01-01",
            "1999-12-31",
        ),
        ("minLength", "logicalType: string, logicalTypeOptions: {minLength: 2}", "éé", "é"),
        ("maxLength", "logicalType: string, logicalTypeOptions: {maxLength: 2}", "日本", "日本語"),
        (
            "pattern",
            "logicalType: string, logicalTypeOptions: {pattern: '^[A-Z]{2}$'}",
            "AB",
            "ABC",
        ),
        ("pattern", "logicalType: string, logicalTypeOptions: {pattern: 'b'}", "abc", "acd"),
        (
            "validValues",
            "logicalType: string, quality: [{metric: invalidValues, mustBe: 0, "
            "arguments: {validValues: [red, green]}}]",
            "red",
            "Red",
        ),
        (
            "pattern",
            "logicalType: string, quality: [{metric: invalidValues, mustBe: 0, "
            "arguments: {pattern: '^a'}}]",
            "ab",
            "ba",
        ),
    ],
)
def test_rule_lets_one_value_pass_and_stops_the_other(
    plan_of: PlanOf, rule: str, declared: str, good: str, bad: str
) -> None:
    # GIVEN
    plan = plan_of(f"- {{name: x, {declared}}}")

    # WHEN a missing value is there, too: rules speak of values that are present
    result = validate(pd.DataFrame({"x": [good, bad, None]}), plan)

    # THEN
    assert found(result) == [(2, "x", rule, bad)]
    assert len(result.frame) == 2


def test_all_violations_of_a_row_are_collected_in_the_contracts_order(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of("""
        - {name: id, logicalType: integer, required: true}
        - {name: code, logicalType: string, logicalTypeOptions: {maxLength: 3, pattern: '^[A-Z]*$'}}
        - {name: price, logicalType: number, logicalTypeOptions: {minimum: 0}}
    """)
    frame = pd.DataFrame(
        {"id": ["1", ""], "code": ["ABC", "toolong"], "price": ["1", "-1"], "extra": ["x", "y"]}
    )

    # WHEN
    result = validate(frame, plan)

    # THEN
    assert found(result) == [
        (2, "id", "required", ""),
        (2, "code", "maxLength", "toolong"),
        (2, "code", "pattern", "toolong"),
        (2, "price", "minimum", "-1"),
    ]
    record = result.rejects[0].to_json()
    assert (record["column"], record["rule"], record["value"]) == ("id", "required", "")
    assert record["raw"] == {"id": "", "code": "toolong", "price": "-1", "extra": "y"}
    assert (result.counts.read, result.counts.rejected) == (2, 1)


def test_missing_words_are_missing_values(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        """
        - {name: id, logicalType: string, required: true}
        - {name: n, logicalType: integer}
        """,
        missing_values=("", "NA", "n/a"),
    )

    # WHEN "na" is none of the words
    frame = pd.DataFrame({"id": ["a", "b", "NA", "na"], "n": ["NA", "n/a", "1", ""]})
    result = validate(frame, plan)

    # THEN
    assert found(result) == [(3, "id", "required", "NA")]
    assert result.frame["id"].tolist() == ["a", "b", "na"]
    assert result.frame["n"].isna().all()


def test_column_that_is_absent_counts_as_missing_values(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of("""
        - {name: id, logicalType: integer}
        - {name: note, logicalType: string}
        - {name: must, logicalType: string, required: true}
    """)

    # WHEN
    result = validate(pd.DataFrame({"id": ["1"]}), plan)

    # THEN
    assert found(result) == [(1, "must", "required", None)]
    assert list(result.frame.columns) == ["id", "note", "must"]


def test_columns_come_out_in_the_contracts_order_without_unknown_ones(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of("""
        - {name: a, logicalType: string}
        - {name: b, logicalType: string}
    """)

    # WHEN
    result = validate(pd.DataFrame({"b": ["2"], "z": ["9"], "a": ["1"]}), plan)

    # THEN
    assert result.frame.to_dict("list") == {"a": ["1"], "b": ["2"]}


def test_types_that_a_file_already_has_are_kept(plan_of: PlanOf) -> None:
    # GIVEN a frame as JSON files give it
    plan = plan_of("""
        - {name: n, logicalType: integer, logicalTypeOptions: {minimum: 0}}
        - {name: x, logicalType: number}
        - {name: flag, logicalType: boolean}
    """)
    frame = pd.DataFrame({"n": [1, -1], "x": [0.5, None], "flag": [True, False]})

    # WHEN
    result = validate(frame, plan)

    # THEN
    assert found(result) == [(2, "n", "minimum", -1)]
    assert result.frame.to_dict("list") == {"n": [1], "x": [0.5], "flag": [True]}
