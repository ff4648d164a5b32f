"""Forecasts for people and for machines, with what they assume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from cli.costs.forecast import MONTH_HOURS, STAGING_DAYS, TIMEOUT_S, WARM_MINUTES
from cli.costs.sizes import spoken
from cli.costs.standing import metric_series
from cli.costs.texts import (
    GB_OF_INPUT,
    MILLION,
    heading,
    line_table,
    per,
    priced_record,
    unconfirmed_note,
)
from cli.render import dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from cli.costs.forecast import Forecast

MINUTES_OF_DAY: Final = 24 * 60


def forecast_record(made: Forecast) -> dict[str, Any]:
    """Return the document of `cost --forecast --json`; amounts are of a month."""
    plan, each = made.plan, made.one_file.usd
    return {
        "files_per_month": round(plan.files_per_month, 2),
        "bytes_per_file": plan.bytes,
        "rows_per_file": round(made.rows),
        "datasets": plan.datasets,
        "metrics": made.metrics,
        "usd_per_month": round(made.usd, 6),
        "usd_per_file": round(each, 8),
        "usd_per_million_rows": per(each, round(made.rows), MILLION),
        "usd_per_gb": per(each, plan.bytes, GB_OF_INPUT),
        "files": priced_record(made.files),
        "standing": priced_record(made.standing),
        "storage": priced_record(made.storage),
        "profile": made.profile.source,
        "warnings": warnings(made),
        "assumptions": assumptions(made),
    }


def forecast_lines(made: Forecast) -> Iterator[RenderableType]:
    """Return the lines of `cost --forecast`."""
    plan = made.plan
    if made.prices.notice:
        yield Text(made.prices.notice, style="yellow")
    files = "1 file" if plan.files_per_month == 1 else f"{plan.files_per_month:,.0f} files"
    total = Text(f"{files} of {spoken(plan.bytes)} a month - ")
    yield total.append(f"{dollars(made.usd)} a month", style="bold green")
    each = made.one_file.usd
    yield Text(
        f"  a file {dollars(each)}, {dollars(each * MILLION / made.rows)} per million rows, "
        f"{dollars(each * GB_OF_INPUT / plan.bytes)} per GB"
    )
    for title, cost in (
        ("What the files use", made.files),
        ("What stands there, and the metrics", made.standing),
        ("Storage, for each month that a month's files are kept", made.storage),
    ):
        yield Text("")
        yield heading(title, cost)
        yield line_table(cost)
    yield Text("")
    yield from unconfirmed_note(made.files, made.standing, made.storage)
    yield from (Text(words, style="bold yellow") for words in warnings(made))
    yield Text(f"By {made.profile.source}.")
    yield from (Text(f"- {words}", style="dim") for words in assumptions(made))


def warnings(made: Forecast) -> list[str]:
    """Return why the plan may not work."""
    if not made.is_too_slow:
        return []
    stage, seconds = made.slowest
    return [
        f"{stage} would take {seconds:,.0f} s, more than the {TIMEOUT_S} s that a stage has by "
        "default. Raise its timeout_s (900 at most), or split the files."
    ]


def assumptions(made: Forecast) -> list[str]:
    """Return what the figures rest on."""
    plan = made.plan
    start = "every function starts cold" if made.cold else "no function starts cold"
    of_stack, series = (metric_series(made.metrics, datasets=number) for number in (0, 1))
    told = [
        "a stage's time grows with the file's bytes above a fixed part, as in the runs measured",
        f"files come evenly, one in {_time(plan.minutes_between)}, so {start}: one is taken to "
        f"stay warm for {WARM_MINUTES} minutes",
        f"metrics={made.metrics}: {series - of_stack} a dataset and {of_stack} a stack, each billed"
        f" for every one of {MONTH_HOURS} hours in which a file comes",
        f"frames between the stages are kept {STAGING_DAYS} days, input and output for good",
        "no failures, retries, rejects, queries or replays",
        "list prices: no tax, free tier or discount, and the first tier of each price",
    ]
    if made.stack_counted:
        return told
    uncounted = "no stack was looked at, so they are not in it: deploy it"
    return [*told, f"alarms, dashboard and keys: {uncounted}"]


def _time(minutes: float) -> str:
    """Return a time in the unit that reads best: `7.2 minutes`, `2.1 days`."""
    for unit, length in (("days", MINUTES_OF_DAY), ("hours", 60), ("minutes", 1)):
        if minutes >= 2 * length:
            return f"{minutes / length:,.1f} {unit}"
    return f"{minutes * 60:,.3g} seconds"
