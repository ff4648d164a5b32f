"""Validate: the file's names, masked values, keys in lookups, rules that only count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from functions.validate.core import ValidateState, validate
from functions.validate.quality import check_quality, quality_summary
from pipeline.errors import QualityError
from tests.unit.functions.violations import found

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf


def test_columns_are_read_under_the_file_s_names(plan_of: PlanOf) -> None:
    plan = plan_of("""
        - {name: id, logicalType: integer, physicalName: Customer No}
        - {name: city, logicalType: string}
    """)
    frame = pd.DataFrame({"Customer No": ["1", "x"], "city": ["Rome", "Oslo"], "id": ["7", "8"]})

    result = validate(frame, plan)

    assert result.frame.to_dict("list") == {"id": [1], "city": ["Rome"]}
    assert found(result) == [(2, "id", "type", "x")]
    assert result.rejects[0].raw == {"Customer No": "x", "city": "Oslo", "id": "8"}


def test_a_key_is_required_by_itself(plan_of: PlanOf) -> None:
    plan = plan_of("- {name: id, logicalType: integer, primaryKey: true}")

    result = validate(pd.DataFrame({"id": ["1", "", "1", ""]}), plan)

    assert found(result) == [
        (2, "id", "required", ""),
        (3, "id", "primaryKey", "1"),
        (4, "id", "required", ""),
    ]


def test_values_of_masked_columns_are_in_the_output_alone(plan_of: PlanOf) -> None:
    plan = plan_of("""
        - {name: mail, logicalType: string, classification: pii, unique: true}
        - {name: n, logicalType: integer}
    """)
    frame = pd.DataFrame({"mail": ["a@x", "b@x", "a@x"], "n": ["1", "x", "2"]})

    result = validate(frame, plan)

    assert result.frame.to_dict("list") == {"mail": ["a@x"], "n": [1]}
    assert found(result) == [(2, "n", "type", "x"), (3, "mail", "unique", "***")]
    assert [reject.raw for reject in result.rejects] == [
        {"mail": "***", "n": "x"},
        {"mail": "***", "n": "2"},
    ]


def test_a_foreign_key_must_be_in_its_lookup(plan_of: PlanOf) -> None:
    plan = plan_of(
        "- {name: carrier, logicalType: string, relationships: [{to: airlines.code}]}",
        lookups={"airlines": "code,name\nAA,American\nUA,United\n"},
    )

    result = validate(pd.DataFrame({"carrier": ["UA", "ZZ", ""]}), plan)

    assert found(result) == [(2, "carrier", "relationship", "ZZ")]
    assert result.rejects[0].violations[0].message == "must be in airlines (code)"


def test_other_columns_are_kept_if_the_dataset_says_so(plan_of: PlanOf) -> None:
    plan = plan_of("- {name: a, logicalType: integer}", "drift: {extra_column: keep}")

    result = validate(pd.DataFrame({"a": ["1", "2"], "b": ["x", ""]}), plan)

    assert result.frame["a"].tolist() == [1, 2]
    assert result.frame["_extra"].tolist()[0] == '{"b": "x"}'
    assert result.frame["_extra"].isna().tolist() == [False, True]


WARNED = """
- name: n
  logicalType: integer
  quality:
    - {metric: invalidValues, arguments: {validValues: [1, 2]}, mustBe: 0, severity: warning}
    - {metric: nullValues, mustBeLessThan: 50, unit: percent}
"""


def test_what_is_counted_rejects_no_row(plan_of: PlanOf) -> None:
    # GIVEN two batches of one file
    plan = plan_of(WARNED)
    state = ValidateState(plan)

    # WHEN
    results = [
        validate(pd.DataFrame({"n": values}), plan, state) for values in (["1", "7"], ["8", "x"])
    ]

    # THEN a value that is no integer breaks no other rule
    assert [len(result.rejects) for result in results] == [0, 1]
    assert [(one["rule"], one["rows"], one["outcome"]) for one in quality_summary(state)] == [
        ("validValues", 2, "failed"),
        ("nullValues", 0, "passed"),
    ]
    check_quality(state)


def test_a_file_that_breaks_its_rule_fails_with_the_figures(plan_of: PlanOf) -> None:
    plan = plan_of(WARNED)
    state = ValidateState(plan)
    validate(pd.DataFrame({"n": ["1", "", ""]}), plan, state)

    with pytest.raises(QualityError) as raised:
        check_quality(state)

    assert raised.value.reason == (
        "Of 3 rows, nullValues of n: 2 rows (66.67%), must be less than 50 percent of the rows."
    )
    assert raised.value.checks == ("nullValues",)


def test_many_broken_rules_are_counted_not_listed(plan_of: PlanOf) -> None:
    rules = ", ".join("{metric: rowCount, mustBe: 9}" for _ in range(7))
    plan = plan_of("- {name: n, logicalType: integer}", quality=f"[{rules}]")
    state = ValidateState(plan)
    validate(pd.DataFrame({"n": ["1"]}), plan, state)

    with pytest.raises(QualityError, match="; and 2 more"):
        check_quality(state)


def test_decimals_keep_their_digits(plan_of: PlanOf) -> None:
    plan = plan_of("- {name: x, logicalType: number, physicalType: 'DECIMAL(20,2)'}")

    result = validate(pd.DataFrame({"x": ["123456789012345678.91", "1.005"]}), plan)

    assert [str(value) for value in result.frame["x"]] == ["123456789012345678.91"]
    assert found(result) == [(2, "x", "type", "1.005")]
    assert "at most 20 digits, 2 of them after the point" in (
        result.rejects[0].violations[0].message
    )


@pytest.mark.parametrize(
    ("custom", "spelling", "said"),
    [
        ("[{property: decimalChar, value: ','}]", "1.5", "number with the decimal character ','"),
        (
            "[{property: groupChar, value: ','}]",
            "1,5",
            "number with the group character ','",
        ),
    ],
)
def test_a_message_says_how_values_are_written(
    plan_of: PlanOf, custom: str, spelling: str, said: str
) -> None:
    plan = plan_of(f"- {{name: x, logicalType: number, customProperties: {custom}}}")

    result = validate(pd.DataFrame({"x": [spelling]}), plan)

    assert result.rejects[0].violations[0].message == f"must be of type {said}"


def test_a_message_names_the_words_of_a_boolean(plan_of: PlanOf) -> None:
    plan = plan_of("""
        - name: x
          logicalType: boolean
          customProperties:
            - {property: trueValues, value: [Y]}
            - {property: falseValues, value: [N]}
    """)

    result = validate(pd.DataFrame({"x": ["true"]}), plan)

    assert result.rejects[0].violations[0].message == "must be of type boolean, one of Y, N"
