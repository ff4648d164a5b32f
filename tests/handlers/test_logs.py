"""What an execution leaves in the logs and the state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import MAX_PAYLOAD_BYTES, STAGES
from pipeline.errors import (
    EmptyFileError,
    InvalidEventError,
    PipelineError,
    UnknownDatasetError,
)
from tests.handlers.cloud import EXECUTION
from tests.handlers.samples import flight, flights

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud
    from tests.handlers.faults import Faults

    Printed = Callable[[], list[dict[str, Any]]]

KEY = "input/flights/a.csv"
BODY = flights(flight(1), flight(2), flight(3, month=13))
IDENTITY = ("run_id", "dataset", "stage", "key", "execution_arn", "attempt", "cold_start")


def test_every_line_says_whose_it_is(cloud: Cloud, printed: Printed) -> None:
    # WHEN
    run = cloud.run_pipeline(KEY, BODY)

    # THEN whether it is of the log or of the metrics
    lines = printed()
    assert {line["stage"] for line in lines} == set(STAGES)
    for line in lines:
        assert [name for name in IDENTITY if name not in line] == []
        assert line["run_id"] == run["run_id"]
        assert (line["dataset"], line["key"], line["attempt"]) == ("flights", KEY, 0)
        assert line["execution_arn"] == EXECUTION["arn"]
        assert line.get("service", line["stage"]) == line["stage"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_line_of_a_failure_says_whose_it_is(
    cloud: Cloud, faults: Faults, printed: Printed, stage: str
) -> None:
    # GIVEN a stage whose reads fail at its second attempt
    event = cloud.upload(KEY, BODY)
    runs = [None, *cloud.states(event, STAGES[: STAGES.index(stage)])]
    printed()
    with (
        faults.answering("GetObject", 404, "NoSuchKey"),
        faults.answering("ListObjectsV2", 500),
        pytest.raises(PipelineError),
    ):
        cloud.run_stage(stage, event, runs[-1], attempt=1)

    # THEN
    lines = printed()
    assert any(line.get("level") == "ERROR" for line in lines)
    for line in lines:
        assert [name for name in IDENTITY if name not in line] == []
        assert (line["stage"], line["key"], line["attempt"]) == (stage, KEY, 1)


@pytest.mark.parametrize(
    ("key", "event", "known"),
    [
        ("input/trains/b.csv", None, {"key", "dataset"}),
        ("input/nothing", None, {"key"}),
        (None, {}, set()),
    ],
)
def test_what_is_known_stands_in_the_first_line_already(
    cloud: Cloud,
    printed: Printed,
    key: str | None,
    event: dict[str, Any] | None,
    known: set[str],
) -> None:
    with pytest.raises((UnknownDatasetError, InvalidEventError)):
        cloud.run_stage("validate", cloud.upload(key, BODY) if key else event or {}, None)

    line = printed()[0]
    assert line["message"] == "stage failed"
    assert {"run_id", "dataset", "key"} & line.keys() == known
    assert (line["stage"], line["execution_arn"]) == ("validate", EXECUTION["arn"])


def test_failure_is_logged_with_its_traceback(cloud: Cloud, printed: Printed) -> None:
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
    printed: Printed,
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
