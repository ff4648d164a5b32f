"""`dead-letters`: what failed, and how to do it again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.entries import Entry, entry_named
from cli.errors import EXIT_RUN_FAILED, CliError
from cli.follow import still_running
from cli.held import chosen, filtered, held_entries
from cli.letter_texts import (
    entries_table,
    entry_details,
    entry_details_record,
    entry_record,
    given_up,
    intention,
)
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stdout
from cli.paths import command
from cli.replaying import Replay, Replayer
from cli.replays import ReplayPlan, next_stage, replay_plan, summary_to_resume
from cli.summary import summary
from cli.target import Target, Where, open_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.queues import HeldMessages

OfDataset = Annotated[str | None, typer.Option("--dataset", help="Only letters of this dataset.")]
OfError = Annotated[str | None, typer.Option("--error", help="Only letters with this error.")]


def list_entries(
    *,
    dataset: OfDataset = None,
    error: OfError = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List what failed and was not replayed yet, the latest first; one line per file version.

    For example:
      pipeline dead-letters list
      pipeline dead-letters list --dataset flights --error TooManyRejectsError
      pipeline dead-letters list --json | jq -r '.[].id'
    """
    target = open_target(Where(profile, region, stack))
    with _held_entries(target) as (_, entries):
        found = filtered(entries, dataset, error)
    if as_json:
        print_json([entry_record(entry, _resumes_from(target, entry)) for entry in found])
    elif found:
        stdout().print(entries_table(found))
        say(f"Look at one: {command('dead-letters show')} ID")
    else:
        say("There is no dead letter.")


def show(
    entry_id: Annotated[
        str, typer.Argument(metavar="ID", help="A letter's id, or an execution's name or ARN.")
    ],
    *,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what failed and why, and what a replay would do.

    For example:
      pipeline dead-letters show 3f0c9a52
      pipeline dead-letters show 3f0c9a52 --json | jq .event
    """
    target = open_target(Where(profile, region, stack))
    with _held_entries(target) as (_, entries):
        entry = entry_named(entries, entry_id)
    plan = replay_plan(target, entry)
    if as_json:
        print_json(entry_details_record(plan))
        return
    for line in entry_details(plan):
        stdout().print(line)


def replay(
    entry_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ids as `list` shows them.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Replay every letter.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would happen; change nothing.")
    ] = False,
    dataset: OfDataset = None,
    error: OfError = None,
    timeout: Annotated[float, typer.Option(help="Seconds to follow each before giving up.")] = 3600,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Run again what failed, from the stage that failed, and delete the letters of what succeeds.

    Exit status 1 if a run fails again or a replay is refused: its letters stay.

    For example:
      pipeline dead-letters replay 3f0c9a52
      pipeline dead-letters replay --all --dry-run
      pipeline dead-letters replay --all --dataset flights --error StorageThrottledError
    """
    if bool(entry_ids) == everything:
        raise CliError("name the letters to replay", "Either ids, or --all")
    target = open_target(Where(profile, region, stack))
    with _held_entries(target) as (held, entries):
        named = chosen(held, filtered(entries, dataset, error), entry_ids)
        plans = [replay_plan(target, entry) for entry in named]
        accepted = [plan for plan in plans if plan.refusal is None]
        replays: list[Replay] = []
        if accepted and not dry_run:
            replays = Replayer(target, held).replay(accepted, timeout_seconds=timeout)
    by_id = {replay.plan.entry.id: replay for replay in replays}
    _report(target, plans, by_id, as_json=as_json)
    _conclude(plans, replays, timeout)


def discard(
    entry_ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids as `list` shows them.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Delete letters for good without a replay; the files they are about stay where they are.

    For example:
      pipeline dead-letters discard 3f0c9a52
      pipeline dead-letters discard 3f0c9a52 --yes
    """
    if not yes and not sys.stdin.isatty():
        raise CliError("nothing was deleted, for nobody here can be asked", "Add --yes")
    target = open_target(Where(profile, region, stack))
    records = []
    with _held_entries(target) as (held, entries):
        for entry in chosen(held, entries, entry_ids):
            say(given_up(entry))
            if yes or typer.confirm("Delete?", err=True):
                deleted = not held.delete(entry.messages)
                records.append(_record(entry, "discarded", deleted=deleted))
                say("Deleted." if deleted else "Some letters could not be deleted: try again.")
            held.extend_if_due()
    if as_json:
        print_json(records)
    if not all(record["deleted"] for record in records):
        raise typer.Exit(EXIT_RUN_FAILED)


@contextmanager
def _held_entries(target: Target) -> Iterator[tuple[HeldMessages, list[Entry]]]:
    """All entries, the latest first, whose messages are held until the block ends."""
    with held_entries(target) as (held, entries):
        if held.elsewhere:
            say(
                f"About {held.elsewhere} more messages are being read by another command, or were "
                "a moment ago; they come back within some minutes."
            )
        yield held, entries


def _resumes_from(target: Target, entry: Entry) -> str | None:
    return next_stage(summary_to_resume(target, entry.latest))


def _report(
    target: Target, plans: Sequence[ReplayPlan], replays: dict[str, Replay], *, as_json: bool
) -> None:
    """Print what became of every entry."""
    if as_json:
        print_json([_replay_record(plan, replays.get(plan.entry.id)) for plan in plans])
        return
    if not plans:
        say("There is no dead letter to replay.")
    for plan in plans:
        for line in _replay_lines(target, plan, replays.get(plan.entry.id)):
            stdout().print(line)


def _replay_lines(target: Target, plan: ReplayPlan, replay: Replay | None) -> Iterator[Text]:
    if replay is None:
        yield Text(f"{plan.entry.id} ({plan.entry.address}): {intention(plan)}")
        return
    yield from summary(replay.followed.label, replay.result, target)
    if replay.deleted:
        yield Text("  letters     deleted")
    elif replay.result.is_good:
        again = f"{command('dead-letters discard')} {plan.entry.id}"
        yield Text(f"  letters     not all deleted, which is for you to do: {again}")
    elif replay.result.error:
        yield Text("  letters     kept; the new failure has left one of its own beside them")


def _conclude(plans: Sequence[ReplayPlan], replays: Sequence[Replay], timeout: float) -> None:
    """End with the exit status that fits."""
    results = [replay.result for replay in replays]
    if still_running(results):
        raise CliError(
            f"still running after {timeout:.0f} s, and goes on; the letters stay",
            f"See: {command('executions')}",
        )
    if any(plan.refusal for plan in plans) or not all(replay.deleted for replay in replays):
        raise typer.Exit(EXIT_RUN_FAILED)


def _replay_record(plan: ReplayPlan, replay: Replay | None) -> dict[str, Any]:
    if plan.refusal:
        return _record(plan.entry, "refused", reason=plan.refusal)
    resumes_from = plan.resumes_from
    if replay is None:
        return _record(plan.entry, "would_replay", resumes_from=resumes_from)
    return _record(
        plan.entry,
        "replayed",
        resumes_from=resumes_from,
        result=replay.result.as_json(),
        deleted=replay.deleted,
    )


def _record(
    entry: Entry,
    action: str,
    *,
    reason: str | None = None,
    resumes_from: str | None = None,
    result: dict[str, Any] | None = None,
    deleted: bool = False,
) -> dict[str, Any]:
    """One entry as `replay --json` and `discard --json` print it."""
    return {
        "id": entry.id,
        "action": action,
        "reason": reason,
        "resumes_from": resumes_from,
        "result": result,
        "deleted": deleted,
    }
