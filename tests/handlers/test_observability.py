"""What an execution leaves in the logs, the metrics and the state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import MAX_PAYLOAD_BYTES, STAGES
from pipeline.errors import EmptyFileError, InvalidEventError, UnknownDatasetError
from tests.handlers.cloud import EXECUTION
from tests.handlers.samples import flight, flights

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud

KEY = "input/flights/a.csv"
BODY = flights(flight(1), flight(2), flight(3, month=13))


def metrics_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The embedded-metrics lines among those printed."""
    return [line for line in lines if "_aws" in line]


def test_each_stage_prints_one_line_of_metrics(
    cloud: Cloud, printed: Callable[[], list[dict[str, Any]]]
) -> None:
    # WHEN
    cloud.run_pipeline(KEY, BODY)

    # THEN by dataset and stage, in our namespace
    lines = metrics_of(printed())
    assert [line["service"] for line in lines] == list(STAGES)
    for line in lines:
        (described,) = line["_aws"]["CloudWatchMetrics"]
        assert described["Namespace"] == "LambdaPipelines"
        assert sorted(described["Dimensions"][0]) == ["dataset", "service"]
        assert line["dataset"] == "flights"
        assert {metric["Name"] for metric in described["Metrics"]} >= {
            "RowsIn",
            "RowsOut",
            "RowsRejected",
            "StageSeconds",
            "PeakMemory",
        }
    # AND with the rows' figures
    rows = [(line["RowsIn"], line["RowsOut"], line["RowsRejected"]) for line in lines]
    assert rows == [([3.0], [2.0], [1.0]), *[([2.0], [2.0], [0.0])] * 4]
    assert [key for key in lines[-1] if key.startswith("Outcome_")] == [
        "Outcome_SUCCEEDED_WITH_REJECTS"
    ]


def test_outcome_is_a_metric_where_the_run_ends_early(
    cloud: Cloud, printed: Callable[[], list[dict[str, Any]]]
) -> None:
    # GIVEN
    event = cloud.upload(KEY, BODY)
    cloud.run(event)
    printed()

    # WHEN
    cloud.run(event)

    # THEN no row is counted a second time
    (line,) = metrics_of(printed())
    assert line["Outcome_ALREADY_PROCESSED"] == [1.0]
    assert line["RowsIn"] == line["RowsRejected"] == [0.0]


def test_every_log_line_says_whose_it_is(
    cloud: Cloud, printed: Callable[[], list[dict[str, Any]]]
) -> None:
    # WHEN
    run = cloud.run_pipeline(KEY, BODY)

    # THEN
    logs = [line for line in printed() if "_aws" not in line]
    assert {line["stage"] for line in logs} == set(STAGES)
    for line in logs:
        assert line["service"] == line["stage"]
        assert line["run_id"] == run["run_id"]
        assert line["dataset"] == "flights"
        assert line["key"] == KEY
        assert line["execution_arn"] == EXECUTION["arn"]


def test_failure_is_logged_with_its_traceback(
    cloud: Cloud, printed: Callable[[], list[dict[str, Any]]]
) -> None:
    # WHEN
    with pytest.raises(EmptyFileError):
        cloud.run_pipeline(KEY, b"")

    # THEN
    (line,) = [line for line in printed() if line.get("level") == "ERROR"]
    assert line["exception_name"] == "EmptyFileError"
    assert "0 bytes" in line["exception"]
    assert (line["dataset"], line["key"]) == ("flights", KEY)


@pytest.mark.parametrize(
    ("key", "error"), [("input/trains/b.csv", UnknownDatasetError), (None, InvalidEventError)]
)
def test_failure_in_a_warm_process_does_not_name_the_run_before(
    cloud: Cloud,
    printed: Callable[[], list[dict[str, Any]]],
    key: str | None,
    error: type[Exception],
) -> None:
    # GIVEN
    before = cloud.run_pipeline(KEY, BODY)
    printed()

    # WHEN
    with pytest.raises(error):
        cloud.run(cloud.upload(key, BODY) if key else {})

    # THEN
    for line in printed():
        assert before["run_id"] not in json.dumps(line)
        assert KEY not in json.dumps(line)


def test_no_metrics_of_a_failed_stage(
    cloud: Cloud, printed: Callable[[], list[dict[str, Any]]]
) -> None:
    # GIVEN metrics that were begun must not leak into the next run of a warm process
    with pytest.raises(EmptyFileError):
        cloud.run_pipeline(KEY, b"")
    assert metrics_of(printed()) == []

    # WHEN
    cloud.run_pipeline(KEY, flights(flight()))

    # THEN
    assert metrics_of(printed())[0]["RowsIn"] == [1.0]


def test_state_stays_small_however_many_partitions_and_rules(cloud: Cloud) -> None:
    # GIVEN a long key, every month, every rule broken often
    key = f"input/flights/{'long' * 200}.csv"
    good = [flight(n, month=n % 12 + 1) for n in range(1, 200)]
    bad = [flight(n, month=13, day=32, origin="?", dest="?", carrier="?") for n in range(1, 100)]

    # WHEN
    states = list(cloud.states(cloud.upload(key, flights(*good, *bad))))

    # THEN
    assert len(states) == len(STAGES)
    for state in states:
        assert len(json.dumps(state).encode()) < MAX_PAYLOAD_BYTES / 4
    assert len(states[-1]["outputs"]) == 12
