"""The bill of one execution: per stage, and in all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.history import state_runs
from cli.outcome import latest_summary
from pipeline.constants import (
    OUTCOMES_WITHOUT_WORK,
    STATE_ALERT,
    STATE_DEAD_LETTER,
    STATE_NOTICE,
)
from pipeline.cost import (
    GB,
    LOG_EVENT_OVERHEAD,
    STAGE_LOG_BYTES,
    Cost,
    added,
    billed_seconds,
    cost_of,
    invocation_usage,
    request_usage,
)
from pipeline.run import StageRecord, described

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from cli.costs.functions import FunctionLogs, FunctionSize, Logged
    from cli.history import Attempt, StateRun
    from pipeline.cost import Usage
    from pipeline.prices import Prices

LOG, RECORD, HISTORY = "log", "record", "history"
"""Where an attempt's billed time is from: Lambda's report, the stage's record, the clock."""
STATE_LOG_ENVELOPE: Final = 250
"""Bytes of a line of the state machine's log beside the event's own: ids, times, the ARN."""
ASKED_OF: Final = {
    STATE_DEAD_LETTER: "sqs_request",
    STATE_ALERT: "sns_publish",
    STATE_NOTICE: "sns_publish",
}
"""What a try of a state that is no stage is billed as."""
REFUSED: Final = "Lambda.TooManyRequestsException"
"""Of an attempt that Lambda refused: a transition, and no invocation."""


@dataclass(frozen=True)
class Invocation:
    """One attempt of a stage, as it is billed.

    `told_by` says where the seconds are from; `error` is None if it succeeded; `requests` to S3
    are known of successes only.
    """

    error: str | None
    told_by: str
    billed_s: float
    init_s: float
    memory_mb: int
    storage_mb: int
    peak_mb: int
    requests: Mapping[str, int]
    log_bytes: int

    @property
    def usage(self) -> Usage:
        """What the attempt has used."""
        return added(
            (
                invocation_usage(
                    self.billed_s, memory_mb=self.memory_mb, storage_mb=self.storage_mb
                ),
                request_usage(self.requests),
                {"log_gb": self.log_bytes / GB},
            )
        )


@dataclass(frozen=True)
class StageBill:
    """All attempts of a stage that ran; `resumed` if a replay took its result over."""

    stage: str
    invocations: tuple[Invocation, ...]
    seconds: float
    bytes_in: int
    bytes_out: int
    resumed: bool

    @property
    def usage(self) -> Usage:
        """What all attempts have used."""
        return added(each.usage for each in self.invocations)

    @property
    def peak_mb(self) -> int:
        """Most memory that an attempt held, 0 if nobody knows."""
        return max((each.peak_mb for each in self.invocations), default=0)

    @property
    def memory_mb(self) -> int:
        """Memory size of the function, 0 if nobody knows."""
        return max((each.memory_mb for each in self.invocations), default=0)


@dataclass(frozen=True)
class Bill:
    """What an execution has used, and what that costs.

    `rows` were read from `bytes` of the uploaded file; both 0 if no stage told, or if there was
    nothing to do: what a run tells then is what an earlier execution has done.
    """

    name: str
    execution_arn: str
    status: str
    dataset: str | None
    rows: int
    bytes: int
    stages: tuple[StageBill, ...]
    besides: Usage
    prices: Prices

    @property
    def cost(self) -> Cost:
        """The whole bill."""
        return cost_of(added((*(stage.usage for stage in self.stages), self.besides)), self.prices)

    @property
    def failed_attempts(self) -> int:
        """Attempts of stages that failed."""
        return sum(1 for stage in self.stages for each in stage.invocations if each.error)


def bill_of(
    found: DescribeExecutionOutputTypeDef,
    events: Sequence[Mapping[str, Any]],
    logs: FunctionLogs,
    prices: Prices,
) -> Bill:
    """Return the bill of an execution that has ended, or of one that runs, so far.

    Parameters
    ----------
    events
        The execution's history, the oldest first.
    """
    states = state_runs(events)
    run = latest_summary(found, states)
    outcome = run.get("outcome") or found["status"]
    done = {} if outcome in OUTCOMES_WITHOUT_WORK else run
    arn = found["executionArn"]
    stages = tuple(_stage_bill(state, arn, logs) for state in states if state.stage)
    return Bill(
        name=found["name"],
        execution_arn=arn,
        status=outcome,
        dataset=run.get("dataset"),
        rows=(done.get("rows") or {}).get("read", 0),
        bytes=(done.get("source") or {}).get("size", 0),
        stages=stages,
        besides=_besides(states, stages, events),
        prices=prices,
    )


def _stage_bill(state: StateRun, execution_arn: str, logs: FunctionLogs) -> StageBill:
    stage = state.stage or ""
    record = _record(state)
    resumed = record is not None and record.resumed
    fresh = None if resumed else record
    return StageBill(
        stage,
        tuple(
            _invocation(
                attempt,
                logs.sizes.get(stage),
                logs.of_attempt(stage, number, attempt, execution_arn),
                fresh,
            )
            for number, attempt in enumerate(state.attempts)
            if attempt.ended and attempt.error != REFUSED
        ),
        seconds=fresh.seconds if fresh else 0.0,
        bytes_in=fresh.bytes_in if fresh else 0,
        bytes_out=fresh.bytes_out if fresh else 0,
        resumed=resumed,
    )


def _invocation(
    attempt: Attempt,
    size: FunctionSize | None,
    logged: Logged | None,
    record: StageRecord | None,
) -> Invocation:
    """Return an attempt from what knows best: Lambda's report, the stage's record, the clock."""
    told = None if attempt.error else record
    memory_mb = size.memory_mb if size else 0
    return Invocation(
        error=attempt.error,
        told_by=LOG if logged else RECORD if told else HISTORY,
        billed_s=_billed(attempt, logged, told),
        init_s=(logged and logged.report.init_s) or (told.init_seconds if told else 0.0),
        memory_mb=(logged and logged.report.memory_mb) or (told and told.memory_mb) or memory_mb,
        storage_mb=size.storage_mb if size else 0,
        peak_mb=max(logged.report.peak_mb if logged else 0, told.peak_memory_mb if told else 0),
        requests=told.requests if told else {},
        log_bytes=logged.bytes if logged else STAGE_LOG_BYTES,
    )


def _billed(attempt: Attempt, logged: Logged | None, record: StageRecord | None) -> float:
    """Billed seconds; the clock's, where only it knows, hold the way to the function and back."""
    if logged:
        return logged.report.billed_s
    if record:
        return billed_seconds(record.seconds, record.init_seconds)
    return billed_seconds(attempt.seconds or 0.0)


def _record(state: StateRun) -> StageRecord | None:
    """Return a stage's own record; one of an older deployment may have fewer fields."""
    try:
        return described(StageRecord, state.stage_report())
    except TypeError:
        return None


def _besides(
    states: Sequence[StateRun], stages: Sequence[StageBill], events: Sequence[Mapping[str, Any]]
) -> Usage:
    """What an execution has used beside its functions."""
    asked: list[Usage] = [
        {ASKED_OF[state.name]: len(state.attempts)} for state in states if state.name in ASKED_OF
    ]
    return added(
        (
            *asked,
            {
                "state_transition": len(states) + sum(state.retries for state in states),
                "event": 1 + _objects_told(stages),
                "log_gb": _state_log_bytes(events) / GB,
                "trace": 1,
            },
        )
    )


def _objects_told(stages: Sequence[StageBill]) -> int:
    """Changes of objects that the output bucket may have told EventBridge of, at most."""
    requests = [each.requests for bill in stages[-1:] for each in bill.invocations]
    return sum(kinds.get("put", 0) + kinds.get("delete", 0) for kinds in requests)


def _state_log_bytes(events: Iterable[Mapping[str, Any]]) -> int:
    """Bytes that the state machine logs of an execution, estimated from its history."""
    beside = STATE_LOG_ENVELOPE + LOG_EVENT_OVERHEAD
    return sum(len(json.dumps(event, default=str)) + beside for event in events)
