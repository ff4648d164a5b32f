"""A Step Functions that tells the history and the definition of executions, and CloudWatch Logs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.console.service import NOW, Service, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:validate"


def task(following: str, *, catch: str | None = None) -> dict[str, Any]:
    """What a definition says of a stage's state."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": FUNCTION},
        "Next": following,
    }
    caught = [{"ErrorEquals": ["States.ALL"], "Next": catch}]
    return state | ({"Catch": caught} if catch else {})


DEFINITION: dict[str, Any] = {
    "StartAt": "Validate",
    "States": {
        "Validate": task("IsThereWork", catch="Failed"),
        "IsThereWork": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.rows", "NumericGreaterThan": 0, "Next": "Clean"},
            ],
            "Default": "Succeeded",
        },
        "Clean": task("Succeeded", catch="Failed"),
        "Succeeded": {"Type": "Succeed"},
        "Failed": {"Type": "Fail"},
    },
}


@dataclass
class HistoryService(Service):
    """`Service`, and whole histories; `definition` None may not be read."""

    definition: dict[str, Any] | None = field(default_factory=lambda: DEFINITION)

    def describe_state_machine_for_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.asked["definition"] += 1
        if self.definition is None:
            raise refusal("AccessDeniedException", "DescribeStateMachineForExecution")
        return {"definition": json.dumps(self.definition), "name": executionArn}

    def get_paginator(self, operation: str) -> Any:
        return _Pages(self) if operation == "get_execution_history" else super().get_paginator("")


@dataclass
class _Pages:
    service: HistoryService

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.service.asked["history"] += 1
        yield {"events": self.service.histories[asked["executionArn"]]}


class Told:
    """Events one after the other, as a history has them; `seconds` count from `NOW`."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, seconds: float, *, after: int | None = None, **details: Any) -> int:
        """Tell of one more event; its id. Without `after` it names none before it."""
        event: dict[str, Any] = {
            "id": len(self.events) + 1,
            "type": kind,
            "timestamp": at(seconds),
        }
        if after is not None:
            event["previousEventId"] = after
        for shared in ("StateEntered", "StateExited"):
            kind = shared if kind.endswith(shared) else kind
        if details:
            event[f"{kind[0].lower()}{kind[1:]}EventDetails"] = details
        self.events.append(event)
        return len(self.events)


def at(seconds: float) -> datetime:
    """So many seconds after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def cause(message: str, *trace: str) -> str:
    """What Lambda sends of an error that no one caught."""
    told = {"errorMessage": json.dumps({"message": message, "run": {}}), "stackTrace": trace}
    return json.dumps(told)


def failed_twice() -> list[dict[str, Any]]:
    """Validate fails at 1 s and, after a pause of 3 s, for good at 6 s."""
    told = Told()
    error = {
        "error": "StorageUnavailableError",
        "cause": cause(
            "S3 <b>does not</b> answer.",
            '  File "/var/task/functions/validate/handler.py", line 42, in lambda_handler\n'
            "    uploaded = open_object(\n",
            '  File "/opt/python/site-packages/botocore/client.py", line 1, in call\n    raise\n',
        ),
    }
    told.add("ExecutionStarted", 0)
    told.add("TaskStateEntered", 0, name="Validate", input='{"a": 1}')
    told.add("TaskScheduled", 0)
    told.add("TaskFailed", 1, **error)
    told.add("TaskScheduled", 4)
    told.add("TaskFailed", 6, **error)
    told.add("TaskStateExited", 6, name="Validate", output="{}")
    told.add("FailStateEntered", 6, name="Failed", input="{}")
    told.add("ExecutionFailed", 6, error="StorageUnavailableError")
    return told.events
