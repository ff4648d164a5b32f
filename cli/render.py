"""Wording and tables for people. No AWS in here: everything shown is passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from cli.history import unfolded
from pipeline.constants import (
    ALREADY_PROCESSED,
    STATE_ALERT,
    STATE_DEAD_LETTER,
    SUCCEEDED,
    SUCCEEDED_WITH_REJECTS,
    SUPERSEDED,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from cli.history import StateRun
    from cli.outcome import RunResult

SHOWN_STATES: Final = {STATE_DEAD_LETTER: "dead letter", STATE_ALERT: "alert"}
"""States beside the stages that a follower wants to see."""

MARKS: Final = {
    "running": ("…", "cyan"),
    "retrying": ("↻", "yellow"),
    "succeeded": ("✓", "green"),
    "caught": ("✗", "red"),
    "failed": ("✗", "red"),
}
MEANING: Final = {
    SUCCEEDED: "every row accounted for, none rejected",
    SUCCEEDED_WITH_REJECTS: "some rows were rejected and are in the quarantine",
    ALREADY_PROCESSED: "this version of the file was committed before; nothing was done again",
    SUPERSEDED: "a newer version of the file was committed before; nothing was overwritten",
}
MEANING_OF_MERGE: Final = {
    SUCCEEDED: "all the rows are in the file's output now",
    SUCCEEDED_WITH_REJECTS: "some rows were rejected again",
    ALREADY_PROCESSED: "nothing was merged",
    SUPERSEDED: "another run of the file was faster; nothing was merged",
}
STYLES: Final = {SUCCEEDED: "bold green", SUCCEEDED_WITH_REJECTS: "bold yellow"}
MESSAGE_WIDTH: Final = 160
LEAST_SHORT: Final = 0.0001
"""Smaller amounts would be written with an exponent."""
CAME: Final = ("read", "expanded")
"""Counts on the left of the books' equation."""


def shown(states: Iterable[StateRun]) -> list[StateRun]:
    """Return the states that a follower wants to see: stages and the failure's way out."""
    return [state for state in states if state.stage or state.name in SHOWN_STATES]


def state_cells(state: StateRun, now: datetime) -> tuple[str, str, str, str, str]:
    """Mark, name, rows, seconds and remark of a visited state."""
    mark, _ = MARKS[state.status]
    name = state.stage or SHOWN_STATES.get(state.name, state.name)
    return mark, name, rows_words(state), f"{state.seconds(now):.1f} s", remark(state)


def rows_words(state: StateRun) -> str:
    """`336,776 -> 336,770 rows`; empty until the stage has reported."""
    report = state.stage_report()
    if "rows_in" not in report or "rows_out" not in report:
        return ""
    return f"{report['rows_in']:,} -> {report['rows_out']:,} rows"


def remark(state: StateRun) -> str:
    """Say what went wrong in the state, and how often it was tried again."""
    erred = [attempt for attempt in state.attempts if attempt.error]
    if not erred:
        return "taken over from the failed run" if state.stage_report().get("resumed") else ""
    tries = f"attempt {len(erred)} of {len(state.attempts)}: " if state.retries else ""
    message, _ = unfolded(erred[-1].cause)
    said = f"{tries}{erred[-1].error}: {message}" if message else f"{tries}{erred[-1].error}"
    return shortened(said)


def shortened(text: str, width: int = MESSAGE_WIDTH) -> str:
    """Return the text on one line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def progress_table(title: str, states: Sequence[StateRun], now: datetime) -> Table:
    """States of one execution so far."""
    table = Table(title=Text(title), title_justify="left", box=None, padding=(0, 1))
    for column, justify in (("", "left"), ("stage", "left"), ("rows", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("time", justify="right")
    table.add_column("", overflow="fold")
    for state in shown(states):
        style = MARKS[state.status][1]
        table.add_row(*(Text(cell) for cell in state_cells(state, now)), style=style)
    return table


def state_line(label: str, state: StateRun, now: datetime) -> str:
    """One line for one state, for logs and pipes."""
    mark, name, rows, seconds, said = state_cells(state, now)
    prefix = f"{label}: " if label else ""
    return f"{prefix}{mark} {name:<11} {seconds:>8}  {rows:<32} {said}".rstrip()


def outcome_line(label: str, result: RunResult) -> Text:
    """`flights.csv: SUCCEEDED in 6.1 s - every row accounted for`."""
    text = Text(f"{label}: ")
    style = STYLES.get(result.status, "bold" if result.is_good else "bold red")
    text.append(result.status, style=style)
    if result.duration_s:
        text.append(f" in {result.duration_s:.1f} s")
    meaning = (MEANING_OF_MERGE if result.merges else MEANING).get(result.status)
    return text.append(f" - {meaning}") if meaning else text


def rows_line(result: RunResult) -> str:
    """Return a run's books; those of a failed one do not balance, so they are no equation."""
    if result.error is None:
        return accounting_line(result.rows)
    counts = ", ".join(f"{name} {count:,}" for name, count in result.rows.items() if count)
    return f"{counts} when it failed"


def accounting_line(rows: dict[str, int]) -> str:
    """`read 10 = written 9 + rejected 1 + duplicates 0 + filtered 0 + dropped_by_lookup 0`.

    Rows that a step has made of those that were read stand beside them, where there are any.
    """
    came = [f"read {rows['read']:,}"]
    if expanded := rows.get("expanded"):
        came.append(f"expanded {expanded:,}")
    became = [f"{name} {count:,}" for name, count in rows.items() if name not in CAME]
    return f"{' + '.join(came)} = {' + '.join(became)}"


def cost_line(cost: Mapping[str, Any]) -> str:
    """`about $0.000912 (us-east-1, list prices as of 2026-11-23)`."""
    where = f"{cost.get('region')}, list prices as of {cost.get('as_of')}"
    return f"about {dollars(cost['usd'])} ({where})"


def dollars(usd: float) -> str:
    """Return an amount with three figures that mean something: `$0.00123`, `$12.30`."""
    if usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.3g}" if usd >= LEAST_SHORT else f"${usd:.8f}".rstrip("0").rstrip(".")


def merge_line(merges: Mapping[str, Any]) -> str:
    """`merge of 12 quarantined rows of the run 3f0c...`."""
    return f"merge of {merges.get('rows', 0):,} quarantined rows of the run {merges.get('run_id')}"
