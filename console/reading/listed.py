"""One execution as the list shows it, from what Step Functions tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from cli.history import state_runs
from cli.outcome import ROW_COUNTS, RUNNING, failure_told, run_result
from console.reading.faults import reason
from pipeline.constants import OUTCOMES_WITHOUT_WORK, SUCCEEDED, SUCCEEDED_WITH_REJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from types_boto3_stepfunctions import SFNClient
    from types_boto3_stepfunctions.type_defs import (
        DescribeExecutionOutputTypeDef,
        ExecutionListItemTypeDef,
    )

    from cli.history import StateRun

GROUPS: Final = ("running", "succeeded", "rejects", "failed")
LAST_EVENTS: Final = 3
"""Events at a history's end among which is the entry of the state that ended it badly."""
LONGEST_MESSAGE: Final = 1000


@dataclass(frozen=True)
class Listed:
    """One execution, as the list shows it; `rows` are the counts of the books.

    `status` is the run's outcome, once it has one: SUCCEEDED_WITH_REJECTS and such beside the
    statuses of Step Functions. One that is not described yet has but its name, status and times.
    """

    name: str
    status: str
    dataset: str | None
    bucket: str | None
    key: str | None
    started: datetime
    stopped: datetime | None
    rows: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ROW_COUNTS, 0))
    cost_usd: float | None = None
    error: str | None = None
    message: str | None = None
    is_described: bool = True

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status == RUNNING

    @property
    def is_good(self) -> bool:
        """Whether it has ended, and nothing failed."""
        return not self.is_running and self.error is None

    @property
    def group(self) -> str:
        """Under which of `GROUPS` people look for it."""
        if self.is_running:
            return "running"
        if self.status == SUCCEEDED_WITH_REJECTS:
            return "rejects"
        return "succeeded" if self.is_good else "failed"

    @property
    def has_counts(self) -> bool:
        """Whether it has counted rows, be there none; if it did nothing, they are another run's."""
        if self.status in OUTCOMES_WITHOUT_WORK:
            return False
        is_told = self.is_described and self.message is None
        is_done = self.status in (SUCCEEDED, SUCCEEDED_WITH_REJECTS)
        return (is_told and is_done) or any(self.rows.values())

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return (self.stopped - self.started).total_seconds() if self.stopped else None

    def seconds_until(self, now: datetime) -> float:
        """How long a running one has taken so far; clocks may differ."""
        return max(0.0, (now - self.started).total_seconds())


def of_listing(item: ExecutionListItemTypeDef, before: Listed | None) -> Listed:
    """Return what the listing tells of an execution, and keep what was known of it before."""
    status = item["status"]
    told = Listed(
        name=item["name"],
        status=status,
        dataset=before.dataset if before else None,
        bucket=before.bucket if before else None,
        key=before.key if before else None,
        started=item["startDate"],
        stopped=item.get("stopDate"),
        error=None if status in (RUNNING, SUCCEEDED) else status,
        is_described=False,
    )
    return replace(told, rows=before.rows) if before else told


def of_description(client: SFNClient, found: DescribeExecutionOutputTypeDef) -> Listed:
    """Return all that the list shows of an execution.

    A failed one's rows, and its error in full, stand in the input of the state that ended it.
    """
    failed = found["status"] not in (RUNNING, SUCCEEDED)
    states = _last_states(client, found["executionArn"]) if failed else []
    result = run_result(found, states)
    counted = failure_told(states).get("rows") or {}
    return Listed(
        name=found["name"],
        status=result.status,
        dataset=result.dataset,
        bucket=result.source["bucket"],
        key=result.source["key"],
        started=found["startDate"],
        stopped=found.get("stopDate"),
        rows=result.rows
        | {name: int(counted[name] or 0) for name in ROW_COUNTS if name in counted},
        cost_usd=result.cost_usd,
        error=result.error.name if result.error else None,
        message=reason(result)[:LONGEST_MESSAGE] if result.error else None,
    )


def _last_states(client: SFNClient, arn: str) -> list[StateRun]:
    """States among the last events of an execution."""
    told = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=LAST_EVENTS)
    return state_runs(reversed(told["events"]))
