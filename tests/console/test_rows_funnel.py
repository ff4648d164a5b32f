"""The funnel: rows step by step, from what a run summary tells, whatever it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.reading.funnel import Step, funnel

ZERO = dict.fromkeys(
    ("read", "expanded", "written", "rejected", "duplicates", "filtered", "dropped_by_lookup"), 0
)


def record(stage: str, rows_in: int, rows_out: int, **counts: int) -> dict[str, Any]:
    return {"stage": stage, "rows_in": rows_in, "rows_out": rows_out, "counts": ZERO | counts}


RECORDS = [
    record("validate", 100, 90, read=100, rejected=10),
    record("clean", 90, 85, duplicates=5),
    record("transform", 85, 100, expanded=20, filtered=5),
    record("enrich", 100, 97, rejected=1, dropped_by_lookup=2),
    record("write", 97, 97, written=97),
]
ROWS = {
    "read": 100,
    "expanded": 20,
    "written": 97,
    "rejected": 11,
    "duplicates": 5,
    "filtered": 5,
    "dropped_by_lookup": 2,
}


def test_each_step_has_its_rows_and_what_left_it() -> None:
    found = funnel({"rows": ROWS, "stages": RECORDS})
    assert [(step.name, step.rows, step.came, dict(step.left)) for step in found.steps] == [
        ("Read", 100, 0, {}),
        ("Validated", 90, 0, {"rejected": 10}),
        ("Cleaned", 85, 0, {"duplicates": 5}),
        ("Transformed", 100, 20, {"filtered": 5}),
        ("Enriched", 97, 0, {"rejected": 1, "dropped_by_lookup": 2}),
        ("Written", 97, 0, {}),
    ]
    assert not found.to_come
    assert found.ended_in is None
    assert found.missing == 0


def test_the_widest_bar_is_that_of_the_step_with_most_rows() -> None:
    found = funnel({"rows": ROWS, "stages": RECORDS})
    assert found.whole == 105  # transform: 100 stay and came, 5 left


def test_rows_that_nobody_accounts_for_are_told() -> None:
    found = funnel(
        {"rows": ROWS | {"written": 90}, "stages": [record("validate", 10, 7, rejected=1)]}
    )
    assert found.missing == 7
    assert found.steps[1].missing == 2


def test_a_failed_stage_says_what_it_had_counted() -> None:
    rows = ZERO | {"read": 100, "rejected": 10, "duplicates": 3}
    found = funnel({"rows": rows, "stages": RECORDS[:1]}, "clean")
    assert found.ended_in == "clean"
    assert found.seen == {"duplicates": 3}
    assert found.to_come == ("transform", "enrich", "write")


def test_a_stage_taken_over_is_told() -> None:
    [_, step] = funnel({"stages": [RECORDS[0] | {"resumed": True}]}).steps
    assert step.resumed


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"rows": None, "stages": None},
        {"rows": [], "stages": ["validate", None, {}]},
        {"rows": {"read": "many"}, "stages": [{"stage": "validate", "rows_in": None}]},
        {"stages": [{"stage": "<script>", "rows_out": 3}]},
    ],
)
def test_odd_summaries_have_a_funnel_too(summary: dict[str, Any]) -> None:
    assert funnel(summary, "validate").counts.read == 0


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_bar_stays_within_the_drawing_and_hides_nothing(rows: int, came: int, left: int) -> None:
    step = Step("transform", rows, min(came, rows), {"rejected": left})
    bar = step.bar(rows + left)
    assert (bar.left > 0) == (left > 0)
    assert (bar.came > 0) == (min(came, rows) > 0)
    assert min(bar.stayed, bar.came, bar.left) >= 0
    assert bar.stayed + bar.came + bar.left <= 101
