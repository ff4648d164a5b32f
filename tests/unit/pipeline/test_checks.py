from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.checks import FileCounts, Outcome
from pipeline.plan import Plan
from pipeline.plan_contract import Check, Column, Rule, Source
from pipeline.typed_columns import typed_column
from tests.unit.pipeline.support import batch_with

COLUMNS = (Column("n", "integer"), Column("s", "string"))


def outcome(check: Check, *batches: dict[str, list[str | None]]) -> Outcome:
    """Outcome of a check over the batches of a file."""
    plan = Plan("d", "0", "1", Source("csv"), COLUMNS, checks=(check,))
    counts = FileCounts(plan)
    for cells in batches:
        batch = batch_with(**{name: pa.array(cell, pa.string()) for name, cell in cells.items()})
        columns = {column.name: typed_column(batch, column, plan) for column in COLUMNS}
        counts.add(columns, batch.num_rows)
    return counts.outcomes()[0]


BATCHES: tuple[dict[str, list[str | None]], ...] = (
    {"n": ["1", "x", "", "2"], "s": ["a", "b", "", "a"]},
    {"n": ["1", "1", None], "s": ["a", "-", None]},
)


@pytest.mark.parametrize(
    ("metric", "columns", "argument", "rows"),
    [
        ("nullValues", ("n",), None, 2),
        ("missingValues", ("s",), ["-"], 3),
        ("missingValues", ("s",), [None, "b", "-"], 4),
        ("missingValues", ("n",), ["x"], 3),
        ("invalidValues", ("n",), {"validValues": [1]}, 2),
        ("invalidValues", ("s",), {"pattern": "^[ab]$"}, 1),
        ("invalidValues", ("s",), {"pattern": "^[ab]$", "validValues": ["a"]}, 2),
        ("duplicateValues", ("n",), None, 2),
        ("duplicateValues", ("s",), None, 2),
        ("duplicateValues", ("n", "s"), None, 1),
        ("rowCount", (), None, 7),
    ],
)
def test_metric_counts_over_all_batches(
    metric: str, columns: tuple[str, ...], argument: Any, rows: int
) -> None:
    found = outcome(Check(metric, columns, "mustBe", rows, argument=argument), *BATCHES)

    assert (found.rows, found.passed) == (rows, True)
    assert found.share == rows / 7


@pytest.mark.parametrize(
    ("operator", "bound", "passing"),
    [
        ("mustBe", 2, {2}),
        ("mustNotBe", 2, {1, 3}),
        ("mustBeGreaterThan", 2, {3}),
        ("mustBeGreaterOrEqualTo", 2, {2, 3}),
        ("mustBeLessThan", 2, {1}),
        ("mustBeLessOrEqualTo", 2, {1, 2}),
        ("mustBeBetween", [2, 3], {2, 3}),
        ("mustBeBetween", [1, 2], {1, 2}),
        ("mustNotBeBetween", [2, 3], {1}),
    ],
)
def test_operator(operator: str, bound: Any, passing: set[int]) -> None:
    passed = {
        rows
        for rows in (1, 2, 3)
        if outcome(Check("rowCount", (), operator, bound), {"n": ["1"] * rows}).passed
    }

    assert passed == passing


def test_percentages_are_exact() -> None:
    # GIVEN three of ten rows: 0.3 is no double, 30 percent are 30 percent
    cells = {"n": ["", "", "", *"1234567"]}

    assert outcome(Check("nullValues", ("n",), "mustBe", 30, unit="percent"), cells).passed
    assert outcome(
        Check("nullValues", ("n",), "mustBeLessOrEqualTo", 30.0, unit="percent"), cells
    ).passed
    assert not outcome(
        Check("nullValues", ("n",), "mustBeLessThan", 30, unit="percent"), cells
    ).passed


def test_a_percentage_of_no_rows_is_zero() -> None:
    found = outcome(Check("nullValues", ("n",), "mustBe", 0, unit="percent"))

    assert (found.passed, found.share, found.rows) == (True, 0.0, 0)


def test_an_outcome_says_what_was_expected() -> None:
    check = Check(
        "nullValues", ("n",), "mustBeBetween", [1, 5], unit="percent", severity="warning", name="x"
    )

    assert outcome(check, {"n": ["1", ""]}).to_json() == {
        "name": "x",
        "rule": "nullValues",
        "columns": ["n"],
        "severity": "warning",
        "rows": 1,
        "share": 0.5,
        "expected": "must be from 1 to 5 percent of the rows",
        "outcome": "failed",
    }


def test_rules_that_reject_no_row_are_counted() -> None:
    column = Column("n", "integer", rules=(Rule("minimum", 1), Rule("maximum", 5, "info")))
    counts = FileCounts(Plan("d", "0", "1", Source("csv"), (column,)))

    counts.add({}, 4)
    counts.add_broken("n", 1, pa.array([True, False, True, False]))

    assert [found.to_json() for found in counts.outcomes()] == [
        {
            "name": "",
            "rule": "maximum",
            "columns": ["n"],
            "severity": "info",
            "rows": 2,
            "share": 0.5,
            "expected": "must be at most 5",
            "outcome": "failed",
        }
    ]


@given(st.lists(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=6), max_size=5))
def test_duplicates_are_rows_beyond_the_first_of_their_value(batches: list[list[str]]) -> None:
    values = [value for batch in batches for value in batch if value]

    found = outcome(
        Check("duplicateValues", ("s",), "mustBe", 0), *({"s": batch} for batch in batches)
    )

    assert found.rows == len(values) - len(set(values))
