"""The page that is committed is about the scenarios that there are, and all of them passed."""

from __future__ import annotations

from tests.faults.catalogue import SCENARIOS
from tests.faults.suite import Result
from tests.faults.table import PAGE, PASSED, page, rows_of_page


def test_the_page_names_exactly_the_scenarios() -> None:
    names = [row["scenario"] for row in rows_of_page(PAGE.read_text("utf-8"))]

    assert names == [item.name for item in SCENARIOS]


def test_every_scenario_of_the_page_passed() -> None:
    verdicts = {row["verdict"] for row in rows_of_page(PAGE.read_text("utf-8"))}

    assert verdicts == {PASSED}


def test_the_page_is_what_the_scenarios_expect() -> None:
    # A scenario that passed was seen as it was expected, so the page follows from the scenarios.
    expected = page(Result(item, item.expected, problems=[]) for item in SCENARIOS)

    assert PAGE.read_text("utf-8") == expected


def test_names_are_not_given_twice() -> None:
    names = [item.name for item in SCENARIOS]

    assert len(set(names)) == len(names)
