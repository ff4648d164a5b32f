"""Log lines of one invocation of a stage's function.

Our own lines name the execution and the attempt (`pipeline/telemetry.py`). Lambda's lines name at
most the request, so that what stands in the same stream from the request's start to its report is
the invocation's: a process serves one after the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from types_boto3_logs import CloudWatchLogsClient

    from cli.history import Attempt
    from cli.target import Target

AROUND: Final = timedelta(seconds=5)
"""Clocks differ, and Lambda reports a little after it has answered."""
LINES: Final = 1000
"""Most lines that are read."""
PAGES: Final = 10
"""Most answers that are waited for; CloudWatch sends empty ones while it searches."""
LONGEST: Final = 8000
"""Characters of a line that are shown."""
ENDS: Final = ("REPORT RequestId: ", '"platform.report"')
STARTS: Final = ("START RequestId: ", '"platform.start"')


@dataclass(frozen=True)
class LogLine:
    """One line; `rest` are the fields of a structured one that the columns do not show."""

    time: datetime
    level: str
    message: str
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InvocationLog:
    """Lines of one invocation, oldest first; `remark` says why there are none, or not all."""

    group: str | None
    lines: Sequence[LogLine] = ()
    remark: str | None = None


def invocation_log(
    target: Target, state: Mapping[str, Any], execution_arn: str, number: int, attempt: Attempt
) -> InvocationLog:
    """Return the log of an attempt of a state; never raises for a log that cannot be read.

    Parameters
    ----------
    state
        What the state machine's definition says of the state.
    number
        Of the attempt, from 0.
    """
    function = function_of(state)
    if function is None:
        return InvocationLog(None, remark="No function works in this state, so there is no log.")
    try:
        group = _log_group(target, function)
        return _read(target.cloud.logs(), group, execution_arn, number, attempt)
    except (ClientError, BotoCoreError) as refused:
        return InvocationLog(None, remark=f"The log cannot be read: {refused}")


def function_of(state: Mapping[str, Any]) -> str | None:
    """Return the name or ARN of the function that a state invokes; None if it invokes none."""
    resource = state.get("Resource")
    if not isinstance(resource, str):
        return None
    if ":lambda:" in resource and ":function:" in resource:
        return resource
    given = state.get("Parameters") or state.get("Arguments")
    name = given.get("FunctionName") if isinstance(given, dict) else None
    return name if isinstance(name, str) and "lambda:invoke" in resource else None


def log_line(milliseconds: int, message: str) -> LogLine:
    """Return a line as it is shown: one of ours, one of Lambda's own, or plain text."""
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    text = message.replace("\u00a0", " ").rstrip()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return LogLine(time, _level(text), _cut(text))
    if "_aws" in told:
        return LogLine(time, "METRIC", _metrics(told), told)
    said = told.pop("message", None) or told.get("errorMessage") or told.get("type")
    rest = {name: value for name, value in told.items() if name not in ("level", "timestamp")}
    words = said if isinstance(said, str) else json.dumps(said if said is not None else rest)
    level = told.get("level", "PLATFORM" if words.startswith("platform.") else "")
    return LogLine(time, str(level), _cut(words), rest)


def _level(text: str) -> str:
    """Return whose a plain line is: Lambda's own, an error that nobody caught, or unknown."""
    if text.startswith("[ERROR]"):
        return "ERROR"
    own = text.startswith((STARTS[0], ENDS[0], "END RequestId: ", "INIT_START"))
    return "PLATFORM" if own else ""


def _metrics(told: Mapping[str, Any]) -> str:
    """`StageErrors 1, ColdStarts 0`."""
    figures = (f"{name} {value[0]:g}" for name, value in told.items() if _is_figure(value))
    return ", ".join(figures) or "metrics"


def _is_figure(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], int | float)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _log_group(target: Target, function: str) -> str:
    found = target.cloud.functions().get_function_configuration(FunctionName=function)
    named = (found.get("LoggingConfig") or {}).get("LogGroup")
    return named or f"/aws/lambda/{found['FunctionName']}"


def _read(
    client: CloudWatchLogsClient, group: str, execution_arn: str, number: int, attempt: Attempt
) -> InvocationLog:
    begin = _milliseconds(attempt.started - AROUND)
    end = _milliseconds((attempt.ended or datetime.now(UTC)) + AROUND)
    named = _matching(client, group, f'"{execution_arn}"', begin, end)
    mine = [event for event in named if _told(event).get("attempt", 0) == number]
    if not mine:
        return InvocationLog(group, remark=_nothing(attempt))
    request = str(_told(mine[0]).get("function_request_id", ""))
    stream = client.get_log_events(
        logGroupName=group,
        logStreamName=mine[0]["logStreamName"],
        startTime=begin,
        endTime=end,
        limit=LINES,
        startFromHead=True,
    )["events"]
    events = between([event["message"] for event in stream], request)
    shown = [log_line(stream[at]["timestamp"], stream[at]["message"]) for at in events]
    remark = f"Only the first {LINES:,} lines were read." if len(stream) == LINES else None
    return InvocationLog(group, shown, remark)


def between(messages: Sequence[str], request: str) -> range:
    """Return which of a stream's lines are a request's, from its start to its report."""
    first = _first(messages, STARTS, request)
    last = _first(messages, ENDS, request)
    return range(first or 0, len(messages) if last is None else last + 1)


def _first(messages: Sequence[str], marks: Sequence[str], request: str) -> int | None:
    found = (
        at
        for at, message in enumerate(messages)
        if request in message and any(mark in message for mark in marks)
    )
    return next(found, None)


def _matching(
    client: CloudWatchLogsClient, group: str, pattern: str, begin: int, end: int
) -> list[Any]:
    """Events that match a pattern; it is checked again here, for not every cloud does."""
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        filterPattern=pattern,
        startTime=begin,
        endTime=end,
        PaginationConfig={"MaxItems": LINES},
    )
    found: list[Any] = []
    for number, page in enumerate(pages, start=1):
        found += [event for event in page["events"] if pattern.strip('"') in event["message"]]
        if number == PAGES:
            break
    return found


def _told(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        told = json.loads(event["message"])
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _nothing(attempt: Attempt) -> str:
    if attempt.ended is None:
        return "No line yet: CloudWatch takes some seconds."
    return (
        "No line in the log names this attempt: it may have died before it could log, its lines "
        "may not have arrived yet, or the log group's retention has deleted them."
    )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
