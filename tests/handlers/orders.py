"""A small dataset whose rows can meet every fate, deployed as a test wants it.

A row is told by its `id`, which stands in the output, too.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_DATASETS_DIR, STAGES
from tests.handlers.cloud import OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.handlers.cloud import Cloud

DATASET: Final = "orders"
KEY: Final = "input/orders/a.csv"
COLUMNS: Final = ("id", "code", "day", "quantity", "item")
ITEMS: Final = {"tea": 3, "coffee": 4}
ITEMS_IN_BUCKET: Final[dict[str, Any]] = {
    "lookup": "items",
    "prefix": "lookups/items/",
    "columns": {"item": "string", "price": "integer"},
    "on": {"item": "item"},
    "add": {"price": "price"},
}
"""The lookup `items` for `enrich`, with its table in the input bucket."""

_PIPELINE: Final[dict[str, Any]] = {
    "rejects": {"max_share": 1},
    "clean": {"dedupe": ["code"]},
    "transform": [{"filter": "quantity > 0"}],
    "enrich": [
        {
            "lookup": "items",
            "on": {"item": "item"},
            "add": {"price": "price"},
        }
    ],
    "write": {"format": "parquet", "partition_by": ["day"]},
}


@dataclass(frozen=True)
class Orders:
    """What of the dataset a test may want otherwise.

    `columns` are changes to the contract's properties by the column's name, `options` changes to
    `pipeline.yaml` by its keys.
    """

    last_day: int = 31
    items: dict[str, int] = field(default_factory=lambda: ITEMS)
    missing_values: tuple[str, ...] = ("",)
    format: str = "csv"
    dialect: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    when_missing: str = "reject"
    steps: str | None = None

    def written_to(self, folder: Path) -> None:
        """Write the dataset's files."""
        (folder / "lookups").mkdir(parents=True)
        (folder / "contract.odcs.yaml").write_text(json.dumps(self._contract()), "utf-8")
        (folder / "pipeline.yaml").write_text(json.dumps(self._pipeline()), "utf-8")
        lines = ["item,price", *(f"{item},{price}" for item, price in self.items.items()), ""]
        (folder / "lookups" / "items.csv").write_text("\n".join(lines), "utf-8")
        if self.steps is not None:
            (folder / "steps.py").write_text(self.steps, "utf-8")

    def _pipeline(self) -> dict[str, Any]:
        (items,) = _PIPELINE["enrich"]
        enrich = [{**items, "when_missing": self.when_missing}]
        return _PIPELINE | {"enrich": enrich} | self.options

    def _contract(self) -> dict[str, Any]:
        days = {"minimum": 1, "maximum": self.last_day}
        columns: dict[str, dict[str, Any]] = {
            "id": {"logicalType": "integer", "primaryKey": True, "required": True},
            "code": {"logicalType": "string"},
            "day": {"logicalType": "integer", "required": True, "logicalTypeOptions": days},
            "quantity": {"logicalType": "integer", "required": True},
            "item": {"logicalType": "string"},
        }
        custom = {
            "missingValues": list(self.missing_values),
            "csvDialect": self.dialect,
            "limits": self.limits,
        }
        return {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": DATASET,
            "version": "1.0.0",
            "status": "active",
            "servers": [
                {"server": "s", "type": "s3", "location": "s3://b/*", "format": self.format}
            ],
            "customProperties": [
                {"property": name, "value": value} for name, value in custom.items()
            ],
            "schema": [
                {
                    "name": DATASET,
                    "properties": [
                        {"name": name, **column, **self.columns.get(name, {})}
                        for name, column in columns.items()
                    ],
                }
            ],
        }


class Deployments:
    """`deploy(Orders(last_day=40))` deploys the dataset; a second time costs nothing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._compiled: list[Orders] = []

    def __call__(self, orders: Orders | None = None) -> None:
        """Let the functions have this version of the dataset from now on."""
        orders = orders or Orders()
        if orders not in self._compiled:
            self._compiled.append(orders)
            source = self._folder / f"source{len(self._compiled)}"
            orders.written_to(source / DATASET)
            compile_datasets(source, self._compiled_folder(orders))
        self._monkeypatch.setenv(ENV_DATASETS_DIR, str(self._compiled_folder(orders)))

    def _compiled_folder(self, orders: Orders) -> Path:
        return self._folder / f"compiled{self._compiled.index(orders) + 1}"


def order(id_: int, **changes: object) -> dict[str, Any]:
    """A good row, with some cells changed."""
    return {"id": id_, "code": f"c{id_}", "day": 1, "quantity": 2, "item": "tea"} | changes


def csv(*rows: dict[str, Any] | str, delimiter: str = ",") -> bytes:
    """A file of rows; a text stands for a line as it is."""
    lines = [
        row if isinstance(row, str) else delimiter.join(str(row[name]) for name in COLUMNS)
        for row in rows
    ]
    return "\n".join([delimiter.join(COLUMNS), *lines, ""]).encode()


def replay_of_quarantine(event: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """Input of the execution that replays a run's rejected rows."""
    return {**event, "replay": {"quarantine": run["run_id"]}}


class Shelf:
    """What is published of one object: by the manifest, and in the listing."""

    def __init__(self, cloud: Cloud, source_id: str) -> None:
        self._cloud = cloud
        self._manifest = f"manifests/{DATASET}/{source_id}.json"
        self._source_id = source_id

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest; None before the first commit."""
        if self._manifest not in self._cloud.keys(self._manifest):
            return None
        document: dict[str, Any] = self._cloud.document(f"s3://{OUTPUT}/{self._manifest}")
        return document

    @property
    def rows(self) -> list[int]:
        """Ids that a reader sees who goes through the manifest, sorted."""
        outputs = self.manifest["outputs"] if self.manifest else []
        return sorted(id_ for output in outputs for id_ in self._ids(output))

    def _ids(self, output: dict[str, Any]) -> list[int]:
        found = self._cloud.s3.get_object(
            Bucket=output["bucket"], Key=output["key"], VersionId=output["version_id"]
        )
        table = pq.read_table(io.BytesIO(found["Body"].read()))
        ids: list[int] = table.column("id").to_pylist()
        assert len(ids) == output["rows"]
        return ids

    def assert_tidy(self) -> None:
        """Nothing but the files of the manifest is there, in its versions; no note is left."""
        assert self.manifest is not None
        named = {output["key"]: output["version_id"] for output in self.manifest["outputs"]}
        assert len(named) == len(self.manifest["outputs"])
        listed = self._cloud.s3.list_object_versions(Bucket=OUTPUT, Prefix=f"processed/{DATASET}/")
        current = {
            found["Key"]: found["VersionId"]
            for found in listed.get("Versions", [])
            if found["IsLatest"] and self._source_id in found["Key"]
        }
        assert current == named
        assert self._cloud.keys(f"pending/{DATASET}/{self._source_id}/") == []


def before_write(cloud: Cloud, event: dict[str, Any]) -> dict[str, Any]:
    """Run summary that the last stage is given."""
    *_, enriched = cloud.states(event, STAGES[:-1])
    return enriched
