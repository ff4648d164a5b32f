"""Lookups in the input bucket: which table is read, what is kept of it, what may go wrong."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from pipeline.constants import STAGES
from pipeline.errors import LookupNotFoundError, LookupTableError
from tests.handlers.cloud import INPUT
from tests.handlers.orders import ITEMS_IN_BUCKET, KEY, Orders, csv, order

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud
    from tests.handlers.orders import Deployments

FILE = csv(order(1))


@pytest.fixture
def orders(deploy: Deployments) -> None:
    """The dataset with its prices in the bucket."""
    version = {"context": {"version": "source_version"}}
    deploy(Orders(options={"enrich": [ITEMS_IN_BUCKET, version]}))


def put(cloud: Cloud, name: str, body: str) -> str:
    answer = cloud.s3.put_object(Bucket=INPUT, Key=f"lookups/items/{name}", Body=body.encode())
    return answer["VersionId"]


def prices(cloud: Cloud, run: dict[str, Any]) -> list[int]:
    (file,) = run["outputs"]
    return list(pq.read_table(io.BytesIO(cloud.read(file))).column("price").to_pylist())


def test_what_was_read_stands_in_summary_manifest_and_report(cloud: Cloud, orders: None) -> None:
    # GIVEN
    version = put(cloud, "2024.csv", "price;item\n7;tea\n8;milk\n")

    # WHEN
    run = cloud.run_pipeline(KEY, FILE)

    # THEN
    assert prices(cloud, run) == [7]
    pin = run["lookup_sources"]["items"]
    assert {**pin, "etag": ""} == {
        "bucket": INPUT,
        "key": "lookups/items/2024.csv",
        "version_id": version,
        "etag": "",
        "rows": 2,
    }
    assert cloud.document(run["report"])["lookup_sources"] == {"items": pin}
    assert cloud.document(run["manifest"])["run"]["lookup_sources"] == {"items": pin}


def test_of_tables_of_one_second_the_last_name_counts(cloud: Cloud, orders: None) -> None:
    # GIVEN tables written at once, a marker of their folder, and a file that is none
    put(cloud, "", "")
    for name, price in {"b.csv": 2, "a.csv": 1}.items():
        put(cloud, name, f"item,price\ntea,{price}\n")
    put(cloud, "z_SUCCESS", "")

    # WHEN
    listed = cloud.s3.list_objects_v2(Bucket=INPUT, Prefix="lookups/")["Contents"]
    run = cloud.run_pipeline(KEY, FILE)

    # THEN
    newest = max((item["LastModified"], item["Key"]) for item in listed if "csv" in item["Key"])
    assert run["lookup_sources"]["items"]["key"] == newest[1]


def test_a_run_that_has_read_a_version_reads_it_again(cloud: Cloud, orders: None) -> None:
    # GIVEN a run that was stopped after enrich, and another table since
    put(cloud, "prices.csv", "item,price\ntea,7\n")
    event = cloud.upload(KEY, FILE)
    *_, transformed, enriched = cloud.states(event, STAGES[:4])
    put(cloud, "prices.csv", "item,price\ntea,9\n")

    # WHEN enrich is done again with what it had entered into the summary
    pinned = transformed | {"lookup_sources": enriched["lookup_sources"]}
    again = cloud.run_stage("enrich", event, pinned)
    newer = cloud.run_stage("enrich", event, transformed)

    # THEN
    assert again["lookup_sources"] == enriched["lookup_sources"]
    assert newer["lookup_sources"] != enriched["lookup_sources"]
    assert prices(cloud, cloud.run_stage("write", event, newer)) == [9]


def test_no_table_is_told_with_the_command_that_brings_one(cloud: Cloud, orders: None) -> None:
    with pytest.raises(LookupNotFoundError, match="aws s3 cp") as told:
        cloud.run_pipeline(KEY, FILE)

    assert told.value.lookup == "items"
    assert "s3://landing/lookups/items/items.csv" in told.value.message


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("item,price\ntea,1\ntea,2\n", "1 keys stand in several rows"),
        ("item,cost\ntea,1\n", "no column 'price'"),
        ("item,price\ntea,cheap\n", "'cheap' as price"),
    ],
)
def test_a_table_that_is_not_as_declared_is_told(
    cloud: Cloud, orders: None, table: str, said: str
) -> None:
    # GIVEN
    put(cloud, "prices.csv", table)

    # WHEN
    with pytest.raises(LookupTableError, match=said) as told:
        cloud.run_pipeline(KEY, FILE)

    # THEN
    assert told.value.lookup == "items"
    assert json.loads(str(told.value))["message"].count("s3://landing/lookups/items/prices.csv")
