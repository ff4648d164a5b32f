"""Figures about costs in README and docs/costs.md: the stored runs, priced."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.costs.profiles import built_in_profile, starts_cold, stored_runs
from cli.costs.sizes import spoken
from cli.costs.standing import metric_series
from cli.costs.texts import cents, quantity_words
from pipeline.cost import Cost, added, cost_of, run_usage
from pipeline.metrics import MetricsDetail
from pipeline.prices import prices_for

ROOT = Path(__file__).parents[3]
README = re.sub(r"\s+", " ", (ROOT / "README.md").read_text("utf-8"))
COSTS = (ROOT / "docs" / "costs.md").read_text("utf-8")
PROSE = re.sub(r"\s+", " ", COSTS)
OPERATIONS = re.sub(r"\s+", " ", (ROOT / "docs" / "operations.md").read_text("utf-8"))
FRANKFURT = prices_for("eu-central-1")


def flights(*, cold: bool = False) -> Cost:
    """What the whole flights file costs."""
    _, runs = stored_runs()
    whole = max((run for run in runs if not starts_cold(run)), key=lambda run: run.source.size)
    usage = run_usage(whole, whole.stages)
    return cost_of(added((usage, built_in_profile().cold if cold else {})), FRANKFURT)


def test_the_stored_run_is_of_the_flights_file() -> None:
    _, runs = stored_runs()
    largest = max(runs, key=lambda run: run.source.size)
    assert largest.rows.read == 336_776
    assert f"({largest.rows.read:,} rows, {spoken(largest.source.size)})" in PROSE
    assert all(record.memory_mb for run in runs for record in run.stages)


@pytest.mark.parametrize("text", [README, PROSE], ids=["README", "costs.md"])
def test_what_the_flights_file_costs(text: str) -> None:
    assert f"costs about ${flights().usd:.4f} in eu-central-1" in text
    assert f"${flights(cold=True).usd:.4f} where all five start cold" in text


def test_the_bill_in_the_docs_is_the_run_s() -> None:
    for line in flights().lines:
        item = FRANKFURT.items[line.item]
        row = (
            f"| {item.service} | {item.what} | {quantity_words(line.quantity)} "
            f"| {cents(line.usd)} |"
        )
        assert row in COSTS


@pytest.mark.parametrize("detail", MetricsDetail)
def test_what_custom_metrics_cost(detail: MetricsDetail) -> None:
    stack = metric_series(detail, datasets=0)
    dataset = metric_series(detail, datasets=1) - stack
    month, hour = FRANKFURT.usd["metric_month"], FRANKFURT.usd["metric_month"] / 730
    assert f"each ${month:.2f} a month" in PROSE
    (row,) = (line for line in COSTS.splitlines() if line.startswith(f"| {detail} ("))
    assert [cell.strip() for cell in row.strip("|").split("|")][1:] == [
        str(dataset),
        str(stack),
        f"${(dataset + stack) * hour:.3f}",
        f"${dataset * month / 24:.2f}",
        f"${dataset * month:.2f}",
    ]
    at_most = f"USD {dataset * month:.2f}"
    assert f"{at_most} with `metrics={detail}`" in OPERATIONS or (
        f"{at_most} a dataset and month with `metrics={detail}`" in OPERATIONS
    )
    assert f"USD {stack * month:.2f} a stack" in OPERATIONS


def test_an_hour_of_all_metrics_costs_sixty_times_the_flights_file() -> None:
    hour = metric_series(MetricsDetail.STAGES, datasets=1) * FRANKFURT.usd["metric_month"] / 730
    assert 55 < hour / flights().usd < 65


def test_unconfirmed_prices_are_named() -> None:
    table = json.loads((ROOT / "pipeline" / "prices.json").read_bytes())
    unconfirmed = {
        (region, item)
        for region, prices in table["regions"].items()
        for item, price in prices.items()
        if isinstance(price, dict)
    }
    storage = {(region, "lambda_storage_gb_second") for region in table["regions"]}
    assert unconfirmed - storage == {
        ("eu-west-1", "s3_put"),
        ("eu-west-1", "s3_get"),
        ("eu-west-1", "s3_gb_month"),
    }
    assert ("us-east-1", "lambda_storage_gb_second") not in unconfirmed


def test_the_example_of_own_prices_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```json\n(.*?)```", COSTS, flags=re.DOTALL)
    own = tmp_path / "own.json"
    own.write_text(example, "utf-8")

    prices = prices_for("eu-central-1", own=own)

    assert prices.usd["s3_put"] == pytest.approx(0.0049 / 1000)
    assert prices.unconfirmed == {"s3_get", "lambda_storage_gb_second"}
