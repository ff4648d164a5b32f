from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.history import Attempt
from console.reading.logs import InvocationLog, invocation_log
from tests.console.conftest import over
from tests.console.history_service import HistoryService, at, task
from tests.console.service import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:states:us-east-1:000000000000:execution:machine:run"
GROUP = "/aws/lambda/validate"


@dataclass
class Logs:
    """CloudWatch Logs with lines by stream; it matches no patterns, as some clouds do not."""

    streams: dict[str, list[str]] = field(default_factory=dict)
    refusing: str | None = None

    def get_paginator(self, _operation: str) -> Logs:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        assert asked["logGroupName"] == GROUP
        if self.refusing:
            raise refusal(self.refusing, "FilterLogEvents")
        yield {"events": []}  # CloudWatch's way of saying that it still searches
        for name, messages in self.streams.items():
            told = [{"message": each, "logStreamName": name} for each in messages]
            yield {"events": told}

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        messages = self.streams[asked["logStreamName"]]
        return {"events": [{"message": each, "timestamp": 0} for each in messages]}


class Functions:
    """Lambda, whose function writes to the group that it always had."""

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        return {"FunctionName": FunctionName.rpartition(":")[2]}


def line(request: str, attempt: int, message: str, arn: str = ARN) -> str:
    told = {"message": message, "execution_arn": arn, "attempt": attempt}
    return json.dumps(told | {"function_request_id": request})


def read(logs: Logs, number: int, state: dict[str, Any] | None = None) -> InvocationLog:
    target = over(HistoryService(), logs=logs, **{"lambda": Functions()})
    attempt = Attempt(started=at(0), ended=at(1))
    return invocation_log(target, state or task("X"), ARN, number, attempt)


def test_lines_of_the_invocation_and_no_others() -> None:
    other = ARN.replace("run", "other")
    logs = Logs(
        {
            "first": ["START RequestId: a", line("a", 0, "first try"), "REPORT RequestId: a"],
            "second": [
                "START RequestId: x",
                line("x", 1, "somebody else", other),
                "REPORT RequestId: x",
                "START RequestId: b",
                line("b", 1, "second try"),
                "plain words",
                "REPORT RequestId: b",
            ],
        }
    )
    found = read(logs, 1)
    assert found.group == GROUP
    assert [each.message for each in found.lines] == [
        "START RequestId: b",
        "second try",
        "plain words",
        "REPORT RequestId: b",
    ]


def test_an_attempt_that_no_line_names_says_why_that_may_be() -> None:
    found = read(Logs({"first": [line("a", 0, "first try")]}), 1)
    assert found.lines == ()
    assert found.remark is not None
    assert "retention" in found.remark


def test_a_log_that_may_not_be_read_is_no_error() -> None:
    found = read(Logs(refusing="AccessDeniedException"), 0)
    assert found.remark is not None
    assert "AccessDeniedException" in found.remark


def test_a_state_without_a_function_has_no_log() -> None:
    assert read(Logs(), 0, {"Type": "Pass"}).remark == (
        "No function works in this state, so there is no log."
    )
