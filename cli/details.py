"""Everything about one execution, as a record and as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cli.history import unfolded
from cli.outcome import run_result
from cli.render import MARKS, cost_line, merge_line, outcome_line, rows_line, rows_words
from cli.summary import as_a_page, missed_checks, next_steps, repaired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from types_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

    from cli.history import Attempt, StateRun
    from cli.outcome import RunResult


def execution_record(
    found: DescribeExecutionOutputTypeDef, states: Sequence[StateRun]
) -> dict[str, Any]:
    """Return the document of `show --json`: the run's record, input, output and states."""
    now = found.get("stopDate") or datetime.now(UTC)
    return run_result(found, states).as_json() | {
        "name": found["name"],
        "execution_status": found["status"],
        "started_at": found["startDate"],
        "stopped_at": found.get("stopDate"),
        "input": _document(found.get("input")),
        "output": _document(found.get("output")),
        "states": [_state_record(state, now) for state in states],
    }


def execution_details(
    found: DescribeExecutionOutputTypeDef, states: Sequence[StateRun], now: datetime
) -> Iterator[RenderableType]:
    """Return the lines of `show`."""
    result = run_result(found, states)
    yield outcome_line(found["name"], result)
    yield Text(f"  started     {found['startDate'].isoformat()}")
    yield Text(f"  file        s3://{result.source['bucket']}/{result.source['key']}")
    yield Text(f"  dataset     {result.dataset}")
    if any(result.rows.values()):
        yield Text(f"  rows        {rows_line(result)}")
    if result.repairs.get("counts"):
        yield Text(f"  repaired    {repaired(result)}", style="yellow")
    yield from missed_checks(result.checks)
    if result.merges:
        yield Text(f"  merge       {merge_line(result.merges)}")
    for label, address in _places(result):
        yield Text(f"  {label:<10}  {address}")
    yield from as_a_page(result)
    if result.cost:
        yield Text(f"  cost        {cost_line(result.cost)}")
    yield Text("")
    yield _states_table(states, found.get("stopDate") or now)
    if result.error:
        yield Text(f"\n{result.error.name} in {result.error.stage or 'no stage'}", style="bold red")
        yield Text(result.error.message)
        yield from (Text(line, style="dim") for line in result.error.trace)
        yield from (Text(line) for line in next_steps(found["name"]))
    yield Text("\ninput", style="bold")
    yield Text(json.dumps(_document(found.get("input")), indent=2, ensure_ascii=False))


def _places(result: RunResult) -> list[tuple[str, str]]:
    places = [("output", address) for address in result.outputs]
    places += [("quarantine", result.quarantine)] if result.quarantine else []
    places += [("repairs", address) for address in result.repairs.get("files") or []]
    return places + ([("report", result.report)] if result.report else [])


def _states_table(states: Sequence[StateRun], now: datetime) -> Table:
    """All visited states with every attempt."""
    table = Table(box=None, padding=(0, 1))
    for column in ("", "state", "seconds", "rows", "attempts"):
        table.add_column(column, justify="right" if column in ("seconds", "rows") else "left")
    for state in states:
        mark, style = MARKS[state.status]
        attempts = "\n".join(map(_attempt_line, state.attempts)) if state.retries else ""
        attempts = attempts or "\n".join(_attempt_line(a) for a in state.attempts if a.error)
        cells = (mark, state.name, f"{state.seconds(now):.2f}", rows_words(state), attempts)
        table.add_row(*map(Text, cells), style=style)
    return table


def _attempt_line(attempt: Attempt) -> str:
    took = f"{attempt.seconds:.2f} s" if attempt.seconds is not None else "running"
    return f"{took} {attempt.error or 'ok'}"


def _state_record(state: StateRun, now: datetime) -> dict[str, Any]:
    report = state.stage_report()
    return {
        "name": state.name,
        "type": state.kind,
        "status": state.status,
        "entered_at": state.entered,
        "seconds": round(state.seconds(now), 3),
        "rows_in": report.get("rows_in"),
        "rows_out": report.get("rows_out"),
        "attempts": [_attempt_record(attempt) for attempt in state.attempts],
    }


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    message, trace = unfolded(attempt.cause)
    return {
        "started_at": attempt.started,
        "seconds": attempt.seconds,
        "error": attempt.error,
        "message": message or None,
        "trace": trace,
    }


def _document(text: str | None) -> Any:
    """Return the JSON document in a text, or the text."""
    try:
        return json.loads(text or "null")
    except ValueError:
        return text
