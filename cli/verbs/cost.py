"""`cost`: what an execution has cost, and what so many files would."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.costs.bill import bill_of
from cli.costs.forecast import MONTH_DAYS, Plan, forecast
from cli.costs.forecast_texts import forecast_lines, forecast_record
from cli.costs.functions import FunctionLogs, stage_functions
from cli.costs.profiles import built_in_profile, measured_profile
from cli.costs.sizes import bytes_of
from cli.costs.standing import NO_STACK, standing_resources
from cli.costs.texts import bill_lines, bill_record
from cli.errors import CliError
from cli.executions import described, history
from cli.local_cloud import REGION
from cli.options import STACK_DEFAULT, AsJson, Profile, Region, Stack
from cli.output import print_json, say, stdout
from cli.paths import command
from cli.target import Target, Where, open_target
from pipeline.metrics import MetricsDetail
from pipeline.prices import Prices, PricesError, prices_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from cli.costs.forecast import Forecast


class Period(StrEnum):
    """How often the files of a forecast come."""

    DAY = "day"
    MONTH = "month"


Files = Annotated[int | None, typer.Option(min=1, help="Forecast: files in the period.")]
Size = Annotated[str | None, typer.Option(help="Forecast: size of a file, as 30MB or 2GiB.")]
Rows = Annotated[int | None, typer.Option("--rows-per-file", min=1, help="Forecast: rows of each.")]
Dataset = Annotated[
    str | None, typer.Option(help="Forecast: by the latest runs of this dataset on the cloud.")
]
Datasets = Annotated[int, typer.Option(min=1, help="Forecast: datasets that get the files.")]
Metrics = Annotated[
    MetricsDetail | None,
    typer.Option(help="Forecast: the setting `metrics`, if not the stack's own."),
]
AsRegion = Annotated[str | None, typer.Option(help="Use this region's prices.")]
OwnPrices = Annotated[
    Path | None, typer.Option("--prices", help="JSON file of prices that go before the table's.")
]


def cost(
    execution: Annotated[
        str | None, typer.Argument(help="Name or ARN of an execution, or `last`.")
    ] = None,
    *,
    plan: Annotated[bool, typer.Option("--forecast", help="Plan instead of looking back.")] = False,
    files: Files = None,
    size: Size = None,
    rows_per_file: Rows = None,
    per: Annotated[Period, typer.Option(help="Forecast: the period.")] = Period.MONTH,
    dataset: Dataset = None,
    datasets: Datasets = 1,
    metrics: Metrics = None,
    as_region: AsRegion = None,
    prices_file: OwnPrices = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what an execution has cost, stage by stage; or forecast what files would cost a month.

    Prices are AWS's list prices of the stack's region, dated in
    pipeline/prices.json; an execution on the local cloud is priced as in
    us-east-1, or as --as-region says.

    For example:
      pipeline cost last
      pipeline cost last --as-region eu-central-1 --json | jq .usd
      pipeline cost --forecast --files 200 --size 30MB --per day
      pipeline cost --forecast --files 1000 --size 2GB --dataset flights
    """
    where = Where(profile, region, stack)
    if plan:
        if execution:
            raise CliError("a forecast is about no execution", "Leave out one of the two")
        planned = _planned(files, size, rows_per_file, per, datasets)
        made = _forecast(
            planned,
            where,
            dataset=dataset,
            metrics=metrics,
            as_region=as_region,
            prices_file=prices_file,
        )
        _show(forecast_record(made), forecast_lines(made), as_json=as_json)
        return
    planning = {"--files": files, "--size": size, "--rows-per-file": rows_per_file}
    _refuse({**planning, "--dataset": dataset, "--metrics": metrics})
    if execution is None:
        raise CliError(
            "no execution is named",
            f"Type {command('cost last')}, or plan with {command('cost --forecast')}",
        )
    target = open_target(where)
    found = described(target, execution)
    logs = FunctionLogs(target.cloud, stage_functions(target))
    events = list(history(target.cloud.stepfunctions(), found["executionArn"]))
    prices = _prices(as_region or target.cloud.region, prices_file)
    bill = bill_of(found, events, logs, prices)
    _show(bill_record(bill), bill_lines(bill), as_json=as_json)
    for group in logs.unreadable:
        say(f"A log could not be read, so its seconds are by the stages' records: {group}")


def _refuse(planning: dict[str, object]) -> None:
    """Refuse options of a forecast where none is asked for: they would do nothing."""
    if given := [name for name, value in planning.items() if value is not None]:
        raise CliError(f"{given[0]} is about a forecast", "Add --forecast, or leave it out")


def _planned(
    files: int | None, size: str | None, rows: int | None, per: Period, datasets: int
) -> Plan:
    """Return what a forecast is about."""
    if files is None or size is None:
        raise CliError(
            "a forecast needs --files and --size",
            f"For example: {command('cost --forecast --files 200 --size 30MB --per day')}",
        )
    monthly = files * (MONTH_DAYS if per is Period.DAY else 1)
    return Plan(files_per_month=monthly, bytes=bytes_of(size), rows=rows, datasets=datasets)


def _forecast(
    planned: Plan,
    where: Where,
    *,
    dataset: str | None,
    metrics: MetricsDetail | None,
    as_region: str | None,
    prices_file: Path | None,
) -> Forecast:
    target = _target_if_any(where, needed=dataset is not None)
    profile = measured_profile(target, dataset) if target and dataset else built_in_profile()
    standing = standing_resources(target) if target else NO_STACK
    standing = replace(standing, metrics=metrics or standing.metrics)
    region = as_region or (target.cloud.region if target else REGION)
    return forecast(planned, profile, standing, _prices(region, prices_file))


def _target_if_any(where: Where, *, needed: bool) -> Target | None:
    """Return the stack; a plan on a laptop without a cloud may do without one, if none is named."""
    try:
        return open_target(where)
    except CliError:
        if needed or not where.is_local or where.stack != STACK_DEFAULT:
            raise
        return None


def _prices(region: str, own: Path | None) -> Prices:
    try:
        return prices_for(region, own=own)
    except PricesError as error:
        raise CliError(
            str(error).removesuffix("."), "Its form is that of pipeline/prices.json"
        ) from error


def _show(record: object, lines: Iterable[RenderableType], *, as_json: bool) -> None:
    if as_json:
        print_json(record)
        return
    for line in lines:
        stdout().print(line)
