"""Hand-written history events, in the two shapes that Step Functions writes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def summary(*stages: tuple[str, int, int], **more: Any) -> dict[str, Any]:
    reports = [{"stage": s, "rows_in": i, "rows_out": o, "seconds": 0.5} for s, i, o in stages]
    rows = {
        "read": 10,
        "expanded": 0,
        "written": 0,
        "rejected": 0,
        "duplicates": 0,
        "filtered": 0,
        "dropped_by_lookup": 0,
    }
    return {"dataset": "flights", "rows": rows, "stages": reports, "outcome": None} | more


def entered(name: str, seconds: float, state: Any = None, kind: str = "Task") -> dict[str, Any]:
    return {
        "type": f"{kind}StateEntered",
        "timestamp": at(seconds),
        "stateEnteredEventDetails": {"name": name, "input": json.dumps(state or {})},
    }


def exited(name: str, seconds: float, output: Any = None, kind: str = "Task") -> dict[str, Any]:
    return {
        "type": f"{kind}StateExited",
        "timestamp": at(seconds),
        "stateExitedEventDetails": {"name": name, "output": json.dumps(output or {})},
    }


def task(seconds: float, **details: Any) -> list[dict[str, Any]]:
    """Scheduled and succeeded after half a second, as an optimised integration writes it."""
    return [
        {"type": "TaskScheduled", "timestamp": at(seconds)},
        {
            "type": "TaskSucceeded",
            "timestamp": at(seconds + 0.5),
            "taskSucceededEventDetails": {"output": json.dumps({"Payload": details["result"]})},
        },
    ]


def plain_function(seconds: float, **details: Any) -> list[dict[str, Any]]:
    """The same as a task whose resource is a plain function ARN writes it."""
    return [
        {"type": "LambdaFunctionScheduled", "timestamp": at(seconds)},
        {"type": "LambdaFunctionStarted", "timestamp": at(seconds + 0.1)},
        {
            "type": "LambdaFunctionSucceeded",
            "timestamp": at(seconds + 0.5),
            "lambdaFunctionSucceededEventDetails": {"output": json.dumps(details["result"])},
        },
    ]


def failed_task(seconds: float, error: str, cause: str = "") -> list[dict[str, Any]]:
    return [
        {"type": "TaskScheduled", "timestamp": at(seconds)},
        {
            "type": "TaskFailed",
            "timestamp": at(seconds + 0.5),
            "taskFailedEventDetails": {"error": error, "cause": cause},
        },
    ]


def failed_plain_function(seconds: float, error: str, cause: str = "") -> list[dict[str, Any]]:
    return [
        {"type": "LambdaFunctionScheduled", "timestamp": at(seconds)},
        {
            "type": "LambdaFunctionFailed",
            "timestamp": at(seconds + 0.5),
            "lambdaFunctionFailedEventDetails": {"error": error, "cause": cause},
        },
    ]


def lambda_cause(error: str, message: str, *trace: str) -> str:
    return json.dumps({"errorType": error, "errorMessage": message, "stackTrace": list(trace)})
