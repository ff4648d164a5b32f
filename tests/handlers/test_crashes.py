"""A last stage that dies at any of its requests, or whose requests fail: readers, and what is next.

Who reads through the manifest sees the old output or the new one, whole; the next attempt, or a
newer version's run, leaves exactly what its manifest names.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import ObjectNotVisibleError, StorageUnavailableError
from tests.handlers.cloud import OTHER_EXECUTION
from tests.handlers.faults import Faults, Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.scenarios import Scenario

DONE = {"SUCCEEDED", "SUCCEEDED_WITH_REJECTS", "ALREADY_PROCESSED"}


def next_attempt(scenario: Scenario) -> None:
    assert scenario.write()["outcome"] in DONE
    assert scenario.shelf.rows == scenario.new


def newer_version(scenario: Scenario) -> None:
    assert scenario.write_newer()["outcome"] == "SUCCEEDED"
    assert scenario.shelf.rows == [7, 8]


@pytest.mark.parametrize("after", [next_attempt, newer_version])
def test_crash_at_any_request_is_neither_seen_nor_left(
    scenario: Scenario, faults: Faults, after: Callable[[Scenario], None]
) -> None:
    number, survived = 0, False
    while not survived:
        # GIVEN a last stage that dies at its n-th request
        number += 1
        scenario.begin()
        with faults.killed_at(number), suppress(Killed):
            scenario.write()
            survived = True

        # THEN a reader sees all of one state
        assert scenario.shelf.rows in (scenario.old, scenario.new)

        # AND what comes next leaves all of another, and nothing else
        after(scenario)
        scenario.shelf.assert_tidy()
    assert number > 8


def test_lost_answer_to_any_write_changes_nothing(scenario: Scenario, faults: Faults) -> None:
    number, struck = 0, True
    while struck:
        # GIVEN a write that is done, whose answer is lost, so that the SDK sends it again
        number += 1
        scenario.begin()
        with faults.answer_lost_at(number) as found:
            written = scenario.write_with_retries()
        struck = bool(found)

        # THEN the run is the one that has committed, and nothing is undone or left over
        assert written["outcome"] in DONE
        assert written["rows"]["written"] == len(scenario.new) - scenario.merged_into
        assert scenario.shelf.rows == scenario.new
        scenario.shelf.assert_tidy()
    assert number > 4


def test_write_that_fails_after_it_was_done_is_made_good_by_the_retry(
    scenario: Scenario, faults: Faults
) -> None:
    number, struck = 0, True
    while struck:
        # GIVEN a write that is done, but not one of its answers arrives
        number += 1
        scenario.begin()
        with (
            faults.all_answers_lost_at(number) as found,
            suppress(StorageUnavailableError, ObjectNotVisibleError),
        ):
            scenario.write()
        struck = bool(found)

        # THEN a reader sees all of one state
        assert scenario.shelf.rows in (scenario.old, scenario.new)

        # AND after the retry that of the run
        next_attempt(scenario)
        scenario.shelf.assert_tidy()
    assert number > 4


def test_next_execution_of_the_same_event_tidies_up(scenario: Scenario, faults: Faults) -> None:
    # GIVEN a last stage that has committed and then dies
    scenario.begin()
    with faults.killed_at(10**6) as made:
        scenario.write()
    scenario.begin()
    with faults.killed_at(len(made)), suppress(Killed):
        scenario.write()
    assert scenario.cloud.keys("pending/")

    # WHEN the event is delivered, or replayed, once more
    again = scenario.cloud.run(scenario.event, execution=OTHER_EXECUTION)

    # THEN
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert scenario.shelf.rows == scenario.new
    if not scenario.enriched["merges"]:  # the note of a merge is left to the next run of the file
        scenario.shelf.assert_tidy()
