"""What became of a run: one record, the same for a person and for a machine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cli.executions import source_of
from cli.history import StateRun, failed_run, prose, run_summary, unfolded
from pipeline.constants import (
    CHECK_PASSED,
    INPUT_PREFIX,
    OUTCOMES_WITHOUT_WORK,
    SUCCEEDED_WITH_REJECTS,
)
from pipeline.constants import SUCCEEDED as ALL_FINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

GOOD: Final = (ALL_FINE, SUCCEEDED_WITH_REJECTS, *OUTCOMES_WITHOUT_WORK)
ROW_COUNTS: Final = (
    "read",
    "expanded",
    "written",
    "rejected",
    "duplicates",
    "filtered",
    "dropped_by_lookup",
)
TAKEN_OUT: Final = ROW_COUNTS[ROW_COUNTS.index("written") + 1 :]
"""What takes rows out of a run."""
NOT_STARTED: Final = "NOT_STARTED"
RUNNING: Final = "RUNNING"


@dataclass(frozen=True)
class RunError:
    """Why a run failed; `status_code` 400 is the data's or the contract's fault, 500 ours."""

    stage: str | None
    name: str
    message: str
    status_code: int
    trace: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the documented fields, without the stack trace."""
        return {key: value for key, value in asdict(self).items() if key != "trace"}


@dataclass(frozen=True)
class RunResult:
    """One file's run.

    `merges` is there where the run merges rejected rows into an output: `run_id` of the run that
    rejected them, and how many `rows`. `top_rules` are the most frequent reasons of rejected rows
    (`column`, `rule`, `rows`), and `lookups` count the rows that each lookup `matched`, left
    `unmatched`, or had no key for (`missing_key`). `repairs` are the values that the pipeline has
    replaced by its own judgement: `counts` by `stage`, `column` and `repair` (`cells`), `files`.
    `checks` are the quality rules that the file breaks and that only warn or inform, as in the
    report. `cost` is the estimate of a run that has done its work, as in the manifest, and
    `cost_usd` its sum.
    """

    execution_arn: str | None
    status: str
    dataset: str | None
    source: dict[str, Any]
    rows: dict[str, int]
    outputs: list[str]
    quarantine: str | None
    report: str | None
    duration_s: float
    top_rules: list[dict[str, Any]] = field(default_factory=list)
    lookups: dict[str, dict[str, int]] = field(default_factory=dict)
    repairs: dict[str, list[Any]] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    cost_usd: float | None = None
    cost: dict[str, Any] | None = None
    merges: dict[str, Any] | None = None
    error: RunError | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing failed; a run with rejected rows counts as good, and says so."""
        return self.status in GOOD

    def as_json(self) -> dict[str, Any]:
        """Return the record that `--json` prints.

        `error` is there only if the run failed, `merges` only if it is a merge, `cost` only if it
        has done its work.
        """
        document = asdict(self) | {"error": self.error.as_json() if self.error else None}
        optional = ("error", "merges", "cost")
        return {k: v for k, v in document.items() if v is not None or k not in optional}


def run_result(described: DescribeExecutionOutputTypeDef, states: Sequence[StateRun]) -> RunResult:
    """Return the record of an execution that has ended (or of one that still runs, so far)."""
    run = latest_summary(described, states)
    source = source_of(described)
    status = described["status"]
    if status == "SUCCEEDED":
        status = run.get("outcome") or ALL_FINE
    cost = {} if status in OUTCOMES_WITHOUT_WORK else run.get("cost") or {}
    return RunResult(
        execution_arn=described["executionArn"],
        status=status,
        dataset=run.get("dataset") or dataset_of_key(source["key"]),
        source=source | _version(run),
        rows={name: int((run.get("rows") or {}).get(name) or 0) for name in ROW_COUNTS},
        outputs=list(run.get("outputs") or []),
        quarantine=common_address((run.get("rejects") or {}).get("quarantine") or []),
        report=run.get("report"),
        duration_s=_duration(described),
        top_rules=list((run.get("rejects") or {}).get("top_rules") or []),
        lookups=dict(run.get("lookups") or {}),
        repairs=dict(run.get("repairs") or {}),
        checks=[found for found in run.get("checks") or [] if found["outcome"] != CHECK_PASSED],
        cost_usd=cost.get("usd"),
        cost=cost or None,
        merges=run.get("merges"),
        error=run_error(described, states) if status not in (*GOOD, RUNNING) else None,
    )


def run_error(described: DescribeExecutionOutputTypeDef, states: Sequence[StateRun]) -> RunError:
    """Why an execution failed: what the state machine recorded, else what the engine says."""
    trace = _trace(states)
    stage = next((state.stage for state in reversed(states) if state.stage), None)
    if failure := failure_told(states):
        return RunError(
            stage=failure.get("stage") or stage,
            name=failure["error"],
            message=prose(str(failure["message"])),
            status_code=int(failure.get("status_code") or 500),
            trace=trace,
        )
    message, _ = unfolded(described.get("cause", ""))
    return RunError(
        stage=stage,
        name=described.get("error") or described["status"],
        message=message or f"the execution ended as {described['status']}",
        status_code=500,
        trace=trace,
    )


def failure_told(states: Sequence[StateRun]) -> dict[str, Any]:
    """Return what the state machine knew of the failure when it ended; empty if nothing.

    Fields are those of the dead letter's `failure`, and beside them `rows` and `rejects` of the
    run, which are empty where no run was known.
    """
    for state in reversed(states):
        failure = state.input.get("failure") if isinstance(state.input, dict) else None
        if isinstance(failure, dict) and "error" in failure and "message" in failure:
            return failure
    return {}


def common_address(addresses: Sequence[str]) -> str | None:
    """Return the one address, or the folder that holds them all (it ends with a slash)."""
    if len(addresses) < 2:  # noqa: PLR2004
        return addresses[0] if addresses else None
    parts = [address.split("/") for address in addresses]
    shared = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join(shared) + "/"


def latest_summary(
    described: DescribeExecutionOutputTypeDef, states: Sequence[StateRun]
) -> dict[str, Any]:
    """Return the execution's output, else what its stages told before one failed."""
    try:
        final = run_summary(json.loads(described.get("output", "null")))
    except ValueError:
        final = {}
    return final or last_summary(states) | _told_by_failure(states)


def last_summary(states: Sequence[StateRun]) -> dict[str, Any]:
    """Return the run summary that the last stage to succeed returned; empty if none did."""
    reported = (run_summary(state.output) for state in reversed(states))
    return next((summary for summary in reported if summary), {})


def _told_by_failure(states: Sequence[StateRun]) -> dict[str, Any]:
    """Return what the failure that ended the run knew of it, with the failing stage's counts."""
    for state in reversed(states):
        if state.stage and state.attempts:
            return failed_run(state.attempts[-1].cause)
    return {}


def _version(run: dict[str, Any]) -> dict[str, Any]:
    """Return the object's version as the pipeline saw it, which the event may not have named."""
    version = (run.get("source") or {}).get("version_id")
    return {"version_id": version} if version else {}


def dataset_of_key(key: str | None) -> str | None:
    """Return the dataset that a key of the input bucket names."""
    if not key or not key.startswith(INPUT_PREFIX):
        return None
    return key.removeprefix(INPUT_PREFIX).split("/")[0] or None


def _duration(described: DescribeExecutionOutputTypeDef) -> float:
    stopped = described.get("stopDate")
    return round((stopped - described["startDate"]).total_seconds(), 3) if stopped else 0.0


def _trace(states: Sequence[StateRun]) -> list[str]:
    """Stack trace of the stage's last failed attempt."""
    for state in reversed(states):
        if state.stage and state.attempts and state.attempts[-1].error:
            return unfolded(state.attempts[-1].cause)[1]
    return []
