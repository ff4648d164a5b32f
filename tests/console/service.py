"""A Step Functions of a few lines, as the console asks it: lists, descriptions, ends of histories.

`executions(2000)` fills it as a busy month would; everything in it is derived from the number, so
that tests can say what there is.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:machine"
EXECUTION = MACHINE.replace("stateMachine", "execution", 1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATASETS = ("flights", "weather", "penguins")


@dataclass
class Service:
    """Holds executions, the latest first, and counts what it was asked.

    `refusing` is the code of the error that every request gets but listings.
    """

    executions: list[dict[str, Any]] = field(default_factory=list)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    refusing: str | None = None
    answers_before_refusing: int = 0

    def add(self, execution: dict[str, Any], *events: dict[str, Any]) -> None:
        """Have one more execution, the latest."""
        self.executions.insert(0, execution)
        self.histories[execution["executionArn"]] = list(events)

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.asked["describe"] += 1
        if self.refusing and self.asked["describe"] > self.answers_before_refusing:
            raise refusal(self.refusing, "DescribeExecution")
        for execution in self.executions:
            if execution["executionArn"] == executionArn:
                return execution
        raise refusal("ExecutionDoesNotExist", "DescribeExecution")

    def get_execution_history(self, **asked: Any) -> dict[str, Any]:
        self.asked["history"] += 1
        events = self.histories[asked["executionArn"]]
        assert asked["reverseOrder"]
        return {"events": events[::-1][: asked["maxResults"]]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_executions"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """Yield pages of what a listing tells."""
        size, most = (asked["PaginationConfig"][name] for name in ("PageSize", "MaxItems"))
        told = ("executionArn", "name", "status", "startDate", "stopDate", "redriveCount")
        listed = [
            {name: execution[name] for name in told if name in execution}
            for execution in self.executions[:most]
        ]
        for first in range(0, max(len(listed), 1), size):
            self.asked["list"] += 1
            yield {"executions": listed[first : first + size]}


def refusal(code: str, operation: str) -> ClientError:
    """What a service answers that does not do it."""
    return ClientError({"Error": {"Code": code, "Message": f"{code} it says"}}, operation)


def execution(name: str, status: str = "SUCCEEDED", **changes: Any) -> dict[str, Any]:
    """What describing an execution tells; `started` minutes before `NOW`, `key` of its object."""
    started = NOW - timedelta(minutes=changes.pop("started", 0))
    detail = {
        "bucket": {"name": "in"},
        "object": {"key": changes.pop("key", f"input/flights/{name}.csv")},
    }
    found = {
        "executionArn": f"{EXECUTION}:{name}",
        "name": name,
        "status": status,
        "startDate": started,
        "input": json.dumps({"detail": detail}),
    }
    return (
        found
        | ({} if status == "RUNNING" else {"stopDate": started + timedelta(seconds=30)})
        | changes
    )


def succeeded(name: str, *, rejected: int = 0, **changes: Any) -> dict[str, Any]:
    """An execution that has ended well, with the summary of its run."""
    summary = {
        "run_id": name,
        "stages": [],
        "outcome": "SUCCEEDED_WITH_REJECTS" if rejected else "SUCCEEDED",
        "rows": {"read": 1000, "written": 1000 - rejected, "rejected": rejected},
        "cost": {"usd": 0.00042},
    }
    return execution(name, "SUCCEEDED", output=json.dumps(summary), **changes)


def failed(name: str, error: str, message: str, **changes: Any) -> dict[str, Any]:
    """An execution that the state machine has ended after a failure."""
    return execution(name, "FAILED", error=error, cause=message, **changes)


def end_of_history(error: str, message: str, rows: dict[str, int]) -> list[dict[str, Any]]:
    """Last events of a failed execution: what was known of it is the input of its last state."""
    failure = {"stage": "clean", "error": error, "message": message, "status_code": 400}
    return [
        {"type": "ExecutionStarted", "timestamp": NOW},
        {
            "type": "FailStateEntered",
            "timestamp": NOW,
            "stateEnteredEventDetails": {
                "name": "PipelineFailed",
                "input": json.dumps({"failure": failure | {"rows": rows}}),
            },
        },
        {"type": "ExecutionFailed", "timestamp": NOW},
    ]


def executions(number: int) -> Service:
    """So many executions, the latest running, then one a minute.

    Every tenth failed, every seventh of the others has rejected rows; datasets take turns.
    """
    service = Service()
    for position in reversed(range(number)):
        name = f"run-{position:04}"
        changes = {
            "started": position,
            "key": f"input/{DATASETS[position % 3]}/day-{position:04}.csv",
        }
        if position == 0:
            service.add(execution(name, "RUNNING", **changes))
        elif position % 10 == 0:
            told = ("TooManyRejectsError", f"Too many rows of day {position} are bad.")
            rows = {"read": 1000, "written": 0, "rejected": 700}
            service.add(failed(name, *told, **changes), *end_of_history(*told, rows))
        else:
            service.add(succeeded(name, rejected=3 if position % 7 == 0 else 0, **changes))
    return service
