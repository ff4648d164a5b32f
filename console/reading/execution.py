"""One execution, as its pages show it: what it was asked, what became of it, which states ran."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from botocore.exceptions import ClientError

from cli.executions import described, history
from cli.history import StateRun, state_runs
from cli.outcome import RUNNING, RunResult, run_result
from cli.render import rows_line
from cli.summary import advice, fault_by_status, reasons
from console.reading.faults import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from cli.target import Target

KEPT: Final = 16
"""Ended executions that are kept, of each target."""

Definition = dict[str, Any]
Events = list["Mapping[str, Any]"]


@dataclass(frozen=True)
class ExecutionView:
    """One execution at one moment.

    `definition` is that of the state machine as it was when the execution began; empty if nobody
    may read it. `events` is the whole history, oldest first.
    """

    described: DescribeExecutionOutputTypeDef
    events: Sequence[Mapping[str, Any]]
    states: Sequence[StateRun]
    definition: Definition
    result: RunResult
    now: datetime

    @property
    def name(self) -> str:
        """The execution's name, by which its pages are called."""
        return self.described["name"]

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.described["status"] == RUNNING

    @property
    def started(self) -> datetime:
        """When it began."""
        return self.described["startDate"]

    @property
    def stopped(self) -> datetime | None:
        """When it ended; None while it runs."""
        return self.described.get("stopDate")

    @property
    def until(self) -> datetime:
        """When it ended, or the moment of this view."""
        return self.stopped or self.now

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return max(0.0, (self.until - self.started).total_seconds())

    @property
    def books(self) -> str | None:
        """The rows as an equation, or as far as they are known; None if nothing is."""
        return rows_line(self.result) if any(self.result.rows.values()) else None

    @property
    def rejected_because(self) -> str | None:
        """The most frequent reasons of rejected rows; None if there are none."""
        return reasons(self.result) if self.result.top_rules else None

    @property
    def reason(self) -> str:
        """What the error says, without the file, whose name stands above; empty if none failed."""
        return reason(self.result)

    @property
    def fault(self) -> str:
        """Whose fault the failure is; empty if nothing failed."""
        return fault_by_status(self.result.error.status_code) if self.result.error else ""

    @property
    def what_to_do(self) -> str | None:
        """What a person should do next about the failure; None if nothing failed."""
        error = self.result.error
        return advice(self.result, error) if error else None


def execution_view(target: Target, name: str) -> ExecutionView:
    """Return the execution with this name or ARN; `last` is the one that started last.

    What an ended one is made of is read once. It may still run again (a redrive): then it is
    another state of things, and read anew.

    Raises
    ------
    CliError
        If there is none.
    """
    found = described(target, name)
    views = _views(target)
    key = (found["executionArn"], found["status"], found.get("stopDate"))
    view = views.get(key) or _read(target, found)
    if not view.is_running:
        views.put(key, view)
    return view


def _read(target: Target, found: DescribeExecutionOutputTypeDef) -> ExecutionView:
    events = list(history(target.cloud.stepfunctions(), found["executionArn"]))
    states = state_runs(events)
    return ExecutionView(
        described=found,
        events=events,
        states=states,
        definition=_definition(target, found["executionArn"]),
        result=run_result(found, states),
        now=datetime.now(UTC),
    )


def _definition(target: Target, arn: str) -> Definition:
    """Return the state machine's definition; empty if it cannot be read."""
    client = target.cloud.stepfunctions()
    try:
        machine = client.describe_state_machine_for_execution(executionArn=arn)
        definition = json.loads(machine["definition"])
    except (ClientError, ValueError):
        return {}
    return definition if isinstance(definition, dict) else {}


class _Kept:
    """The views of a target that were looked at last."""

    def __init__(self) -> None:
        self._views: OrderedDict[Any, ExecutionView] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> ExecutionView | None:
        """Return what is kept under a key, which makes it the latest."""
        with self._lock:
            if key in self._views:
                self._views.move_to_end(key)
            return self._views.get(key)

    def put(self, key: Any, view: ExecutionView) -> None:
        """Keep a view, and forget the one that nobody has looked at for longest."""
        with self._lock:
            self._views[key] = view
            self._views.move_to_end(key)
            while len(self._views) > KEPT:
                self._views.popitem(last=False)


_KEPT: Final[WeakKeyDictionary[Target, _Kept]] = WeakKeyDictionary()
_KEPT_LOCK: Final = Lock()


def _views(target: Target) -> _Kept:
    with _KEPT_LOCK:
        return _KEPT.setdefault(target, _Kept())
