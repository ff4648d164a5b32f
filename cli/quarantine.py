"""Rejected rows: which runs have some, what became of them, and how they are replayed.

A run's quarantine stands in the bucket as `quarantine/<dataset>/<run_id>/<stage>.jsonl`; what it
means is told by the run's report and by the manifest of its file (docs/adr/0007).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cli.manifests import committed, json_object, source_of
from pipeline.constants import (
    QUARANTINE_PREFIX,
    REPLAY,
    REPLAY_OF,
    REPLAY_QUARANTINE,
    REPORT_PREFIX,
    STAGES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from types_boto3_s3 import S3Client

    from cli.target import Target
    from pipeline.run import Source

OPEN: Final = "open"
REPLAYED: Final = "replayed"
SUPERSEDED: Final = "superseded"
UNCOMMITTED: Final = "uncommitted"

MEANING: Final = {
    OPEN: "the rows are missing in the output, and can be replayed",
    REPLAYED: "a later replay has taken these rows up; what it rejected again is its own",
    SUPERSEDED: "a newer run of the file has replaced this one, and its rejects",
    UNCOMMITTED: "the run failed, so that nothing of it was published",
}
SUFFIX: Final = ".jsonl"
COUNTED_ROWS: Final = 100_000
"""Rows that are read to count the rules of a run that left no report."""


@dataclass
class QuarantinedRun:
    """The rejected rows of one run; `written_at` is when the last of them were put away."""

    dataset: str
    run_id: str
    written_at: datetime
    addresses: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class QuarantineState:
    """What is known of a run with rejected rows; `report` and `manifest` may be missing."""

    run: QuarantinedRun
    status: str
    report: dict[str, Any] | None
    manifest: dict[str, Any] | None

    @property
    def rows(self) -> int | None:
        """How many rows the run rejected or dropped for want of a lookup's row."""
        if self.report is None:
            return None
        return rejected_rows(self.report.get("rows") or {})

    @property
    def addresses(self) -> list[str]:
        """The run's files; an attempt that failed may have left others beside them."""
        reported = ((self.report or {}).get("rejects") or {}).get("quarantine")
        return list(reported or self.run.addresses)

    @property
    def top_rules(self) -> list[dict[str, Any]]:
        """The most frequent reasons, as the run reported them."""
        return list(((self.report or {}).get("rejects") or {}).get("top_rules") or [])

    def as_json(self) -> dict[str, Any]:
        """Return the record of `quarantine list --json`."""
        source = (self.report or {}).get("source") or {}
        return {
            "run_id": self.run.run_id,
            "dataset": self.run.dataset,
            "source": {name: source.get(name) for name in ("bucket", "key", "version_id")},
            "rows": self.rows,
            "status": self.status,
            "top_rules": self.top_rules,
            "quarantine": self.addresses,
            "written_at": self.run.written_at,
        }


def rejected_rows(rows: Mapping[str, int]) -> int:
    """Rows of a run that are in its quarantine."""
    return int(rows.get("rejected") or 0) + int(rows.get("dropped_by_lookup") or 0)


def quarantined_runs(target: Target, dataset: str | None = None) -> list[QuarantinedRun]:
    """Every run with a quarantine, the latest first."""
    runs = _found_below(target, f"{QUARANTINE_PREFIX}{dataset}/" if dataset else QUARANTINE_PREFIX)
    return sorted(runs, key=lambda run: run.written_at, reverse=True)


def quarantined_run(target: Target, dataset: str, run_id: str) -> QuarantinedRun | None:
    """Return the rejected rows of one run; None if it has none."""
    return next(iter(_found_below(target, f"{QUARANTINE_PREFIX}{dataset}/{run_id}/")), None)


def _found_below(target: Target, prefix: str) -> list[QuarantinedRun]:
    """Runs with a quarantine below a prefix, each with its files in the order of the stages."""
    runs: dict[tuple[str, str], QuarantinedRun] = {}
    pages = target.cloud.s3().get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=target.output_bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            parts = item["Key"].removeprefix(QUARANTINE_PREFIX).split("/")
            if len(parts) != 3 or not parts[2].endswith(SUFFIX):  # noqa: PLR2004
                continue
            found = QuarantinedRun(parts[0], parts[1], item["LastModified"])
            run = runs.setdefault((parts[0], parts[1]), found)
            run.written_at = max(run.written_at, item["LastModified"])
            run.addresses.append(f"s3://{target.output_bucket}/{item['Key']}")
    for run in runs.values():
        run.addresses.sort(key=_order)
    return list(runs.values())


def states(target: Target, runs: Sequence[QuarantinedRun]) -> list[QuarantineState]:
    """What became of runs; each file's manifest is read once."""
    manifests: dict[str, dict[str, Any] | None] = {}
    found = []
    for run in runs:
        report = _report(target, run)
        manifest = None
        if report is not None:
            source = source_of(report)
            if source.source_id not in manifests:
                manifests[source.source_id] = committed(target, run.dataset, source)
            manifest = manifests[source.source_id]
        found.append(QuarantineState(run, _status(run, report, manifest), report, manifest))
    return found


def replay_event(manifest: Mapping[str, Any], run_id: str | None) -> dict[str, Any]:
    """Return the input of an execution that processes a committed object version again.

    With a run's id only the rows that it rejected are processed, and merged into the output.
    """
    source = source_of(manifest["run"])
    event = {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": source.bucket}, "object": _object(source)},
    }
    if run_id is None:
        return event
    return event | {
        REPLAY: {REPLAY_OF: manifest.get("execution_arn") or "", REPLAY_QUARANTINE: run_id}
    }


def records(s3: S3Client, addresses: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rejected rows, each with the stage that rejected it, read as they are asked for."""
    for address in addresses:
        bucket, key = address.removeprefix("s3://").split("/", 1)
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
        try:
            for line in body.iter_lines():
                yield {"stage": stage_of(address)} | json.loads(line)
        finally:
            body.close()


def stage_of(address: str) -> str:
    """Return the stage that wrote a quarantine file."""
    return address.rsplit("/", 1)[-1].removesuffix(SUFFIX)


def _report(target: Target, run: QuarantinedRun) -> dict[str, Any] | None:
    key = f"{REPORT_PREFIX}{run.dataset}/{run.run_id}.json"
    return json_object(target.cloud.s3(), target.output_bucket, key)


def _status(
    run: QuarantinedRun, report: Mapping[str, Any] | None, manifest: Mapping[str, Any] | None
) -> str:
    if report is None or manifest is None:
        return UNCOMMITTED
    rejects = manifest["run"].get("rejects") or {}
    if set(run.addresses) & set(rejects.get("quarantine") or []):
        return OPEN
    taken_up = {merge.get("quarantine_of") for merge in manifest.get("merges") or []}
    return REPLAYED if run.run_id in taken_up else SUPERSEDED


def _object(source: Source) -> dict[str, Any]:
    """Return the object as S3's event names it, without what is not known of it."""
    known: dict[str, Any] = {
        "key": source.key,
        "size": source.size,
        "etag": source.etag,
        "version-id": source.version_id,
        "sequencer": source.sequencer,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def _order(address: str) -> int:
    """Position of a quarantine file: in the order of the stages."""
    stage = stage_of(address)
    return STAGES.index(stage) if stage in STAGES else len(STAGES)
