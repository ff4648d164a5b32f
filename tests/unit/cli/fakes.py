"""A Step Functions of a few lines: executions with inputs and histories, listed in pages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.unit.cli.events import START, at

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:machine"


@dataclass
class FakeStepFunctions:
    """Holds executions, the latest first; counts how often each was described.

    Those that `start_execution` starts end after `looks_until_end` looks at their history, as
    `ends_as` says by the key of their object, else well.
    """

    page_size: int = 2
    ends_as: dict[str, str] = field(default_factory=dict)
    looks_until_end: int = 0
    most_running: int = 0
    looks: dict[str, int] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    described: list[str] = field(default_factory=list)

    def starts(self, name: str, key: str, etag: str, *events: dict[str, Any]) -> str:
        """Start an execution about an object."""
        arn = f"{MACHINE.replace('stateMachine', 'execution', 1)}:{name}"
        about = {"bucket": {"name": "in"}, "object": {"key": key, "etag": etag}}
        execution = {
            "executionArn": arn,
            "name": name,
            "status": "SUCCEEDED",
            "startDate": START,
            "stopDate": at(1),
            "input": json.dumps({"detail": about}),
            "output": json.dumps({"rows": {}, "stages": [], "outcome": "SUCCEEDED"}),
        }
        self.executions.insert(0, execution)
        self.histories[arn] = list(events)
        return arn

    def start_execution(self, **asked: Any) -> dict[str, str]:
        """Start an execution as a replay does."""
        event = json.loads(asked["input"])
        status = self.ends_as.get(event["detail"]["object"]["key"], "SUCCEEDED")
        arn = self.starts(asked["name"], "", "")
        self.executions[0] |= {"input": asked["input"], "status": status}
        self.histories[arn] = [{"type": f"Execution{status.capitalize()}", "timestamp": at(1)}]
        self.looks[arn] = 0
        running = sum(1 for looks in self.looks.values() if looks <= self.looks_until_end)
        self.most_running = max(self.most_running, running)
        return {"executionArn": arn}

    def describe_execution(self, **asked: Any) -> dict[str, Any]:
        self.described.append(asked["executionArn"])
        for execution in self.executions:
            if execution["executionArn"] == asked["executionArn"]:
                return execution
        raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "list_executions" else Histories(self)

    def paginate(self, **_asked: Any) -> Iterator[dict[str, Any]]:
        for first in range(0, max(len(self.executions), 1), self.page_size):
            yield {"executions": self.executions[first : first + self.page_size]}


@dataclass
class Histories:
    of: FakeStepFunctions

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        arn = asked["executionArn"]
        if arn not in self.of.histories:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "GetExecutionHistory")
        if arn in self.of.looks:
            self.of.looks[arn] += 1
            if self.of.looks[arn] <= self.of.looks_until_end:
                return
        yield {"events": self.of.histories[arn]}


@dataclass
class FakeCloud:
    client: FakeStepFunctions
    is_local: bool = True

    def stepfunctions(self) -> FakeStepFunctions:
        return self.client


@dataclass
class FakeTarget:
    cloud: FakeCloud
    state_machine_arn: str = MACHINE
