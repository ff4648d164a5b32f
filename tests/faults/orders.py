"""A dataset of the fault tests' own, in which a row can meet every fate, and files of it.

Every row has an `id` that no other row has, so that each can be found again wherever it went.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.authoring.build import compile_datasets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DATASET: Final = "orders"
HEADER: Final = "id,code,day,quantity,item"
WRITTEN: Final = "written"
REJECTED: Final = "rejected"
DUPLICATES: Final = "duplicates"
FILTERED: Final = "filtered"
DROPPED: Final = "dropped_by_lookup"
LAST_DAY: Final = 31
LATE_DAY: Final = 32
"""A day that the contract rejects, until it is corrected (`last_day=LATE_DAY`)."""

_COLUMNS: Final = ("id", "code", "day", "quantity", "item")
_PIPELINE: Final = """
rejects: {max_share: 0.5}
clean: {dedupe: [code]}
transform:
  - filter: quantity > 0
enrich:
  - {lookup: items, on: {item: item}, add: {price: price}, when_missing: reject}
write: {format: parquet, partition_by: [day]}
"""


@dataclass(frozen=True)
class Row:
    """A line of a file, and what must become of it."""

    id: int
    fate: str
    day: int

    @property
    def line(self) -> str:
        """The row as CSV."""
        code = f"c{self.id - 1 if self.fate == DUPLICATES else self.id}"
        quantity = 0 if self.fate == FILTERED else 1 + self.id % 9
        item = "unknown" if self.fate == DROPPED else ("tea", "coffee")[self.id % 2]
        return f"{self.id},{code},{self.day},{quantity},{item}"


def rows_of_every_fate(days: Iterable[int] = (1, 2, 3), *, first_id: int = 1) -> list[Row]:
    """Rows in which every fate is met: ten written ones a day, and one of each other."""
    rows: list[Row] = []
    for day in days:
        fates = [*[WRITTEN] * 10, DUPLICATES, FILTERED, DROPPED, REJECTED]
        for fate in fates:
            row_day = LATE_DAY if fate == REJECTED else day
            rows.append(Row(first_id + len(rows), fate, row_day))
    return rows


def csv(rows: Iterable[Row]) -> bytes:
    """Return the file of these rows."""
    return "\n".join([HEADER, *(row.line for row in rows), ""]).encode()


def compile_orders(sources: Path, compiled: Path, *, last_day: int = LAST_DAY) -> None:
    """Compile the dataset, as a deployment does, under a contract that ends at a day."""
    folder = sources / DATASET
    (folder / "lookups").mkdir(parents=True, exist_ok=True)
    (folder / "contract.odcs.yaml").write_text(json.dumps(_contract(last_day)), "utf-8")
    (folder / "pipeline.yaml").write_text(_PIPELINE, "utf-8")
    (folder / "lookups" / "items.csv").write_text("item,price\ntea,3\ncoffee,4\n", "utf-8")
    compile_datasets(sources, compiled)


def _contract(last_day: int) -> dict[str, object]:
    columns: list[dict[str, object]] = [
        {"name": name, "logicalType": "integer", "required": True} for name in _COLUMNS
    ]
    id_, code, day, _, item = columns
    id_["unique"] = True
    code["logicalType"] = item["logicalType"] = "string"
    day["logicalTypeOptions"] = {"minimum": 1, "maximum": last_day}
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": DATASET,
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "s", "type": "s3", "location": "s3://b/*.csv", "format": "csv"}],
        "schema": [{"name": DATASET, "properties": columns}],
    }
