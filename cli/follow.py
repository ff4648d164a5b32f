"""Follows executions to their end: those of uploaded files, and those that replay others."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cli.executions import history
from cli.history import ENDED_BADLY, StateRun, state_runs
from cli.outcome import NOT_STARTED, ROW_COUNTS, RUNNING, RunError, RunResult, run_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cli.target import Target
    from cli.view import View

ENDED: Final = ("ExecutionSucceeded", *ENDED_BADLY)
POLL_SECONDS_LOCAL: Final = 0.1
POLL_SECONDS_AWS: Final = 1.0
START_SECONDS: Final = 60.0
"""S3's events usually arrive within a second or two; after a minute something is wrong."""


@dataclass
class Followed:
    """One file on its way.

    `source` is its bucket, key and version; `find` returns the ARN of its execution as soon as
    there is one.
    """

    label: str
    dataset: str | None
    source: dict[str, Any]
    find: Callable[[], str | None]
    arn: str | None = None
    found_at: float = 0.0
    states: list[StateRun] = field(default_factory=list)
    result: RunResult | None = None


@dataclass(frozen=True)
class Follower:
    """Follows files in one target.

    `timeout_seconds` count from an execution's start, `start_seconds` until there is one; between
    two rounds, `on_round` is called.
    """

    target: Target
    timeout_seconds: float
    start_seconds: float = START_SECONDS
    on_round: Callable[[], None] = lambda: None

    def follow(self, files: Sequence[Followed], view: View) -> list[RunResult]:
        """Results of all files, in their order, once the last one has ended."""
        began = time.monotonic()
        pause = POLL_SECONDS_LOCAL if self.target.cloud.is_local else POLL_SECONDS_AWS
        with view:
            while True:
                for file in files:
                    self._advance(file, time.monotonic() - began)
                self.on_round()
                view.update({file.label: file.states for file in files}, datetime.now(UTC))
                results = [file.result for file in files if file.result is not None]
                if len(results) == len(files):
                    return results
                time.sleep(pause)

    def _advance(self, file: Followed, waited: float) -> None:
        """Look once at where a file is."""
        if file.result is not None:
            return
        if file.arn is None:
            file.arn, file.found_at = file.find(), waited
        if file.arn is None:
            if waited > self.start_seconds:
                file.result = not_started(file, self.start_seconds)
            return
        events = list(history(self.target.cloud.stepfunctions(), file.arn))
        file.states = state_runs(events)
        ended = bool(events) and events[-1]["type"] in ENDED
        if ended or waited - file.found_at >= self.timeout_seconds:
            file.result = self._result(file)

    def _result(self, file: Followed) -> RunResult:
        client = self.target.cloud.stepfunctions()
        described = client.describe_execution(executionArn=str(file.arn))
        result = run_result(described, file.states)
        # The event may leave the version out; the upload knows it.
        version = result.source["version_id"] or file.source["version_id"]
        return replace(result, source=result.source | {"version_id": version})


def not_started(file: Followed, seconds: float) -> RunResult:
    """Return the result of a file for which no execution appeared."""
    address = f"s3://{file.source['bucket']}/{file.source['key']}"
    message = f"the file is in {address}, but no execution started"
    return RunResult(
        execution_arn=None,
        status=NOT_STARTED,
        dataset=file.dataset,
        source=file.source,
        rows=dict.fromkeys(ROW_COUNTS, 0),
        outputs=[],
        quarantine=None,
        report=None,
        duration_s=0.0,
        error=RunError(None, NOT_STARTED, f"{message} within {seconds:.0f} s", 500),
    )


def still_running(results: Sequence[RunResult]) -> bool:
    """Whether a follower gave up before an execution ended."""
    return any(result.status == RUNNING for result in results)
