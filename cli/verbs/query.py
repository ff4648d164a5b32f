"""`query`: SQL on what the pipeline has published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import CliError
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stdout, working
from cli.query_output import answer_table, json_rows, write_csv
from cli.target import Target, Where, open_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.query import Answer


def query(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset.")],
    sql: Annotated[str, typer.Argument(help="A SELECT; every dataset is a table of its name.")],
    *,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 1000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Query the output of datasets: with DuckDB on the local cloud, with Athena in AWS.

    Locally, exactly what is committed is read. Other datasets may be joined. A name that SQL
    would not take for one stands in double quotes.

    For example:
      pipeline query flights "SELECT month, count(*) FROM flights GROUP BY month ORDER BY month"
      pipeline query flights "SELECT * FROM flights WHERE month = 2" --limit 5
      pipeline query flights "SELECT max(w.temp) FROM flights JOIN weather w USING (time_hour)"
      pipeline query weather "SELECT origin, max(temp) AS hottest FROM weather GROUP BY 1" --json
      pipeline query weather "SELECT * FROM weather" --csv --limit 100000 > weather.csv
    """
    if as_json and as_csv:
        raise CliError("--json and --csv are two forms of the same answer", "Choose one")
    target = open_target(Where(profile, region, stack))
    with working(f"Querying {dataset}") as update:
        answer = _answer(target, dataset, sql, limit, update)
    if as_json:
        print_json(json_rows(answer))
    elif as_csv:
        write_csv(answer)
    else:
        _show(answer)
    if answer.cut:
        say(f"There are more than {limit:,} rows; to see more: --limit N")


def _answer(
    target: Target, dataset: str, sql: str, limit: int, update: Callable[[str], None]
) -> Answer:
    """Answer of the engine that the cloud has; no other verb needs either."""
    if target.cloud.is_local:
        from cli.query_local import local_answer  # noqa: PLC0415

        return local_answer(target, dataset, sql, limit=limit, update=update)
    from cli.query_athena import athena_answer  # noqa: PLC0415

    return athena_answer(target, dataset, sql, limit=limit, update=update)


def _show(answer: Answer) -> None:
    """Print the answer for a person."""
    out = stdout()
    table, hidden = answer_table(answer, out.width)
    out.print(table)
    if not answer.rows:
        say("No row.")
    if hidden:
        say(f"{hidden} more columns found no room; name fewer, or print all: --csv, --json")
