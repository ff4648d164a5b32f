"""Validate: keys that must be unique over the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from functions.validate.core import ValidateState, settle, validate
from pipeline.frames import batch_of
from tests.unit.functions.violations import found

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf

KEYED = """
- {name: day, logicalType: date, primaryKey: true, primaryKeyPosition: 2}
- {name: shop, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
- {name: n, logicalType: integer}
"""


def test_key_is_unique_over_all_batches_of_a_file(plan_of: PlanOf) -> None:
    # GIVEN two batches of one file
    plan = plan_of(KEYED)
    state = ValidateState(plan)
    first = pd.DataFrame(
        {"_row_number": [1, 2], "day": ["2024-01-01"] * 2, "shop": ["A", "B"], "n": ["1", "2"]}
    )
    second = pd.DataFrame(
        {"_row_number": [3, 4], "day": ["2024-01-02", "2024-01-01"], "shop": ["A"] * 2, "n": "3"}
    )

    # WHEN
    results = [validate(batch, plan, state) for batch in (first, second)]

    # THEN only the pair that stood in the first batch is refused, with both its values
    assert results[0].rejects == []
    assert found(results[1]) == [(4, "shop, day", "primaryKey", ["A", "2024-01-01"])]


def test_rejected_row_does_not_claim_its_key(plan_of: PlanOf) -> None:
    # GIVEN a row with a broken value before the good one of the same key
    plan = plan_of(KEYED)
    frame = pd.DataFrame({"day": ["2024-01-01"] * 3, "shop": ["A", "A", "A"], "n": ["x", "1", "2"]})

    # WHEN
    result = validate(frame, plan)

    # THEN the second row is the first of its key
    assert [violation[:3] for violation in found(result)] == [
        (1, "n", "type"),
        (3, "shop, day", "primaryKey"),
    ]
    assert result.frame["n"].tolist() == [1]


def test_row_rejected_by_one_key_does_not_claim_the_other(plan_of: PlanOf) -> None:
    # GIVEN two keys; the second row repeats the e-mail of the first
    plan = plan_of("""
        - {name: id, logicalType: integer, primaryKey: true}
        - {name: email, logicalType: string, unique: true}
    """)
    frame = pd.DataFrame({"id": ["1", "2", "2"], "email": ["a@x", "a@x", "b@x"]})

    # WHEN
    result = validate(frame, plan)

    # THEN the third row is the first good one with id 2
    assert found(result) == [(2, "email", "unique", "a@x")]


def test_unique_columns_and_composite_ones_are_keys_of_their_own(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        """
        - {name: id, logicalType: integer, unique: true}
        - {name: a, logicalType: string}
        - {name: b, logicalType: string}
        """,
        quality="[{metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}]",
    )
    frame = pd.DataFrame(
        {"id": ["1", "01", "3", "4"], "a": ["x", "y", "x", "x"], "b": ["1", "1", "1", "2"]}
    )

    # WHEN `01` is the same integer as `1`
    result = validate(frame, plan)

    # THEN
    assert found(result) == [(2, "id", "unique", "01"), (3, "a, b", "unique", ["x", "1"])]


def test_no_rows_are_no_findings_and_typed_all_the_same(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(KEYED)

    # WHEN
    result = validate(pd.DataFrame({"day": [], "shop": [], "n": []}, dtype=str), plan)

    # THEN
    assert (len(result.frame), result.rejects, result.counts.read) == (0, [], 0)
    assert str(result.frame["n"].dtype) == "int64[pyarrow]"


def test_settled_rows_claim_their_keys_whatever_else_they_break(plan_of: PlanOf) -> None:
    # GIVEN rows that are published already: one breaks a rule, one's key cannot be read any more
    plan = plan_of(
        """
        - {name: day, logicalType: date, primaryKey: true}
        - {name: n, logicalType: integer, logicalTypeOptions: {maximum: 9}}
        """
    )
    state = ValidateState(plan)
    settled = pd.DataFrame({"day": ["2024-01-01", "someday"], "n": ["99", "2"]})

    # WHEN
    batch = batch_of(settled.assign(_row_number=[1, 2]))
    typed = settle(batch, plan, state, claiming=pa.array([True, True]))

    # THEN
    assert [str(day) for day in typed.column("day").to_pylist()] == ["2024-01-01", "None"]
    assert typed.column("n").to_pylist() == [99, 2]
    # AND a row with the first one's key repeats it
    rows = pd.DataFrame({"_row_number": [3, 4], "day": ["2024-01-01", "2024-01-02"], "n": "1"})
    assert found(validate(rows, plan, state)) == [(3, "day", "primaryKey", "2024-01-01")]
