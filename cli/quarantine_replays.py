"""Which rejected rows a name means, and whether they may be replayed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cli.entries import MINIMUM_PREFIX
from cli.errors import CliError, NotFoundError
from cli.executions import LAST, described, history
from cli.history import state_runs
from cli.outcome import latest_summary
from cli.paths import command
from cli.quarantine import OPEN, REPLAYED, UNCOMMITTED, quarantined_runs

if TYPE_CHECKING:
    from cli.quarantine import QuarantinedRun, QuarantineState
    from cli.target import Target

RUN_ID: Final = re.compile(r"[0-9a-f]{1,32}")


def named_run(target: Target, name: str) -> QuarantinedRun:
    """Return the run with rejected rows that a name means.

    Raises
    ------
    NotFoundError
        If there is none.
    CliError
        If there is more than one.
    """
    runs = quarantined_runs(target)
    listed = command("quarantine list")
    if not runs:
        raise NotFoundError("no row is in the quarantine", f"See what ran: {command('executions')}")
    if name == LAST:
        return runs[0]
    if RUN_ID.fullmatch(name) and len(name) >= MINIMUM_PREFIX:
        found = [run for run in runs if run.run_id.startswith(name)]
        if len(found) > 1:
            ids = ", ".join(run.run_id for run in found)
            raise CliError(f"{name} is the beginning of several runs", f"Name one: {ids}")
        if found:
            return found[0]
    run_id = _run_of_execution(target, name)
    for run in runs:
        if run.run_id == run_id:
            return run
    raise NotFoundError(f"the execution {name} has no rejected rows", f"List those with: {listed}")


def refusal_of(state: QuarantineState, *, whole_file: bool) -> str | None:
    """Say why a run's rows are not replayed and what to do instead; None if they are."""
    listed = f"{command('quarantine list')} --dataset {state.run.dataset}"
    if state.status == OPEN or (whole_file and state.status == REPLAYED):
        return None
    if state.status == UNCOMMITTED:
        letters = f"{command('dead-letters list')} --dataset {state.run.dataset}"
        return (
            f"the run {state.run.run_id} failed and published nothing. Its rows come back with "
            f"the replay of its dead letter: {letters}"
        )
    if state.status == REPLAYED:
        return (
            "these rows were replayed before. What was rejected again is in the quarantine of a "
            f"later run: {listed}"
        )
    return f"a newer run of the file has replaced this one. Its rejected rows, if any: {listed}"


def _run_of_execution(target: Target, name: str) -> str | None:
    """Id of the run that an execution was about."""
    try:
        found = described(target, name)
    except CliError as unknown:
        raise NotFoundError(
            f"there is neither a run with rejected rows nor an execution {name}",
            f"List: {command('quarantine list')} (a beginning of a run's id needs "
            f"{MINIMUM_PREFIX} characters)",
        ) from unknown
    visited = state_runs(history(target.cloud.stepfunctions(), found["executionArn"]))
    run_id = latest_summary(found, visited).get("run_id")
    return str(run_id) if run_id else None
