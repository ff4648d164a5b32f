"""Rejected rows for people: tables and sentences."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from cli.entries import short_ids
from cli.outcome import common_address
from cli.paths import command
from cli.quarantine import MEANING, OPEN, UNCOMMITTED, rejected_rows
from cli.render import shortened
from cli.summary import reasons
from pipeline.constants import ALREADY_PROCESSED, SUCCEEDED, SUCCEEDED_WITH_REJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from cli.outcome import RunResult
    from cli.quarantine import QuarantineState

SHOWN_RULES: Final = 3
RAW_WIDTH: Final = 80


def runs_table(found: Sequence[QuarantineState]) -> Table:
    """Return the list of runs with rejected rows, with times in their own zone."""
    table = Table(box=None, padding=(0, 1))
    for column in ("run", "written", "dataset", "file", "status", "rows", "most frequent"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    shortened_ids = short_ids([state.run.run_id for state in found])
    for state in found:
        record = state.as_json()
        table.add_row(
            Text(shortened_ids[state.run.run_id]),
            Text(state.run.written_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")),
            Text(state.run.dataset),
            Text(record["source"]["key"] or ""),
            Text(state.status),
            Text("" if state.rows is None else f"{state.rows:,}"),
            Text(", ".join(map(rule_words, state.top_rules[:SHOWN_RULES]))),
        )
    return table


def run_head(state: QuarantineState) -> Iterator[RenderableType]:
    """Return what `quarantine show` says about the run itself."""
    source = state.as_json()["source"]
    yield Text(f"{state.run.run_id}: {state.status} - {MEANING[state.status]}", style="bold")
    yield Text(f"  dataset     {state.run.dataset}")
    if source["key"]:
        yield Text(f"  file        s3://{source['bucket']}/{source['key']}")
    if state.rows is not None:
        yield Text(f"  rows        {state.rows:,}")
    yield Text(f"  quarantine  {common_address(state.addresses)}")
    yield Text(f"  {next_step(state)}")


def next_step(state: QuarantineState) -> str:
    """Say what to type about a run's rejected rows."""
    if state.status == OPEN:
        return f"replay      {command('quarantine replay')} {state.run.run_id}"
    if state.status == UNCOMMITTED:
        listed = command(f"dead-letters list --dataset {state.run.dataset}")
        return f"replay      with the failed run's dead letter: {listed}"
    return f"others      {command(f'quarantine list --dataset {state.run.dataset}')}"


def rules_table(rules: Iterable[dict[str, Any]]) -> Table:
    """Return how many rows broke which rule."""
    table = Table(box=None, padding=(0, 1))
    for column in ("stage", "column", "rule", "rows"):
        table.add_column(column, justify="right" if column == "rows" else "left")
    for rule in rules:
        cells = (rule.get("stage"), rule.get("column"), rule.get("rule"), f"{rule['rows']:,}")
        table.add_row(*(Text(str(cell or "")) for cell in cells))
    return table


def counted_rules(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rules that rows break, counted here, the most frequent first."""
    counts: Counter[tuple[str, str | None, str]] = Counter()
    for row in rows:
        broken = {(found["column"], found["rule"]) for found in row.get("violations") or [row]}
        counts.update((row["stage"], column, rule) for column, rule in broken)
    return [
        {"stage": stage, "column": column, "rule": rule, "rows": rows}
        for (stage, column, rule), rows in counts.most_common()
    ]


def rows_table(rows: Iterable[dict[str, Any]]) -> Table:
    """Return rejected rows as a table."""
    table = Table(box=None, padding=(0, 1))
    titles = ("row", "line", "stage", "column", "rule", "value", "message", "row as it was read")
    for column in titles:
        table.add_column(column, justify="right" if column in ("row", "line") else "left")
    for row in rows:
        raw = row.get("raw")
        read = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
        named = (row.get(name) for name in ("row_number", "line", "stage", "column", "rule"))
        value = shortened(str(row.get("value")), RAW_WIDTH)
        cells = (*named, value, row.get("message"), shortened(read, RAW_WIDTH))
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))
    return table


def rule_words(rule: dict[str, Any]) -> str:
    """`month: maximum (12)`."""
    return f"{rule.get('column') or 'row'}: {rule.get('rule')} ({rule.get('rows'):,})"


def recovered(state: QuarantineState, result: RunResult) -> tuple[int, int]:
    """Return how many of a run's rejected rows a merge has brought in, and how many it has not.

    A merge that wrote nothing, because it failed or had nothing to do, leaves all rejected.
    """
    if result.status not in (SUCCEEDED, SUCCEEDED_WITH_REJECTS):
        return 0, state.rows or 0
    return result.rows["written"], rejected_rows(result.rows)


def merge_outcome(state: QuarantineState, result: RunResult) -> Iterator[Text]:
    """Say what a merge has brought."""
    written, rejected = recovered(state, result)
    if result.status == ALREADY_PROCESSED:
        yield Text(
            "  nothing to merge: the deployed contract and steps are those that rejected these "
            "rows, or they were merged before. Change them, deploy, and replay again."
        )
        return
    why = f" ({reasons(result)})" if rejected and result.top_rules else ""
    expanded = result.rows.get("expanded", 0)
    made = f" and {expanded:,} made of them" if expanded else ""
    text = (
        f"  {written:,} of {state.rows or 0:,} rows{made} recovered, "
        f"{rejected:,} still rejected{why}"
    )
    gone = {name: result.rows[name] for name in ("duplicates", "filtered") if result.rows[name]}
    other = "".join(f", {count:,} {name}" for name, count in gone.items())
    yield Text(f"{text}{other}", style="bold")
    if written:
        where = common_address(result.outputs)
        yield Text(f"  they stand beside the file's other rows: {where}")
