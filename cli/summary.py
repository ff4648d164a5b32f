"""What `pipeline run` says about a run that has ended, and what to type next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from cli.paths import command, python
from cli.render import merge_line, outcome_line, rows_line
from pipeline.constants import PROCESSED_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.outcome import RunError, RunResult
    from cli.target import Target

SHOWN_OUTPUTS: Final = 5
SHOWN_RULES: Final = 5
CLIENT_ERROR: Final = 400
FORMATS: Final = {".csv": "csv", ".json": "json"}
"""Names that pyarrow has for formats, by a file's ending; anything else is Parquet."""


def summary(label: str, result: RunResult, target: Target) -> Iterator[Text]:
    """Lines about one run."""
    yield outcome_line(label, result)
    if result.merges:
        yield Text(f"  merge       {merge_line(result.merges)}")
    if result.error:
        yield from _failure(result, result.error, target)
        return
    if any(result.rows.values()):
        yield Text(f"  rows        {rows_line(result)}")
    if result.top_rules:
        yield Text(f"  rejected    {reasons(result)}", style="yellow")
    if missed := unmatched(result):
        yield Text(f"  unmatched   {missed}")
    yield from _addresses("outputs", result.outputs)
    if result.quarantine:
        yield Text(f"  quarantine  {result.quarantine}")
    if result.report:
        yield Text(f"  report      {result.report}")


def reasons(result: RunResult) -> str:
    """Return the most frequent reasons of rejected rows."""
    told = [
        f"{found['column'] or 'row'}: {found['rule']} ({found['rows']:,})"
        for found in result.top_rules[:SHOWN_RULES]
    ]
    more = len(result.top_rules) - len(told)
    return ", ".join(told) + (f" and {more} more reasons" if more > 0 else "")


def unmatched(result: RunResult) -> str:
    """Return the rows that lookups had nothing for; a row without a key is none of them."""
    counts = {name: found.get("unmatched", 0) for name, found in result.lookups.items()}
    return ", ".join(f"{rows:,} rows in {name}" for name, rows in counts.items() if rows)


def how_to_look(results: Sequence[RunResult], target: Target) -> Iterator[Text]:
    """Return commands to paste that show each dataset's output as a DataFrame."""
    outputs = {result.dataset: result.outputs[0] for result in results if result.outputs}
    if outputs:
        yield Text("Look at the output:", style="bold")
        yield Text(f'  eval "$({_env(target)})"')
    for dataset, output in outputs.items():
        address = f"s3://{target.output_bucket}/{PROCESSED_PREFIX}{dataset}/"
        yield Text(f"  {python()} -c '{_reading(address, output)}'")
    if target.cloud.is_local:
        yield Text(f"Stop the local cloud (its data goes with it): {command('down')}")


def _failure(result: RunResult, error: RunError, target: Target) -> Iterator[Text]:
    """Why it failed, what is lost (nothing), and what to do."""
    yield Text(f"  stage       {error.stage or 'none'}")
    yield Text(f"  error       {error.name} ({error.status_code})", style="red")
    yield Text(f"  message     {error.message}")
    if any(result.rows.values()):
        yield Text(f"  rows        {rows_line(result)}")
    if result.top_rules:
        yield Text(f"  rejected    {reasons(result)}", style="yellow")
    if result.quarantine:
        yield Text(f"  quarantine  {result.quarantine}")
    yield Text(f"  what to do  {advice(result, error)}")
    if result.execution_arn:
        name = result.execution_arn.rsplit(":", 1)[-1]
        yield Text(
            f"  nothing is lost: the input is untouched, and the failed run waits in "
            f"the dead-letter queue {target.dead_letter_queue_url}"
        )
        yield Text(f"  details     {command('show')} {name}")
        yield from (Text(line) for line in next_steps(name))


def next_steps(name: str) -> list[str]:
    """Return what to type about a failed execution's dead letter."""
    return [
        f"  dead letter {command('dead-letters show')} {name}",
        f"  replay      {command('dead-letters replay')} {name}",
    ]


def advice(result: RunResult, error: RunError) -> str:
    """Say what a person should do next, by whose fault it is."""
    if result.execution_arn is None:
        return f"see whether the bucket's events reach the state machine: {command('status')}"
    if error.status_code == CLIENT_ERROR:
        return (
            "correct the file and run it again; or correct the dataset's contract or steps, "
            "deploy, and replay the run"
        )
    return "look at the details; when the cause is gone, replay the run"


def _addresses(label: str, addresses: list[str]) -> Iterator[Text]:
    for position, address in enumerate(addresses[:SHOWN_OUTPUTS]):
        yield Text(f"  {label if position == 0 else '':<10}  {address}")
    if len(addresses) > SHOWN_OUTPUTS:
        yield Text(f"  {'':<10}  and {len(addresses) - SHOWN_OUTPUTS} more")


def _reading(address: str, output: str) -> str:
    """Python that prints all of a dataset; `output` is one of its files."""
    form = next((name for ending, name in FORMATS.items() if ending in output), "parquet")
    dataset = f'd.dataset("{address}", format="{form}", partitioning="hive")'
    return f"import pyarrow.dataset as d; print({dataset}.to_table().to_pandas())"


def _env(target: Target) -> str:
    """Return the `env` verb for the same cloud."""
    profile = target.cloud.session.profile_name
    if target.cloud.is_local:
        return command("env")
    return f"{command('env')} --profile {profile} --region {target.cloud.region}"
