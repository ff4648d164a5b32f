"""What `pipeline run` says about a run that has ended, and what to type next."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from cli.paths import command
from cli.render import cost_line, merge_line, outcome_line, rows_line
from pipeline.constants import DEFAULT_STACK_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.outcome import RunError, RunResult
    from cli.target import Target

SHOWN_OUTPUTS: Final = 5
SHOWN_RULES: Final = 5
CLIENT_ERROR: Final = 400
PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What SQL takes for a table's name without quotes."""


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
    if result.repairs.get("counts"):
        yield Text(f"  repaired    {repaired(result)}", style="yellow")
    yield from missed_checks(result.checks)
    if missed := unmatched(result):
        yield Text(f"  unmatched   {missed}")
    yield from _addresses("outputs", result.outputs)
    if result.quarantine:
        yield Text(f"  quarantine  {result.quarantine}")
    yield from _addresses("repairs", result.repairs.get("files") or [])
    if result.report:
        yield Text(f"  report      {result.report}")
    yield from as_a_page(result)
    if result.cost:
        yield Text(f"  cost        {cost_line(result.cost)}")


def as_a_page(result: RunResult) -> Iterator[Text]:
    """Say what makes a page of a run."""
    if result.execution_arn:
        name = result.execution_arn.rpartition(":")[2]
        yield Text(f"  as a page   {command('report')} {name}")


def reasons(result: RunResult) -> str:
    """Return the most frequent reasons of rejected rows."""
    told = [
        f"{found['column'] or 'row'}: {found['rule']} ({found['rows']:,})"
        for found in result.top_rules[:SHOWN_RULES]
    ]
    more = len(result.top_rules) - len(told)
    return ", ".join(told) + (f" and {more} more reasons" if more > 0 else "")


def repaired(result: RunResult) -> str:
    """`12 cells (city: 9, state: 3), 2 rows`: rows are those that were put right as a whole."""
    cells: Counter[str] = Counter()
    rows = 0
    for found in result.repairs["counts"]:
        if found["column"]:
            cells[found["column"]] += found["cells"]
        else:
            rows += found["cells"]
    told = ", ".join(f"{column}: {number:,}" for column, number in cells.most_common(SHOWN_RULES))
    more = len(cells) - SHOWN_RULES
    by_column = f" ({told}{f' and {more} more columns' if more > 0 else ''})"
    return ", ".join(
        [
            *([number_of(cells.total(), "cell") + by_column] if cells else []),
            *([number_of(rows, "row")] if rows else []),
        ]
    )


def number_of(number: int, what: str) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def missed_checks(missed: list[dict[str, Any]]) -> Iterator[Text]:
    """Return the quality rules that the file breaks, and that only warn or inform."""
    for found in missed[:SHOWN_RULES]:
        yield Text(f"  {found['severity']:<10}  {missed_check(found)}", style="yellow")
    if len(missed) > SHOWN_RULES:
        yield Text(f"  {'':<10}  and {len(missed) - SHOWN_RULES} more in the report")


def missed_check(found: dict[str, Any]) -> str:
    """`nullValues of city: 12 rows, must be at most 10 percent of the rows`."""
    name = f"{found['name']} ({found['rule']})" if found["name"] else found["rule"]
    of = f" of {', '.join(found['columns'])}" if found["columns"] else ""
    return f"{name}{of}: {found['rows']:,} rows, {found['expected']}"


def unmatched(result: RunResult) -> str:
    """Return the rows that lookups had nothing for; a row without a key is none of them."""
    counts = {name: found.get("unmatched", 0) for name, found in result.lookups.items()}
    return ", ".join(f"{rows:,} rows in {name}" for name, rows in counts.items() if rows)


def how_to_look(results: Sequence[RunResult], target: Target) -> Iterator[Text]:
    """Return commands to paste that show the first rows of each dataset's output."""
    datasets = dict.fromkeys(each.dataset for each in results if each.dataset and each.outputs)
    if datasets:
        yield Text("Look at the output:", style="bold")
    for dataset in datasets:
        yield Text(f"  {query_command(dataset, target)}")
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
        yield from as_a_page(result)
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
    return advice_by_fault(error.status_code)


def advice_by_fault(status_code: int) -> str:
    """Say what a person should do next about a failed execution: 400 is the data's fault."""
    if status_code == CLIENT_ERROR:
        return (
            "correct the file and run it again; or correct the dataset's contract or steps, "
            "deploy, and replay the run"
        )
    return "look at the details; when the cause is gone, replay the run"


def fault_by_status(status_code: int | None) -> str:
    """Name what has to change before a failed execution can work: 400 is the data's fault."""
    if status_code == CLIENT_ERROR:
        return "the data or its definition"
    return "the platform or the pipeline"


def _addresses(label: str, addresses: list[str]) -> Iterator[Text]:
    for position, address in enumerate(addresses[:SHOWN_OUTPUTS]):
        yield Text(f"  {label if position == 0 else '':<10}  {address}")
    if len(addresses) > SHOWN_OUTPUTS:
        yield Text(f"  {'':<10}  and {len(addresses) - SHOWN_OUTPUTS} more")


def query_command(dataset: str, target: Target) -> str:
    """Return what to type to see the first rows of a dataset's output."""
    return (
        f"{command('query')} {shlex.quote(dataset)} {_first_rows(dataset)}{where_options(target)}"
    )


def _first_rows(dataset: str) -> str:
    """SQL as a shell takes it."""
    if PLAIN_NAME.fullmatch(dataset):
        return f'"SELECT * FROM {dataset} LIMIT 10"'
    return shlex.quote(f'SELECT * FROM "{dataset}" LIMIT 10')


def where_options(target: Target) -> str:
    """Options that have another command work on the same cloud."""
    stack = "" if target.stack == DEFAULT_STACK_NAME else f" --stack {target.stack}"
    if target.cloud.is_local:
        return stack
    return f" --profile {target.cloud.session.profile_name} --region {target.cloud.region}{stack}"
