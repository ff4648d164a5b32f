"""`executions`, `show`, `definition`: what ran, and what the state machine is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.details import execution_details, execution_record
from cli.executions import described, history, latest_executions
from cli.history import state_runs
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.outcome import run_result
from cli.output import print_json, say, stdout
from cli.target import Target, Where, open_target


class Status(StrEnum):
    """Statuses of an execution that Step Functions knows."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


def executions(
    *,
    status: Annotated[Status | None, typer.Option(help="Only executions in this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List executions, the latest first.

    For example:
      pipeline executions
      pipeline executions --status FAILED --limit 5
      pipeline executions --json | jq -r '.[].name'
    """
    target = open_target(Where(profile, region, stack))
    wanted = {"statusFilter": status.value} if status else {}
    records = [_listed(target, arn) for arn in latest_executions(target, limit, **wanted)]
    if as_json:
        print_json(records)
        return
    if not records:
        say("There is no such execution.")
        return
    stdout().print(_table(records))


def show(
    execution: Annotated[str, typer.Argument(help="Name or ARN of an execution, or `last`.")],
    *,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show one execution: states, attempts, rows, error with its stack trace, input.

    For example:
      pipeline show last
      pipeline show 3f0c9a52-8a57-4d2c-b1f4-2f1c0f6f9c11
    """
    target = open_target(Where(profile, region, stack))
    found = described(target, execution)
    states = state_runs(history(target.cloud.stepfunctions(), found["executionArn"]))
    if as_json:
        print_json(execution_record(found, states))
        return
    for line in execution_details(found, states, datetime.now(UTC)):
        stdout().print(line)


def definition(
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Print the deployed state machine's definition, every ARN resolved.

    It is JSON with and without `--json`.

    For example:
      pipeline definition > state-machine.asl.json
    """
    del as_json
    target = open_target(Where(profile, region, stack))
    machine = target.cloud.stepfunctions().describe_state_machine(
        stateMachineArn=target.state_machine_arn
    )
    print_json(json.loads(machine["definition"]))


def _table(records: list[dict[str, Any]]) -> Table:
    """Return the list for people, with times in their own zone."""
    table = Table(box=None, padding=(0, 1))
    for column in ("name", "outcome", "started", "seconds", "dataset", "file"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for record in records:
        started = record["started_at"].astimezone().strftime("%Y-%m-%d %H:%M:%S")
        cells = (record["name"], record["outcome"], started, f"{record['duration_s']:.1f}")
        table.add_row(*map(Text, (*cells, record["dataset"] or "", record["key"] or "")))
    return table


def _listed(target: Target, arn: str) -> dict[str, Any]:
    """One entry of the list."""
    found = target.cloud.stepfunctions().describe_execution(executionArn=arn)
    result = run_result(found, [])
    return {
        "name": found["name"],
        "execution_arn": arn,
        "status": found["status"],
        "outcome": result.status,
        "started_at": found["startDate"],
        "stopped_at": found.get("stopDate"),
        "duration_s": result.duration_s,
        "dataset": result.dataset,
        "bucket": result.source["bucket"],
        "key": result.source["key"],
    }
