"""The console of a real local cloud in which files have run: what the browser's tests look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from tests.end_to_end.cloud import Cloud, Ended, waited_for
from tests.end_to_end.samples import flight, flights

GOOD: Final = "input/flights/good.csv"
REJECTS: Final = "input/flights/rejects.csv"
NO_COLUMNS: Final = "input/flights/no-such-columns.csv"
VANISHED: Final = "input/flights/vanished.csv"

FILES: Final = {
    GOOD: flights(*map(flight, range(1, 21))),
    # Three rules are broken, one of them twice.
    REJECTS: flights(
        flight(1),
        flight(2, month="13"),
        flight(3, origin=""),
        flight(4, month="14"),
        flight(5, distance="far"),
        *map(flight, range(6, 11)),
    ),
    NO_COLUMNS: b"a,b\n1,2\n",
}


@dataclass(frozen=True)
class Runs:
    """Names of executions that have ended: two that succeeded, two that failed.

    `good` took 20 rows. `rejects` took 10 and rejected 4: two by the range of `month`, one without
    an `origin`, one whose `distance` is no number. `failed` is about a file that lacks the
    dataset's columns, and was not tried again. `retried` is about a file that has vanished: its
    first state failed three times.
    """

    good: str
    rejects: str
    failed: str
    retried: str


@dataclass(frozen=True)
class Site:
    """A console, its cloud, and what ran there."""

    url: str
    cloud: Cloud
    runs: Runs

    def run(self, key: str, body: bytes) -> Ended:
        """Run one more file, and wait for its end."""
        return self.cloud.run(key, body)

    def start_vanished(self, key: str = VANISHED) -> str:
        """Start an execution about a file that is not there; its ARN."""
        return start_vanished(self.cloud, key)


def start_vanished(cloud: Cloud, key: str) -> str:
    """Start an execution about a file that is not there; its ARN."""
    bucket = cloud.status["input_bucket"]
    about = {"key": key, "size": 1, "etag": "", "sequencer": ""}
    detail = {"bucket": {"name": bucket}, "object": about}
    event = {"detail-type": "Object Created", "detail": detail}
    started = cloud.client("stepfunctions").start_execution(
        stateMachineArn=cloud.status["state_machine_arn"], input=json.dumps(event)
    )
    return str(started["executionArn"])


def run_all(cloud: Cloud) -> Runs:
    """Run the files side by side, wait for all of them, and return their executions' names."""
    retried = start_vanished(cloud, VANISHED)
    for key, body in FILES.items():
        cloud.upload(key, body)
    ended = {key: cloud.ended(key, ignoring=[retried]) for key in FILES}
    assert [run.status for run in ended.values()] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    names = {key: run.name for key, run in ended.items()}
    wait_for_end(cloud, retried)
    failed = names[NO_COLUMNS]
    vanished = retried.rpartition(":")[2]
    for name in (failed, vanished):
        await_letter(cloud, name)
    return Runs(names[GOOD], names[REJECTS], failed, vanished)


def wait_for_end(cloud: Cloud, arn: str) -> None:
    """Wait until an execution has ended, whatever it is about."""
    client = cloud.client("stepfunctions")

    def look() -> bool | None:
        return client.describe_execution(executionArn=arn)["status"] != "RUNNING" or None

    waited_for(look, f"the end of {arn}")


def await_letter(cloud: Cloud, name: str) -> None:
    """Wait until the command line finds an execution's dead letter."""

    def look() -> bool | None:
        return cloud.cli("dead-letters", "show", name, "--json").returncode == 0 or None

    waited_for(look, f"the dead letter of {name}")
