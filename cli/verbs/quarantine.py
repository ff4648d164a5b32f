"""`quarantine`: the rejected rows, and how to bring them in after all."""

from __future__ import annotations

import json
import sys
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.errors import EXIT_RUN_FAILED, CliError
from cli.follow import Followed, Follower, still_running
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stdout
from cli.paths import command
from cli.quarantine import (
    COUNTED_ROWS,
    QuarantineState,
    quarantined_runs,
    records,
    replay_event,
    states,
)
from cli.quarantine_replays import named_run, refusal_of
from cli.quarantine_texts import (
    counted_rules,
    merge_outcome,
    recovered,
    rows_table,
    rules_table,
    run_head,
    runs_table,
)
from cli.replaying import started
from cli.summary import summary
from cli.target import Target, Where, open_target
from cli.view import chosen_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.outcome import RunResult

SHOWN_ROWS: Final = 20
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Id of a run or its beginning, name or ARN of an execution, or `last`."
    ),
]


def list_runs(
    *,
    dataset: Annotated[str | None, typer.Option(help="Only runs of this dataset.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List runs with rejected rows, the latest first, and what became of these rows.

    For example:
      pipeline quarantine list
      pipeline quarantine list --dataset flights --limit 5
      pipeline quarantine list --json | jq '.[] | select(.status == "open")'
    """
    target = open_target(Where(profile, region, stack))
    found = states(target, quarantined_runs(target, dataset)[:limit])
    if as_json:
        print_json([state.as_json() for state in found])
    elif found:
        stdout().print(runs_table(found))
        say(f"Look at one: {command('quarantine show')} RUN")
    else:
        say("No row is in the quarantine.")


def show(
    run: RunName,
    *,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many rows; left out, 20, or all with --json."),
    ] = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show a run's rejected rows: the rules they broke, then the rows as they were read.

    For example:
      pipeline quarantine show last
      pipeline quarantine show 3f0c9a52 --limit 100
      pipeline quarantine show 3f0c9a52 --json | jq -r '.[].raw'
    """
    target = open_target(Where(profile, region, stack))
    [state] = states(target, [named_run(target, run)])
    rows = records(target.cloud.s3(), state.addresses)
    if as_json:
        print_json_array(islice(rows, limit))
        return
    for line in run_head(state):
        stdout().print(line)
    stdout().print("")
    stdout().print(rules_table(_rules(target, state)))
    stdout().print("")
    stdout().print(rows_table(islice(rows, limit or SHOWN_ROWS)))
    if (state.rows or 0) > (limit or SHOWN_ROWS):
        say(f"More: {command('quarantine show')} {state.run.run_id} --limit {state.rows}")


def replay(
    run: RunName,
    *,
    whole_file: Annotated[
        bool, typer.Option("--whole-file", help="Process the whole file again instead.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to follow before giving up.")] = 3600,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Run rejected rows again, under the contract and steps as they are deployed now.

    Rows that pass join the file's output; those that do not get a quarantine of their own.

    For example:
      pipeline quarantine replay last
      pipeline quarantine replay 3f0c9a52
      pipeline quarantine replay 3f0c9a52 --whole-file
    """
    target = open_target(Where(profile, region, stack))
    [state] = states(target, [named_run(target, run)])
    if refusal := refusal_of(state, whole_file=whole_file):
        say(f"Refused: {refusal}")
        if as_json:
            print_json({"run_id": state.run.run_id, "action": "refused", "reason": refusal})
        raise typer.Exit(EXIT_RUN_FAILED)
    assert state.manifest is not None  # only an uncommitted run has none, and is refused
    event = replay_event(state.manifest, None if whole_file else state.run.run_id)
    source = state.as_json()["source"]
    label = f"s3://{source['bucket']}/{source['key']}"
    file = Followed(label, state.run.dataset, source, partial(started, target, event))
    [result] = Follower(target, timeout_seconds=timeout).follow([file], chosen_view())
    _report(target, label, state, result, as_json=as_json, whole_file=whole_file)
    if still_running([result]):
        raise CliError(
            f"still running after {timeout:.0f} s, and goes on", f"See: {command('show last')}"
        )
    if not result.is_good:
        raise typer.Exit(EXIT_RUN_FAILED)


def print_json_array(rows: Iterator[dict[str, Any]]) -> None:
    """Write a JSON array to stdout row by row, as there may be millions."""
    separator = "["
    for row in rows:
        sys.stdout.write(f"{separator}\n  {json.dumps(row, ensure_ascii=False)}")
        separator = ","
    sys.stdout.write("[]\n" if separator == "[" else "\n]\n")


def _rules(target: Target, state: QuarantineState) -> list[dict[str, Any]]:
    """Rules that the rows broke: as reported, else counted over the first rows."""
    if state.report is not None:
        return state.top_rules
    rows = records(target.cloud.s3(), state.addresses)
    return counted_rules(islice(rows, COUNTED_ROWS))


def _report(
    target: Target,
    label: str,
    state: QuarantineState,
    result: RunResult,
    *,
    as_json: bool,
    whole_file: bool,
) -> None:
    """Print what became of the rows."""
    if as_json:
        written, rejected = (None, None) if whole_file else recovered(state, result)
        print_json(result.as_json() | {"recovered": written, "still_rejected": rejected})
        return
    for line in summary(label, result, target):
        stdout().print(line)
    if not whole_file and result.is_good:
        for line in merge_outcome(state, result):
            stdout().print(line)
