"""Bills for people and for machines. No AWS in here: everything shown is passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from cli.costs.bill import HISTORY, LOG, RECORD
from cli.costs.sizes import spoken
from cli.costs.sizing import KEEP, sizing_hint
from cli.render import dollars
from pipeline.cost import COMPUTE, cost_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from cli.costs.bill import Bill, Invocation, StageBill
    from pipeline.cost import Cost, Line
    from pipeline.prices import Prices

MILLION: Final = 1_000_000
GB_OF_INPUT: Final = 1_000_000_000
MANY: Final = 1_000
NOT_IN_BILL: Final = (
    "storage of files and logs",
    "custom metrics, alarms, dashboard and keys, which are billed by the month (--forecast)",
    "sending lineage events, queries, and data transfer out of the region",
    "tax, free tier and discounts",
)
MEASURED_BY: Final = {
    LOG: "Lambda's report in the log",
    RECORD: "the stage's own record",
    HISTORY: "the execution's history (the way to the function and back counts too)",
}


def cents(usd: float) -> str:
    """Return an amount for a column, to a ten-thousandth of a cent."""
    return f"{usd:,.6f}"


def quantity_words(quantity: float) -> str:
    """Return a quantity with four digits that mean something, or all before the point."""
    if quantity == int(quantity) or quantity >= MANY:
        return f"{quantity:,.0f}"
    return f"{quantity:.4g}"


def bill_record(bill: Bill) -> dict[str, Any]:
    """Return the document of `cost EXECUTION --json`."""
    cost = bill.cost
    return {
        "execution_arn": bill.execution_arn,
        "name": bill.name,
        "status": bill.status,
        "dataset": bill.dataset,
        "rows": bill.rows,
        "bytes": bill.bytes,
        **priced_record(cost),
        "usd_per_million_rows": per(cost.usd, bill.rows, MILLION),
        "usd_per_gb": per(cost.usd, bill.bytes, GB_OF_INPUT),
        "stages": [_stage_record(stage, bill.prices) for stage in bill.stages],
        "left_out": left_out(bill),
    }


def priced_record(cost: Cost) -> dict[str, Any]:
    """Return a cost with everything that its lines mean."""
    prices = cost.prices
    return {
        "usd": round(cost.usd, 8),
        "currency": prices.currency,
        "region": prices.region,
        "prices_as_of": prices.as_of,
        "own_prices": str(prices.own) if prices.own else None,
        "notice": prices.notice,
        "lines": [line_record(line, prices) for line in cost.lines],
    }


def line_record(line: Line, prices: Prices) -> dict[str, Any]:
    """Return a line with its item's words and its unit's price."""
    item = prices.items[line.item]
    return {
        "item": line.item,
        "service": item.service,
        "what": item.what,
        "quantity": round(line.quantity, 6),
        "unit": item.unit,
        "unit_usd": round(prices.usd[line.item], 15),  # 0.2 / 10**6 has a long tail
        "usd": round(line.usd, 8),
        "confirmed": line.item not in prices.unconfirmed,
    }


def per(usd: float, number: int, unit: int) -> float | None:
    """Return dollars per unit of something; None where there is nothing of it."""
    return round(usd * unit / number, 6) if number else None


def left_out(bill: Bill) -> list[str]:
    """Return what the bill does not contain."""
    failed = bill.failed_attempts
    more = f"requests to S3 of {failed} failed attempt{'' if failed == 1 else 's'}"
    return [*([more] if failed else []), *NOT_IN_BILL]


def bill_lines(bill: Bill) -> Iterator[RenderableType]:
    """Return the lines of `cost EXECUTION`."""
    cost = bill.cost
    yield heading(f"{bill.name}: {bill.status}", cost)
    if bill.prices.notice:
        yield Text(f"  {bill.prices.notice}", style="yellow")
    for words in _rates(bill):
        yield Text(f"  {words}")
    yield Text("")
    yield _stage_table(bill)
    yield Text("")
    yield line_table(cost)
    yield Text("")
    yield from unconfirmed_note(cost)
    yield from _hints(bill)
    for source in sorted({each.told_by for stage in bill.stages for each in stage.invocations}):
        yield Text(f"Billed seconds by {MEASURED_BY[source]}.")
    yield Text(f"Not in it: {'; '.join(left_out(bill))}.", style="dim")


def heading(what: str, cost: Cost) -> Text:
    """Return the line that says what something costs, where, and by prices of which day."""
    text = Text(f"{what} - ")
    text.append(dollars(cost.usd), style="bold green")
    own = f"prices of {cost.prices.own}, else " if cost.prices.own else ""
    return text.append(f" in {cost.prices.region}, {own}list prices as of {cost.prices.as_of}")


def line_table(cost: Cost) -> Table:
    """Return the bill, item by item."""
    table = Table(box=None, padding=(0, 1))
    for column in ("service", "what", "quantity", "unit", "unit price", "USD"):
        table.add_column(column, justify="left" if column in ("service", "what") else "right")
    for line in cost.lines:
        item, price = cost.prices.items[line.item], cost.prices.usd[line.item]
        mark = "?" if line.item in cost.prices.unconfirmed else ""
        cells = (
            *(item.service, item.what, quantity_words(line.quantity), item.unit),
            *(f"{mark}{price:.10f}".rstrip("0").rstrip("."), cents(line.usd)),
        )
        table.add_row(*map(Text, cells))
    return table


def unconfirmed_note(*costs: Cost) -> Iterator[Text]:
    """Return what the question mark at a price means, if there is one."""
    if any(line.item in cost.prices.unconfirmed for cost in costs for line in cost.lines):
        yield Text("? could not be confirmed against AWS's own figures", style="yellow")


def _rates(bill: Bill) -> Iterator[str]:
    usd = bill.cost.usd
    if bill.rows:
        yield f"{dollars(usd * MILLION / bill.rows)} per million rows ({bill.rows:,} read)"
    if bill.bytes:
        each = dollars(usd * GB_OF_INPUT / bill.bytes)
        yield f"{each} per GB of input ({spoken(bill.bytes)})"


def _stage_table(bill: Bill) -> Table:
    table = Table(box=None, padding=(0, 1))
    columns = ("stage", "tries", "billed s", "init s", "memory MB", "peak MB", "GB-s")
    for column in (*columns, "S3 requests", "bytes in", "bytes out", "log", "USD"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for stage in bill.stages:
        table.add_row(*map(Text, _stage_cells(stage, bill.prices)))
    return table


def _stage_cells(stage: StageBill, prices: Prices) -> tuple[str, ...]:
    usage, tries = stage.usage, stage.invocations
    taken_over = " (taken over)" if stage.resumed else ""
    return (
        f"{stage.stage}{taken_over}",
        str(len(tries)),
        f"{sum(each.billed_s for each in tries):.3f}",
        f"{sum(each.init_s for each in tries):.3f}",
        f"{stage.memory_mb:,}" if stage.memory_mb else "",
        f"{stage.peak_mb:,}" if stage.peak_mb else "",
        f"{usage.get(COMPUTE, 0):.3f}",
        f"{usage.get('s3_get', 0) + usage.get('s3_put', 0):,.0f}",
        spoken(stage.bytes_in),
        spoken(stage.bytes_out),
        spoken(sum(each.log_bytes for each in tries)),
        cents(cost_of(usage, prices).usd),
    )


def _hints(bill: Bill) -> Iterator[Text]:
    for stage in bill.stages:
        hint = sizing_hint(peak_mb=stage.peak_mb, memory_mb=stage.memory_mb)
        if hint is not None:
            style = "" if hint.advice == KEEP else "yellow"
            yield Text(f"{stage.stage:<10} {hint.advice:<5} {hint.reason}", style=style)


def _stage_record(stage: StageBill, prices: Prices) -> dict[str, Any]:
    usage = stage.usage
    hint = sizing_hint(peak_mb=stage.peak_mb, memory_mb=stage.memory_mb)
    return {
        "stage": stage.stage,
        "taken_over": stage.resumed,
        "seconds": stage.seconds,
        "gb_seconds": round(usage.get(COMPUTE, 0), 6),
        "usd": round(cost_of(usage, prices).usd, 8),
        "memory_mb": stage.memory_mb or None,
        "peak_memory_mb": stage.peak_mb or None,
        "bytes_in": stage.bytes_in,
        "bytes_out": stage.bytes_out,
        "sizing": vars(hint) if hint else None,
        "invocations": [_invocation_record(each) for each in stage.invocations],
    }


def _invocation_record(each: Invocation) -> dict[str, Any]:
    return {
        "error": each.error,
        "billed_s": each.billed_s,
        "init_s": each.init_s,
        "seconds_by": each.told_by,
        "requests": dict(each.requests),
        "log_bytes": each.log_bytes,
    }
