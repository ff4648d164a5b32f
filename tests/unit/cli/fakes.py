"""A Step Functions of a few lines: executions with inputs and histories, listed in pages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.unit.cli.events import START, at

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:machine"


@dataclass
class FakeStepFunctions:
    """Holds executions, the latest first; counts how often each was described."""

    page_size: int = 2
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

    def describe_execution(self, **asked: Any) -> dict[str, Any]:
        self.described.append(asked["executionArn"])
        return next(e for e in self.executions if e["executionArn"] == asked["executionArn"])

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "list_executions" else Histories(self)

    def paginate(self, **_asked: Any) -> Iterator[dict[str, Any]]:
        for first in range(0, max(len(self.executions), 1), self.page_size):
            yield {"executions": self.executions[first : first + self.page_size]}


@dataclass
class Histories:
    of: FakeStepFunctions

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield {"events": self.of.histories[asked["executionArn"]]}


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
