"""Reads the history of an execution: which states ran, how often they were tried, what they said.

The events of an optimised `lambda:invoke` task (`Task*`) and of a plain function ARN
(`LambdaFunction*`) differ in name and in shape; both are understood.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import STAGES, state_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

SCHEDULED: Final = ("TaskScheduled", "LambdaFunctionScheduled")
SUCCEEDED: Final = ("TaskSucceeded", "LambdaFunctionSucceeded")
FAILED: Final = (
    "TaskFailed",
    "TaskTimedOut",
    "TaskStartFailed",
    "TaskSubmitFailed",
    "LambdaFunctionFailed",
    "LambdaFunctionTimedOut",
    "LambdaFunctionScheduleFailed",
    "LambdaFunctionStartFailed",
)
ENDED_BADLY: Final = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass
class Attempt:
    """One try of a task."""

    started: datetime
    ended: datetime | None = None
    error: str | None = None
    cause: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.ended - self.started).total_seconds() if self.ended else None


@dataclass
class StateRun:
    """One visit of a state."""

    name: str
    kind: str
    entered: datetime
    exited: datetime | None = None
    input: Any = None
    output: Any = None
    attempts: list[Attempt] = field(default_factory=list)
    died: bool = False

    @property
    def status(self) -> str:
        """`running`, `retrying`, `succeeded`, `caught` or `failed`."""
        erred = bool(self.attempts) and self.attempts[-1].error is not None
        if self.died:
            return "failed"
        if self.exited is None:
            return "retrying" if erred else "running"
        return "caught" if erred else "succeeded"

    @property
    def stage(self) -> str | None:
        """The stage that the state runs, if it runs one."""
        return next((stage for stage in STAGES if state_name(stage) == self.name), None)

    @property
    def retries(self) -> int:
        """How often the task was tried again."""
        return max(0, len(self.attempts) - 1)

    def seconds(self, now: datetime) -> float:
        """Time spent in the state so far."""
        return ((self.exited or now) - self.entered).total_seconds()

    def stage_report(self) -> Mapping[str, Any]:
        """Say what the stage reported about itself (`run.stages`); empty until it succeeded."""
        run = run_summary(self.output)
        reports = run.get("stages") or []
        return next((report for report in reports if report.get("stage") == self.stage), {})


def state_runs(events: Iterable[Mapping[str, Any]]) -> list[StateRun]:
    """Visits of states in their order, from the events of a linear state machine."""
    runs: list[StateRun] = []
    for event in events:
        kind = event["type"]
        if kind.endswith("StateEntered"):
            runs.append(_entered(event))
        elif runs:
            _complete(runs[-1], event)
    return runs


def run_summary(document: Any) -> dict[str, Any]:
    """Return the run summary in a state's output, a function's result or an execution's output."""
    for part in _candidates(document):
        if isinstance(part, dict) and "rows" in part and "stages" in part:
            return part
    return {}


def unfolded(cause: str) -> tuple[str, list[str]]:
    """Message and stack trace of an error's cause, which Lambda sends as JSON."""
    document = _json_object(cause)
    if "errorMessage" not in document:
        return prose(cause), []
    trace = document.get("stackTrace") or document.get("trace") or []
    return prose(str(document["errorMessage"])), [str(line).rstrip("\n") for line in trace]


def prose(message: str) -> str:
    """Return the words of an error's message, which may be a JSON document (docs/adr/0006)."""
    return str(_json_object(message).get("message") or message)


def failed_run(cause: str) -> dict[str, Any]:
    """Return what an error's cause tells of the run that it stopped; empty if nothing."""
    told = _json_object(str(_json_object(cause).get("errorMessage", cause))).get("run")
    return told if isinstance(told, dict) else {}


def _candidates(document: Any) -> Iterable[Any]:
    """Places where a run summary may be, the likeliest first."""
    yield document
    if isinstance(document, dict):
        payload = document.get("Payload")
        yield _parsed(payload) if isinstance(payload, str) else payload
        yield document.get("run")
        current = document.get("current")
        yield current.get("run") if isinstance(current, dict) else None


def _entered(event: Mapping[str, Any]) -> StateRun:
    details = event.get("stateEnteredEventDetails", {})
    return StateRun(
        name=details.get("name", ""),
        kind=event["type"].removesuffix("StateEntered"),
        entered=event["timestamp"],
        input=_parsed(details.get("input", "")),
    )


def _complete(run: StateRun, event: Mapping[str, Any]) -> None:
    """Add to a visit what one more event tells about it."""
    kind, when = event["type"], event["timestamp"]
    if kind in SCHEDULED:
        run.attempts.append(Attempt(started=when))
    elif kind in SUCCEEDED and run.attempts:
        run.attempts[-1].ended = when
        run.output = _parsed(_details(event).get("output", ""))
    elif kind in FAILED:
        _record_failure(run, event)
    elif kind.endswith("StateExited"):
        run.exited = when
        if run.output is None:
            run.output = _parsed(event.get("stateExitedEventDetails", {}).get("output", ""))
    elif kind in ENDED_BADLY and run.exited is None:
        run.died, run.exited = True, when


def _record_failure(run: StateRun, event: Mapping[str, Any]) -> None:
    if not run.attempts:
        run.attempts.append(Attempt(started=run.entered))
    details = _details(event)
    timed_out = "States.Timeout" if event["type"].endswith("TimedOut") else "Unknown"
    attempt = run.attempts[-1]
    attempt.ended = event["timestamp"]
    attempt.error = details.get("error") or timed_out
    attempt.cause = details.get("cause") or ""


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the details of an event, whose field is named after the event's type."""
    kind = event["type"]
    details: Mapping[str, Any] = event.get(f"{kind[0].lower()}{kind[1:]}EventDetails") or {}
    return details


def _json_object(text: str) -> dict[str, Any]:
    """Return the JSON object in a text; an empty one if it holds none."""
    document = _parsed(text)
    return document if isinstance(document, dict) else {}


def _parsed(text: Any) -> Any:
    """Return the JSON document in a text; the text itself if it holds none."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text or None
