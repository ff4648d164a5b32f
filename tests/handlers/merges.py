"""Files of orders of which some rows are rejected, and what a merge has made of them."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from tests.handlers.cloud import OUTPUT
from tests.handlers.orders import (
    KEY,
    Orders,
    Shelf,
    csv,
    order,
)

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

STRICT, RELAXED = Orders(), Orders(last_day=40)
LATE, TOO_LATE = 40, 41
ROWS = (order(1), order(2, day=LATE), order(3, day=2), order(4, day=TOO_LATE), order(5, day=LATE))
LOST = ("rejected", "duplicates", "filtered", "dropped_by_lookup")


def committed(cloud: Cloud, body: bytes = csv(*ROWS), key: str = KEY) -> Any:
    """Event of an upload, and its run."""
    event = cloud.upload(key, body)
    return event, cloud.run(event)


def shelf_of(cloud: Cloud, run: dict[str, Any]) -> Shelf:
    return Shelf(cloud, run["source_id"])


def manifest_of(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    manifest = shelf_of(cloud, run).manifest
    assert manifest is not None
    return manifest


def sum_of_lookups(manifest: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Rows that each lookup matched (or not), in the file's own run and in the merges into it."""
    runs = [manifest["run"], *manifest["merges"]]
    names = {name for run in runs for name in run["lookups"]}
    sums = {name: Counter[str]() for name in names}
    for run in runs:
        for name, counters in run["lookups"].items():
            sums[name].update(counters)
    return {name: dict(counters) for name, counters in sums.items()}


def quarantined(cloud: Cloud, run: dict[str, Any]) -> list[int]:
    """Numbers of the rows that the manifest has in the quarantine."""
    places = manifest_of(cloud, run)["run"]["rejects"]["quarantine"]
    return sorted(found["row_number"] for place in places for found in cloud.records(place))


def published(cloud: Cloud, run: dict[str, Any]) -> list[dict[str, Any]]:
    """All published rows with their partition, by id."""
    rows = []
    for output in manifest_of(cloud, run)["outputs"]:
        table = pq.read_table(io.BytesIO(cloud.read(f"s3://{OUTPUT}/{output['key']}")))
        day = output["key"].split("day=")[1].split("/")[0]
        rows += [{**row, "day": int(day)} for row in table.to_pylist()]
    return sorted(rows, key=lambda row: int(row["id"]))


def assert_books_balance(cloud: Cloud, run: dict[str, Any]) -> None:
    """Every row of the file is in the manifest's books once, and where they say."""
    manifest = manifest_of(cloud, run)
    rows = manifest["run"]["rows"]
    assert rows["read"] == rows["written"] + sum(rows[name] for name in LOST)
    assert rows["written"] == sum(output["rows"] for output in manifest["outputs"])
    assert len(quarantined(cloud, run)) == rows["rejected"] + rows["dropped_by_lookup"]
    shelf_of(cloud, run).assert_tidy()
