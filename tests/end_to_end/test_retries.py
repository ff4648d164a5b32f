from __future__ import annotations

import json
from itertools import dropwhile, pairwise, takewhile
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import RETRY_BACKOFF_RATE, RETRY_INTERVAL_SECONDS, RETRY_MAX_ATTEMPTS
from tests.end_to_end.cloud import Ended, waited_for
from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from datetime import datetime

    from tests.end_to_end.cloud import Cloud


def event_about(cloud: Cloud, key: str) -> dict[str, Any]:
    """S3's event about an object that may not be there."""
    return {
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": cloud.status["input_bucket"]},
            "object": {"key": key, "size": 1, "etag": "", "sequencer": ""},
        },
    }


def started(cloud: Cloud, key: str) -> str:
    """ARN of an execution about an object, started by hand."""
    machine = cloud.status["state_machine_arn"]
    client = cloud.client("stepfunctions")
    event = json.dumps(event_about(cloud, key))
    return str(client.start_execution(stateMachineArn=machine, input=event)["executionArn"])


def end_of(cloud: Cloud, arn: str) -> Ended:
    client = cloud.client("stepfunctions")

    def look() -> Ended | None:
        described = client.describe_execution(executionArn=arn)
        running = described["status"] == "RUNNING"
        return None if running else Ended(described["name"], described["status"], described)

    return waited_for(look, f"the end of {arn}")


def history(cloud: Cloud, arn: str) -> list[dict[str, Any]]:
    """Events of the first stage's state: all until another state is entered."""
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    events = [event for page in pages.paginate(executionArn=arn) for event in page["events"]]
    entered = [event.get("stateEnteredEventDetails", {}).get("name") for event in events]
    begun = dropwhile(lambda pair: pair[1] != "Validate", zip(events, entered, strict=True))
    mine = takewhile(lambda pair: pair[1] in (None, "Validate"), begun)
    return [event for event, _ in mine]


def failures(cloud: Cloud, arn: str) -> list[datetime]:
    """When the first stage failed, each time."""
    failed = ("TaskFailed", "LambdaFunctionFailed")
    return [event["timestamp"] for event in history(cloud, arn) if event["type"] in failed]


@pytest.fixture(scope="module")
def vanished(cloud: Cloud) -> Ended:
    """The execution about an object that was deleted before anybody read it."""
    return end_of(cloud, started(cloud, "input/flights/vanished.csv"))


def test_a_transient_error_is_retried_twice_with_growing_pauses(
    cloud: Cloud, vanished: Ended
) -> None:
    arn = vanished.described["executionArn"]
    moments = failures(cloud, arn)
    assert len(moments) == RETRY_MAX_ATTEMPTS + 1
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    longest = [RETRY_INTERVAL_SECONDS * RETRY_BACKOFF_RATE**n for n in range(RETRY_MAX_ATTEMPTS)]
    # Jitter may shorten a pause, though not on every engine; only a busy machine lengthens it.
    assert all(0 <= pause <= most + 2 for pause, most in zip(pauses, longest, strict=True)), pauses


def test_after_the_last_retry_the_run_is_kept_and_told(cloud: Cloud, vanished: Ended) -> None:
    letter, alert = cloud.dead_letter(vanished.name), cloud.alert(vanished.name)

    assert (vanished.status, vanished.described["error"]) == ("FAILED", "ObjectNotVisibleError")
    assert letter["failure"]["status_code"] == 500
    assert letter["event"] == json.loads(vanished.described["input"])
    assert "input/flights/vanished.csv" in alert["Message"]
    assert "Status: 500" in alert["Message"]


def test_what_passes_by_itself_needs_nobody(cloud: Cloud) -> None:
    # GIVEN an execution about an object that appears only after the first try
    key = "input/flights/late.csv"
    arn = started(cloud, key)
    waited_for(lambda: failures(cloud, arn) or None, "the first try")
    cloud.upload(key, flights(flight(1)))
    # THEN a retry finds it, and nothing fails
    ended = end_of(cloud, arn)
    assert ended.status == "SUCCEEDED"
    assert ended.output["rows"]["read"] == 1
    assert 1 <= len(failures(cloud, arn)) <= RETRY_MAX_ATTEMPTS


def test_an_execution_that_is_stopped_is_kept_and_told(cloud: Cloud) -> None:
    # GIVEN an execution that waits for its retry
    arn = started(cloud, "input/flights/stopped.csv")
    waited_for(lambda: failures(cloud, arn) or None, "the first try")
    # WHEN somebody stops it, which no Catch sees
    cloud.client("stepfunctions").stop_execution(executionArn=arn)
    ended = end_of(cloud, arn)
    # THEN it reaches the same queue and the same people
    letter, alert = cloud.dead_letter(ended.name), cloud.alert(ended.name)
    assert ended.status == "ABORTED"
    assert letter["failure"]["error"] == "ABORTED"
    assert "input/flights/stopped.csv" in json.dumps(letter["event"])
    assert f"pipeline show {ended.name}" in alert["Message"]
    assert f"pipeline dead-letters replay {ended.name}" in alert["Message"]


def test_the_marker_of_a_folder_is_no_file(cloud: Cloud) -> None:
    ended = cloud.run("input/brand_new_folder/", b"")

    assert (ended.status, ended.output["outcome"]) == ("SUCCEEDED", "IGNORED")
