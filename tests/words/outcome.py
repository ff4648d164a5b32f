"""What became of a case's file: what was written, set aside, repaired, counted."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow.parquet as pq

from pipeline.errors import PipelineError
from pipeline.lineage import LINEAGE_TYPES
from pipeline.storage import s3_client
from tests.handlers.cloud import OUTPUT, Cloud
from tests.words.dataset import DATASET

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from tests.words.cases import Case


@dataclass
class Outcome:
    """How a run ended: its summary, or the error that it failed with, and what it has left."""

    run: dict[str, Any] = field(default_factory=dict)
    error: PipelineError | None = None
    rejects: list[dict[str, Any]] = field(default_factory=list)
    repairs: list[dict[str, Any]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def rows(self, plan: Plan) -> list[dict[str, Any]]:
        """Rows of the output files in order, without lineage; of CSV files all values are text."""
        return [
            {name: value for name, value in row.items() if name not in LINEAGE_TYPES}
            for key, body in self.files
            for row in _rows(body, plan, _partition(key))
        ]

    @property
    def text(self) -> str:
        """Text of the output files."""
        return "".join(_unpacked(body).decode() for _, body in self.files)


def outcome_of(case: Case, cloud: Cloud) -> Outcome:
    """Take the case's file through the five stages of the deployed dataset."""
    event = cloud.upload(f"input/{DATASET}/{case.name}", case.body)
    outcome = Outcome()
    try:
        for outcome.run in cloud.states(event):
            pass
    except PipelineError as error:
        outcome.error = error
    outcome.rejects = sorted(_records(cloud, "quarantine"), key=lambda one: one["row_number"])
    outcome.repairs = _records(cloud, "repairs")
    if report := outcome.run.get("report"):
        outcome.report = cloud.document(report)
    outcome.files = [(address, cloud.read(address)) for address in outcome.run.get("outputs", ())]
    return outcome


def _records(cloud: Cloud, kind: str) -> list[dict[str, Any]]:
    return [
        record
        for key in cloud.keys(f"{kind}/{DATASET}/")
        if key.endswith(".jsonl")
        for record in cloud.records(f"s3://{OUTPUT}/{key}")
    ]


def upload_lookups(case: Case) -> None:
    """Put the files of a case that stand below `bucket/` into the input bucket."""
    for name, content in case.said.get("files", {}).items():
        if name.startswith("bucket/"):
            s3_client().put_object(
                Bucket="landing", Key=name.removeprefix("bucket/"), Body=content.encode()
            )


def _unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def _partition(key: str) -> dict[str, str]:
    """Values in the folders of a key."""
    pairs = (part.split("=", 1) for part in key.split("/") if "=" in part)
    return {name: unquote(value) for name, value in pairs}


def _rows(body: bytes, plan: Plan, partition: dict[str, str]) -> list[dict[str, Any]]:
    if plan.write.format == "parquet":
        table = pq.ParquetFile(io.BytesIO(body)).read()
        return [row | partition for row in table.to_pylist()]
    text = _unpacked(body).decode()
    if plan.write.format == "json":
        return [json.loads(line) | partition for line in text.splitlines()]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=plan.write.delimiter)
    return [dict(row) | partition for row in reader]
