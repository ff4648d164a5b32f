"""The outcome of a run in one sentence, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.outcome import RUNNING
from cli.quarantine import MEANING as MEANING_OF_STATUS
from cli.quarantine import OPEN, UNCOMMITTED, rejected_rows
from cli.render import MEANING, MEANING_OF_MERGE
from cli.summary import advice, number_of
from pipeline.constants import OUTCOMES_WITHOUT_WORK, SUCCEEDED_WITH_REJECTS

if TYPE_CHECKING:
    from cli.outcome import RunResult
    from cli.report.reading import RunReading

LOSSES: Final = {
    "rejected": "rejected",
    "dropped_by_lookup": "dropped for want of a lookup's row",
    "duplicates": "duplicates",
    "filtered": "filtered out",
}
"""What may become of a row that is not written."""
GOOD, NOTICE, BAD, BUSY, IDLE = "good", "notice", "bad", "busy", "idle"


def outcome(reading: RunReading, options: str = "") -> dict[str, Any]:
    """Return the outcome: its `kind`, a `sentence`, and `next` steps (`words`, `commands`).

    Parameters
    ----------
    options
        What the commands need to work on the same cloud.
    """
    result = reading.result
    words, verbs = _next_steps(reading)
    return {
        "kind": _kind(result),
        "sentence": _sentence(result),
        "next": {
            "words": words,
            # As anybody types it: the page is passed on, where this machine's paths mean nothing.
            "commands": [f"pipeline {verb}{options}" for verb in verbs],
        },
    }


def books(rows: dict[str, int]) -> str:
    """`4,000 rows read, 3,788 written; 200 rejected, 12 duplicates.`."""
    came = f"{number_of(rows['read'], 'row')} read"
    if expanded := rows.get("expanded"):
        came += f", {number_of(expanded, 'row')} made of them"
    lost = [f"{rows[name]:,} {words}" for name, words in LOSSES.items() if rows.get(name)]
    return f"{came}, {rows['written']:,} written{'; ' if lost else ''}{', '.join(lost)}."


def _kind(result: RunResult) -> str:
    if result.status == RUNNING:
        return BUSY
    if result.error:
        return BAD
    if result.status in OUTCOMES_WITHOUT_WORK:
        return IDLE
    doubtful = result.status == SUCCEEDED_WITH_REJECTS or result.checks
    return NOTICE if doubtful else GOOD


def _sentence(result: RunResult) -> str:
    if result.status == RUNNING:
        return "The run has not ended yet; this is what is known so far."
    if result.error:
        where = f" in the stage {result.error.stage}" if result.error.stage else ""
        counted = f" {_so_far(result.rows)}" if result.rows["read"] else ""
        return f"The run failed{where} with {result.error.name}; nothing was published.{counted}"
    if result.status in OUTCOMES_WITHOUT_WORK:
        return f"{_capital(_meaning(result))}."
    return f"{_merged(result)}{books(result.rows)}{_missed(result)}"


def _so_far(rows: dict[str, int]) -> str:
    """`6 rows read, 4 rejected.`: the books of a run that failed do not balance."""
    rejected = f", {rejected_rows(rows):,} rejected" if rejected_rows(rows) else ""
    return f"{number_of(rows['read'], 'row')} read{rejected}."


def _meaning(result: RunResult) -> str:
    known = MEANING_OF_MERGE if result.merges else MEANING
    return known.get(result.status, "the object is no file, so that there was nothing to do")


def _merged(result: RunResult) -> str:
    """Say of a merge what it merges."""
    if not result.merges:
        return ""
    count = number_of(result.merges.get("rows", 0), "quarantined row")
    return f"{count} of the run {result.merges.get('run_id')} were processed again: "


def _missed(result: RunResult) -> str:
    if not result.checks:
        return ""
    return f" {number_of(len(result.checks), 'quality check')} missed."


def _next_steps(reading: RunReading) -> tuple[str, list[str]]:
    """Return what to do in words, and the verbs for it."""
    result, name = reading.result, reading.found["name"]
    if result.status == RUNNING:
        return "Wait for it to end, and open the report again.", [f"report {name}"]
    if result.error:
        words = f"{_capital(advice(result, result.error))}."
        return words, [f"dead-letters show {name}", f"dead-letters replay {name}"]
    if rejected_rows(result.rows):
        return _about_rejects(reading)
    if result.checks:
        return "Look at the quality checks below; no row is missing because of them.", []
    return "Nothing needs to be done.", []


def _about_rejects(reading: RunReading) -> tuple[str, list[str]]:
    """Return what to do about rejected rows, by what became of them."""
    left = reading.left
    if left is None or left.status == UNCOMMITTED:
        return "Look at the rejected rows below.", []
    if left.status != OPEN:
        return f"Rejected rows: {MEANING_OF_STATUS[left.status]}.", []
    words = (
        "Correct these rows and upload the file again; or correct the contract or the steps, "
        "deploy, and replay the rejected rows alone."
    )
    run = left.run.run_id
    return words, [f"quarantine show {run}", f"quarantine replay {run}"]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
