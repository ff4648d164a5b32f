from __future__ import annotations

from typing import Any

import pytest

from cli import follow
from cli.executions import ExecutionFinder
from cli.follow import Followed, Follower, still_running
from cli.upload import Uploaded
from cli.view import LineView
from tests.unit.cli.events import at, entered, exited, failed_task, summary, task
from tests.unit.cli.fakes import FakeCloud, FakeStepFunctions, FakeTarget

ENDED = {"type": "ExecutionSucceeded", "timestamp": at(1)}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow.time, "sleep", lambda _seconds: None)


def uploaded(key: str = "input/flights/f.csv", etag: str = "e1") -> Uploaded:
    return Uploaded(bucket="in", key=key, version_id="v9", etag=etag, size=3)


def finder(service: FakeStepFunctions) -> ExecutionFinder:
    return ExecutionFinder(FakeTarget(FakeCloud(service)))  # type: ignore[arg-type]


def follower(service: FakeStepFunctions, **more: Any) -> Follower:
    settings = {"timeout_seconds": 60.0} | more
    return Follower(FakeTarget(FakeCloud(service)), **settings)  # type: ignore[arg-type]


def followed(found_by: ExecutionFinder, key: str = "input/flights/f.csv") -> Followed:
    return Followed(key, "flights", uploaded(key).source, lambda: found_by.find(uploaded(key)))


def test_the_execution_of_an_earlier_upload_is_not_taken_for_ours() -> None:
    # GIVEN an execution about the same content under the same key
    service = FakeStepFunctions()
    service.starts("old", "input/flights/f.csv", "e1")
    found_by = finder(service)
    assert found_by.find(uploaded()) is None

    # WHEN ours begins
    ours = service.starts("new", "input/flights/f.csv", "e1")

    assert found_by.find(uploaded()) == ours


def test_ours_is_found_among_many_and_each_is_looked_at_once() -> None:
    service = FakeStepFunctions()
    service.starts("old", "input/flights/f.csv", "e0")
    found_by = finder(service)
    ours = service.starts("new", "input/flights/f.csv", "e1")
    others = [service.starts(f"o{n}", f"input/flights/{n}.csv", "e1") for n in range(5)]

    assert found_by.find(uploaded()) == ours
    assert found_by.find(uploaded()) == ours
    assert sorted(service.described) == sorted([ours, *others])


def test_every_file_is_followed_to_its_end() -> None:
    service = FakeStepFunctions()
    found_by = finder(service)
    keys = [f"input/flights/{n}.csv" for n in range(3)]
    arns = [service.starts(f"run-{n}", key, "e1", ENDED) for n, key in enumerate(keys)]
    files = [followed(found_by, key) for key in keys]

    results = follower(service).follow(files, LineView())

    assert [result.execution_arn for result in results] == arns
    assert all(result.is_good for result in results)
    # the version that the event left out is the upload's
    assert {result.source["version_id"] for result in results} == {"v9"}


def test_a_file_without_an_execution_is_given_up_in_words() -> None:
    service = FakeStepFunctions()
    file = followed(finder(service))

    [result] = follower(service, start_seconds=0.0).follow([file], LineView())

    assert result.status == "NOT_STARTED"
    assert not result.is_good
    assert result.error
    assert "s3://in/input/flights/f.csv, but no execution started" in result.error.message


def test_an_execution_that_does_not_end_is_left_running() -> None:
    service = FakeStepFunctions()
    found_by = finder(service)
    service.starts("slow", "input/flights/f.csv", "e1", entered("Validate", 0))
    service.executions[0]["status"] = "RUNNING"
    file = followed(found_by)

    results = follower(service, timeout_seconds=0.0).follow([file], LineView())

    assert still_running(results)


def test_plain_lines_tell_each_attempt_and_each_stage_once(capsys: Any) -> None:
    service = FakeStepFunctions()
    found_by = finder(service)
    events = [
        entered("Validate", 0),
        *failed_task(0, "StorageThrottledError"),
        *task(2, result=summary(("validate", 10, 9))),
        exited("Validate", 3),
        entered("Clean", 3),
    ]
    service.starts("run", "input/flights/f.csv", "e1", *events, ENDED)
    view = LineView()
    files = [followed(found_by)]

    follower(service).follow(files, view)
    view.update({files[0].label: files[0].states}, at(9))

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("✓ validate")
    assert "10 -> 9 rows" in said[0]
    assert "attempt 1 of 2: StorageThrottledError" in said[0]
