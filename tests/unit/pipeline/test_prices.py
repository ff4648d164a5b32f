from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.prices import TABLE, PricesError, prices_for

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = json.loads(TABLE.read_bytes())
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Return a function that writes a file of prices."""

    def write(document: Any) -> Path:
        file = tmp_path / "own.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return file

    return write


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_has_a_price_for_every_item(region: str) -> None:
    prices = prices_for(region)

    assert prices.region == region
    assert prices.notice is None
    assert set(prices.usd) == set(prices.items)
    assert all(usd > 0 for usd in prices.usd.values())


# AWS's price lists of S3 and Step Functions and its page about Lambda, read in November 2026.
@pytest.mark.parametrize(
    ("region", "item", "usd"),
    [
        ("us-east-1", "lambda_arm64_gb_second", 0.0000133334),
        ("us-east-1", "lambda_x86_64_gb_second", 0.0000166667),
        ("us-east-1", "lambda_request", 0.20 / 1_000_000),
        ("us-east-1", "state_transition", 0.025 / 1000),
        ("us-east-1", "s3_put", 0.005 / 1000),
        ("us-east-1", "s3_get", 0.0004 / 1000),
        ("eu-central-1", "s3_put", 0.0054 / 1000),
        ("eu-central-1", "s3_get", 0.00043 / 1000),
        ("eu-central-1", "s3_gb_month", 0.0245),
        ("eu-central-1", "log_gb", 0.63),
        ("eu-west-1", "log_gb", 0.57),
    ],
)
def test_a_price_is_that_of_one_unit(region: str, item: str, usd: float) -> None:
    assert prices_for(region).usd[item] == pytest.approx(usd)


def test_every_item_is_dated_and_names_its_page() -> None:
    assert date.fromisoformat(SHIPPED["as_of"])
    for item in SHIPPED["items"].values():
        source = SHIPPED["sources"][item["source"]]
        assert source["url"].startswith("https://aws.amazon.com/")
        assert source["page"]
        assert source["as_of"] is None or date.fromisoformat(source["as_of"])


def test_unconfirmed_prices_are_told_apart() -> None:
    assert "s3_put" not in prices_for("eu-central-1").unconfirmed
    assert "lambda_storage_gb_second" in prices_for("eu-central-1").unconfirmed


@pytest.mark.parametrize("region", ["ap-south-1", "", "eu-central-9"])
def test_an_unknown_region_has_the_default_region_s_prices_and_says_so(region: str) -> None:
    prices = prices_for(region)

    assert prices.region == "us-east-1"
    assert prices.usd == prices_for("us-east-1").usd
    assert f"no prices for {region}; those of us-east-1 are used" in (prices.notice or "")


def test_an_edited_number_is_there_the_next_time(tmp_path: Path) -> None:
    # GIVEN the table, read once
    table = tmp_path / "prices.json"
    table.write_bytes(TABLE.read_bytes())
    before = prices_for("us-east-1", table=table).usd["s3_put"]
    # WHEN somebody corrects a price
    document = json.loads(table.read_bytes())
    document["regions"]["us-east-1"]["s3_put"] = 0.010
    table.write_text(json.dumps(document))
    # THEN
    assert before == pytest.approx(0.000005)
    assert prices_for("us-east-1", table=table).usd["s3_put"] == pytest.approx(0.00001)


def test_own_prices_go_before_the_table_s(written: Any) -> None:
    # GIVEN a discount on transitions everywhere, and on PUT in one region
    own = written(
        {
            "everywhere": {"state_transition": 0.020},
            "regions": {"eu-central-1": {"s3_put": 0.004, "lambda_storage_gb_second": 0.1}},
        }
    )
    # WHEN
    frankfurt, oregon = (prices_for(region, own=own) for region in ("eu-central-1", "us-west-2"))
    # THEN
    assert frankfurt.usd["state_transition"] == pytest.approx(0.00002)
    assert frankfurt.usd["s3_put"] == pytest.approx(0.000004)
    assert frankfurt.usd["s3_get"] == pytest.approx(0.00000043)
    assert not frankfurt.unconfirmed
    assert oregon.usd["state_transition"] == pytest.approx(0.00002)
    assert oregon.usd["s3_put"] == pytest.approx(0.000005)


def test_own_prices_may_add_a_region(written: Any) -> None:
    own = written({"regions": {"eu-north-1": {"log_gb": 0.5985}}})

    prices = prices_for("eu-north-1", own=own)

    assert prices.notice is None
    assert prices.usd["log_gb"] == pytest.approx(0.5985)
    assert set(prices.usd) == set(prices.items)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("no JSON", "cannot be read as JSON"),
        ([], "holds no JSON object"),
        ({}, "must hold the objects 'everywhere' and 'regions'"),
        ({"eu-central-1": {"s3_put": 1}}, "must hold the objects 'everywhere' and 'regions'"),
        ({"regions": []}, "prices stand in an object"),
        ({"regions": {"eu-central-1": 3}}, "prices stand in an object"),
        ({"everywhere": {"s3_puts": 1}}, "no item 's3_puts'; known are lambda_arm64_gb_second"),
        ({"everywhere": {"s3_put": "1"}}, "dollars for 1,000 x request, not '1'"),
        ({"everywhere": {"s3_put": -1}}, "dollars for 1,000 x request, not -1"),
        ({"everywhere": {"s3_put": True}}, "dollars for 1,000 x request, not True"),
        ({"everywhere": {"s3_put": {"eur": 1}}}, "dollars for 1,000 x request"),
    ],
    ids=str,
)
def test_a_file_that_makes_no_sense_is_named_with_what_is_wrong(
    written: Any, document: Any, said: str
) -> None:
    own = written(document)

    with pytest.raises(PricesError, match=r"own\.json") as raised:
        prices_for("us-east-1", own=own)

    assert said in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PricesError, match=r"none\.json cannot be read as JSON: No such file"):
        prices_for("us-east-1", own=tmp_path / "none.json")
