"""docs/dashboard.png shows the present dashboard, and the day that it shows holds together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from pipeline.constants import METRICS_NAMESPACE, STAGES
from tests.dashboard.alarm_states import state_of
from tests.dashboard.day import BROKEN, DAY, HICCUP, HOUR, simulated_day
from tests.dashboard.definition import present_definition
from tests.dashboard.lines import lines
from tests.dashboard.picture import PICTURE, digest_of
from tests.infra.alarm_states import ALARM, OK
from tests.infra.test_dashboard import OF_AWS, OURS

if TYPE_CHECKING:
    from tests.dashboard.definition import Definition
    from tests.dashboard.samples import Samples


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Definition:
    return present_definition(tmp_path_factory.mktemp("definition"))


@pytest.fixture(scope="module")
def day(definition: Definition) -> tuple[Samples, int]:
    return simulated_day(definition.names)


def shown(definition: Definition, samples: Samples, title: str) -> dict[str, float]:
    """Figures of a widget at the end of the day, by label."""
    (widget,) = (
        one
        for one in definition.body["widgets"]
        if one["properties"].get("title", "").startswith(title)
    )
    return {line.label: line.last or 0 for line in lines(widget, samples, start=0, end=DAY)}


def test_picture_is_of_the_present_definition(definition: Definition) -> None:
    assert digest_of(PICTURE) == definition.digest, "the dashboard has changed: make dashboard"


def test_picture_is_small_enough_for_a_page() -> None:
    assert PICTURE.stat().st_size < 400_000


def test_picture_has_every_dataset(definition: Definition) -> None:
    assert len(definition.datasets) >= 5
    read = shown(definition, simulated_day(definition.names)[0], "Rows read")
    assert set(read) == set(definition.datasets)


def test_day_is_always_the_same(definition: Definition, day: tuple[Samples, int]) -> None:
    samples, files = day
    again, files_again = simulated_day(definition.names)
    assert files == files_again
    figures = ["How did runs end?", "What came through?"]
    assert [shown(definition, samples, one) for one in figures] == [
        shown(definition, again, one) for one in figures
    ]


def test_day_puts_only_what_the_functions_and_services_put(day: tuple[Samples, int]) -> None:
    for namespace, name, dimensions in day[0].keys:
        names = {dimension for dimension, _ in dimensions}
        if namespace == METRICS_NAMESPACE:
            assert names in [set(told) for told in OURS[name].sets]
        else:
            assert names == {OF_AWS[namespace][0]}


def test_every_run_of_the_day_ends_once(definition: Definition, day: tuple[Samples, int]) -> None:
    samples, files = day
    ends = shown(definition, samples, "How did runs end?")
    key = ("AWS/Events", "TriggeredRules", frozenset({("RuleName", definition.names.uploads)}))
    (started,) = samples.series(key, "Sum", start=0, end=2 * DAY, period=2 * DAY)
    assert files >= 450
    assert sum(ends.values()) == started
    waiting = shown(definition, samples, "What waits for a person now?")
    assert (waiting["dead letters"], waiting["undelivered"]) == (2, 0)


@pytest.mark.parametrize(
    ("hour", "raised"),
    [
        (8.0, set()),
        ((HICCUP[1] - 60) / HOUR, {"ErrorRate"}),
        (BROKEN[1] / HOUR, {"DeadLetters", "FailedRuns", "SuccessRate"}),
        (24.0, {"DeadLetters"}),
    ],
)
def test_alarms_of_the_day(
    definition: Definition, day: tuple[Samples, int], hour: float, raised: set[str]
) -> None:
    """A quiet morning, attempts that fail at noon, files that fail, two letters at night."""
    states = {
        alarm["AlarmName"].partition("-")[2]: state_of(alarm, day[0], end=hour * HOUR)
        for alarm in definition.alarms.values()
    }
    assert set(states.values()) <= {OK, ALARM}
    found = {name for name, state in states.items() if state == ALARM}
    assert found >= raised
    assert not raised or len(found) <= len(STAGES) + len(raised)
    if hour in (8.0, 24.0):
        assert found == raised
