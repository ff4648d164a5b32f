"""Dead letters for machines (records) and for people (tables and text)."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from cli.entries import short_ids
from cli.letters import FAILED, LINEAGE, OTHER, UNCAUGHT, UNDELIVERED
from cli.outcome import common_address
from cli.paths import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from cli.entries import Entry
    from cli.letters import Letter
    from cli.replays import ReplayPlan

TEXT_WIDTH: Final = 98
KINDS: Final = {
    FAILED: "a stage failed",
    UNCAUGHT: "the execution ended past every Catch: stopped, out of time, or beyond a limit",
    UNDELIVERED: "the upload never started an execution",
    LINEAGE: "a run's lineage event did not reach its receiver",
    OTHER: "no letter that this command can read",
}


def entry_record(entry: Entry, resumes_from: str | None) -> dict[str, Any]:
    """One entry as `dead-letters list --json` prints it."""
    letter = entry.latest
    return {
        "id": entry.id,
        "kind": letter.kind,
        "execution_arn": letter.execution_arn,
        "execution_arns": execution_arns(entry),
        "dataset": letter.dataset,
        "source": {
            "bucket": letter.bucket,
            "key": letter.key,
            "version_id": letter.version_id,
        },
        "run_id": letter.run_id,
        "stage": letter.stage,
        "error": letter.error,
        "message": letter.text,
        "status_code": letter.status_code,
        "rows": letter.rows,
        "failed_at": letter.failed_at,
        "letters": len(entry.letters),
        "resumes_from": resumes_from,
    }


def entry_details_record(plan: ReplayPlan) -> dict[str, Any]:
    """Return the document of `dead-letters show --json`."""
    entry = plan.entry
    return entry_record(entry, plan.resumes_from) | {
        "refusal": plan.refusal,
        "quarantine": quarantine_of(entry.latest),
        "failures": [
            {
                "name": letter.name,
                "kind": letter.kind,
                "stage": letter.stage,
                "error": letter.error,
                "message": letter.text,
                "failed_at": letter.failed_at,
            }
            for letter in entry.letters
        ],
        "event": entry.latest.event,
        "body": entry.latest.message.body if entry.latest.kind == OTHER else None,
    }


def execution_arns(entry: Entry) -> list[str]:
    """Executions that failed on this entry, each once, the oldest first."""
    named = (letter.execution_arn for letter in entry.letters)
    return list(dict.fromkeys(arn for arn in named if arn))


def quarantine_of(letter: Letter) -> str | None:
    """Return where the rejected rows of a failed run are, if it has any."""
    addresses = letter.rejects.get("quarantine")
    told = addresses if isinstance(addresses, list) else []
    return common_address([address for address in told if isinstance(address, str)])


def entries_table(entries: Sequence[Entry]) -> Table:
    """Return the list for people, with times in their own zone."""
    table = Table(box=None, padding=(0, 1))
    columns = ("id", "when", "kind", "dataset", "file", "stage", "error", "rows", "letters")
    for column in columns:
        table.add_column(column, justify="right" if column in ("rows", "letters") else "left")
    shortened = short_ids([entry.id for entry in entries])
    for entry in entries:
        letter = entry.latest
        when = letter.failed_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        cells = (shortened[entry.id], when, letter.kind, letter.dataset, letter.key)
        more = (letter.stage, letter.error, _rows_read(letter), str(len(entry.letters)))
        table.add_row(*(Text(cell or "") for cell in (*cells, *more)))
    return table


def entry_details(plan: ReplayPlan) -> Iterator[RenderableType]:
    """Return the lines of `dead-letters show`."""
    entry, letter = plan.entry, plan.entry.latest
    yield Text(f"{entry.id}: {letter.error}", style="bold red")
    yield Text(f"  what        {KINDS[letter.kind]}")
    yield Text(f"  when        {letter.failed_at.isoformat(timespec='seconds')}")
    if letter.key:
        version = f" (version {letter.version_id})" if letter.version_id else ""
        yield Text(f"  file        {entry.address}{version}")
        yield Text(f"  dataset     {letter.dataset or 'unknown'}")
    if letter.stage:
        yield Text(f"  stage       {letter.stage} (status code {letter.status_code})")
    if counts := _counts(letter):
        yield Text(f"  rows        {counts} when it failed")
    if quarantine := quarantine_of(letter):
        yield Text(f"  quarantine  {quarantine}")
    if len(entry.letters) > 1:
        yield Text(f"  letters     {len(entry.letters)}: {_failures(entry)}")
    yield Text("")
    # Addresses and commands in it are copied: they stay in one piece.
    wrapped = textwrap.wrap(letter.text, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)
    yield Text("\n".join(wrapped))
    yield Text("")
    if letter.kind == OTHER:
        yield Text(f"The message: {letter.message.body}\n")
    if letter.execution_arn:
        yield Text(f"  history     {command('show')} {letter.name}")
    yield Text(f"  replay      {intention(plan)}")
    if plan.refusal is None:
        yield Text(f"              {command('dead-letters replay')} {entry.id}", style="bold")
    yield Text(f"  give it up  {command('dead-letters discard')} {entry.id}")
    if letter.event is not None:
        yield Text("\nevent", style="bold")
        yield Text(json.dumps(letter.event, indent=2, ensure_ascii=False))


def intention(plan: ReplayPlan) -> str:
    """Say what a replay would do."""
    if plan.refusal:
        return f"refused: {plan.refusal}"
    if plan.entry.latest.kind == UNDELIVERED:
        return "starts the execution that the upload should have started"
    of_merge = " of the merge" if plan.entry.latest.quarantine else ""
    if plan.resumes_from:
        return (
            f"resumes{of_merge} at {plan.resumes_from} (from the start, if the dataset was "
            "deployed anew or what was staged has expired)"
        )
    return f"does all stages{of_merge} again"


def given_up(entry: Entry) -> str:
    """Say what is lost with an entry."""
    letter = entry.latest
    what = f"{entry.id}: {letter.error}, {entry.address}; letters: {len(entry.letters)}."
    if letter.event is None:
        return f"{what} Nothing can be replayed from it."
    if letter.kind == LINEAGE:
        return f"{what} The run is done, and its event stays in its bucket."
    return (
        f"{what} The file stays in its bucket, but nobody will be reminded that it was not "
        "processed, and it can only be processed by uploading it again."
    )


def _failures(entry: Entry) -> str:
    """`StepError in clean at 12:00:01, ...`, the oldest first."""
    return ", ".join(
        f"{letter.error} in {letter.stage or 'no stage'} at "
        f"{letter.failed_at.isoformat(timespec='seconds')}"
        for letter in entry.letters
    )


def _rows_read(letter: Letter) -> str:
    read = letter.rows.get("read")
    return f"{read:,}" if isinstance(read, int) else ""


def _counts(letter: Letter) -> str:
    """Return the counts that are not zero."""
    counts = {name: count for name, count in letter.rows.items() if isinstance(count, int)}
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
