from __future__ import annotations

from typing import Any

import pytest

from cli.executions import described, execution_arn, is_about, latest_executions
from cli.upload import Uploaded, object_key
from tests.unit.cli.events import at
from tests.unit.cli.fakes import FakeCloud, FakeStepFunctions, FakeTarget

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:stateMachine-1"
UPLOADED = Uploaded(bucket="in", key="input/flights/f.csv", version_id="v2", etag="e2", size=3)


def event(**changes: Any) -> dict[str, Any]:
    item = {"key": "input/flights/f.csv", "etag": "e2", "version-id": "v2"} | changes
    return {"bucket": {"name": changes.get("bucket", "in")}, "object": item}


def test_an_event_about_this_version_is_recognised() -> None:
    assert is_about(event(), UPLOADED)
    assert is_about(event(etag='"e2"'), UPLOADED)


def test_an_event_without_a_version_is_recognised_by_its_etag() -> None:
    without = event()
    del without["object"]["version-id"]

    assert is_about(without, UPLOADED)


@pytest.mark.parametrize(
    "changes",
    [{"bucket": "other"}, {"key": "input/flights/g.csv"}, {"etag": "e1"}, {"version-id": "v1"}],
    ids=str,
)
def test_an_event_about_anything_else_is_not(changes: dict[str, Any]) -> None:
    assert not is_about(event(**changes), UPLOADED)


def test_an_execution_started_with_something_else_is_not() -> None:
    assert not is_about({}, UPLOADED)


def test_a_name_becomes_the_arn_of_an_execution() -> None:
    arn = "arn:aws:states:us-east-1:000000000000:execution:stateMachine-1:run"

    assert execution_arn(MACHINE, "run") == arn
    assert execution_arn(MACHINE, arn) == arn


def test_a_key_holds_the_files_name_as_it_is() -> None:
    assert object_key("flights", "a b+ü%20.csv") == "input/flights/a b+ü%20.csv"


def test_the_latest_execution_is_the_one_that_started_last() -> None:
    # GIVEN a service that lists by the end of executions
    service = FakeStepFunctions()
    starts = {"second": 20, "third": 30, "first": 10}
    arns = {}
    for name, seconds in starts.items():
        arns[name] = service.starts(name, "input/flights/f.csv", "e1")
        service.executions[0]["startDate"] = at(seconds)
    target: Any = FakeTarget(FakeCloud(service))

    assert latest_executions(target, 2) == [arns["third"], arns["second"]]
    assert described(target, "last")["name"] == "third"
