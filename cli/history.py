"""Reads the history of an execution: which states ran, how often they were tried, what they said.

The events of an optimised `lambda:invoke` task (`Task*`) and of a plain function ARN
(`LambdaFunction*`) differ in name and in shape; both are understood. States inside a Map or
Parallel state run side by side, and their events are mixed: each names the event before it
(`previousEventId`). Where none is named, the events are those of one state after the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import STAGES, state_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

CONTAINERS: Final = ("Map", "Parallel")
"""Kinds of states that other states run in; what runs in them is an attempt of theirs."""

SCHEDULED: Final = (
    "TaskScheduled",
    "LambdaFunctionScheduled",
    "MapStateStarted",
    "MapRunStarted",
    "ParallelStateStarted",
)
SUCCEEDED: Final = (
    "TaskSucceeded",
    "LambdaFunctionSucceeded",
    "MapStateSucceeded",
    "MapRunSucceeded",
    "ParallelStateSucceeded",
)
FAILED_INSIDE: Final = ("MapStateFailed", "MapRunFailed", "MapRunAborted", "ParallelStateFailed")
FAILED: Final = (
    "TaskFailed",
    "TaskTimedOut",
    "TaskStartFailed",
    "TaskSubmitFailed",
    "LambdaFunctionFailed",
    "LambdaFunctionTimedOut",
    "LambdaFunctionScheduleFailed",
    "LambdaFunctionStartFailed",
    *FAILED_INSIDE,
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
    """One visit of a state; `inside` is that of the Map or Parallel state that it runs in."""

    name: str
    kind: str
    entered: datetime
    exited: datetime | None = None
    input: Any = None
    output: Any = None
    attempts: list[Attempt] = field(default_factory=list)
    died: bool = False
    inside: StateRun | None = field(default=None, repr=False, compare=False)

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
    def is_open(self) -> bool:
        """Whether it goes on: it has neither ended nor is waiting for its next attempt."""
        tried = self.attempts and self.attempts[-1].ended is not None
        return self.exited is None and not tried

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
    """Visits of states in the order in which they began."""
    return followed(events)[0]


def followed(
    events: Iterable[Mapping[str, Any]],
) -> tuple[list[StateRun], dict[int, StateRun]]:
    """Visits of states in the order in which they began, and by the ids of their events."""
    runs: list[StateRun] = []
    owners: dict[int, StateRun] = {}
    for event in events:
        run = _owner(event, runs, owners)
        if event["type"].endswith("StateEntered"):
            run = _entered(event, inside=_container(run))
            runs.append(run)
        elif event["type"] in ENDED_BADLY:
            _die(runs, event["timestamp"])
        elif run:
            _complete(run, event)
            if event["type"] in FAILED_INSIDE:
                _die([each for each in runs if _is_inside(each, run)], event["timestamp"])
        if run and "id" in event:
            owners[event["id"]] = run
    return runs, owners


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


def _owner(
    event: Mapping[str, Any], runs: Sequence[StateRun], owners: Mapping[int, StateRun]
) -> StateRun | None:
    """Return the visit that an event is about; before a state is entered, the visit before it."""
    linked = event.get("previousEventId")
    before = owners.get(linked) if linked else (runs[-1] if runs else None)
    kind = event["type"]
    if kind.startswith("ParallelState") and not kind.endswith(("Entered", "Exited")):
        return _container(before)
    name = _details(event).get("name")  # an iteration's is the name of its Map state
    if kind.endswith("StateExited") or kind.startswith("MapIteration"):
        return next((run for run in _outwards(before) if run.name == name), before)
    return before


def _container(run: StateRun | None) -> StateRun | None:
    """Return the Map or Parallel state in which the next state runs: this one, or one around it."""
    return next((each for each in _outwards(run) if each.kind in CONTAINERS and each.is_open), None)


def _outwards(run: StateRun | None) -> Iterator[StateRun]:
    """Return a visit, the one that it runs in, and so on."""
    while run:
        yield run
        run = run.inside


def _is_inside(run: StateRun, outer: StateRun) -> bool:
    return any(each is outer for each in _outwards(run.inside))


def _die(runs: Iterable[StateRun], when: datetime) -> None:
    """End the visits that nothing else has ended."""
    for run in runs:
        if run.exited is None:
            run.died, run.exited = True, when


def _entered(event: Mapping[str, Any], inside: StateRun | None) -> StateRun:
    details = _details(event)
    return StateRun(
        name=details.get("name", ""),
        kind=event["type"].removesuffix("StateEntered"),
        entered=event["timestamp"],
        input=_parsed(details.get("input", "")),
        inside=inside,
    )


def _complete(run: StateRun, event: Mapping[str, Any]) -> None:
    """Add to a visit what one more event tells about it."""
    kind, when = event["type"], event["timestamp"]
    if run.kind in CONTAINERS and not kind.startswith(CONTAINERS):
        return  # about a state inside, of which this history tells nothing else
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
            run.output = _parsed(_details(event).get("output", ""))


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
    """Return the details of an event, whose field is named after the event's type.

    Those of `TaskStateEntered`, `PassStateEntered` and so on are all `stateEnteredEventDetails`.
    """
    kind = event["type"]
    for shared in ("StateEntered", "StateExited"):
        kind = shared if kind.endswith(shared) else kind
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
