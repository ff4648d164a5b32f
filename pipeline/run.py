"""The run: which object, under which plan, how far, with which counts.

A run's identity is a hash of what it is about, so the same event twice is the same run. Its
summary is the JSON that travels between the states; see ADR 0001.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pipeline.accounting import RowCounts
from pipeline.constants import (
    INPUT_PREFIX,
    LINEAGE_PREFIX,
    LOOKUP_STAGE,
    MANIFEST_PREFIX,
    PENDING_PREFIX,
    PROFILES_PREFIX,
    QUARANTINE_PREFIX,
    REPAIRS_PREFIX,
    REPORT_PREFIX,
    STAGING_PREFIX,
)
from pipeline.errors import InvalidEventError, UnknownDatasetError
from pipeline.repairs import Repairs, no_repairs, repairs_of_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

Described = TypeVar("Described", bound="DataclassInstance")
_SEQUENCER_DIGITS: Final = 64
RULES_REPORTED: Final = 5
_NAME_CHARACTERS: Final = 60


@dataclass(frozen=True)
class Source:
    """The uploaded object.

    `sequencer` orders the events of one key; where an event names none, `last_modified` (ISO 8601,
    UTC, seconds) of the object does.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int
    sequencer: str
    last_modified: str = ""

    @property
    def dataset(self) -> str:
        """Name of the dataset, from `input/<dataset>/<name>`.

        Raises
        ------
        UnknownDatasetError
            If the key has no such folder.
        """
        parts = self.key.removeprefix(INPUT_PREFIX).split("/", 1)
        if not self.key.startswith(INPUT_PREFIX) or len(parts) == 1 or not all(parts):
            raise UnknownDatasetError(
                f"The key {self.key!r} names no dataset.",
                remedy=f"Upload files to {INPUT_PREFIX}<dataset>/<name>.",
            )
        return parts[0]

    @property
    def is_folder_marker(self) -> bool:
        """Whether the object only stands for a folder: no bytes, and a key that ends in `/`."""
        return self.size == 0 and self.key.endswith("/")

    @property
    def source_id(self) -> str:
        """16 hex digits that stand for bucket and key, whatever the version."""
        return _digest(self.bucket, self.key)[:16]

    def is_newer_than(self, other: Source) -> bool:
        """Whether this version of the key was written after the other one.

        S3 says to compare sequencers as hexadecimals padded on the right.
        """
        if self.sequencer and other.sequencer:
            mine, theirs = (
                source.sequencer.upper().ljust(_SEQUENCER_DIGITS, "0") for source in (self, other)
            )
            return mine > theirs
        return bool(other.last_modified) and self.last_modified > other.last_modified


def source_of_event(event: dict[str, Any]) -> Source:
    """Return the object that an S3 `Object Created` event of EventBridge speaks of.

    Raises
    ------
    InvalidEventError
        If it is something else.
    """
    try:
        detail = event["detail"]
        found = detail["object"]
        return Source(
            bucket=detail["bucket"]["name"],
            key=found["key"],
            version_id=found.get("version-id") or None,
            etag=str(found.get("etag", "")).strip('"'),
            size=int(found.get("size", 0)),
            sequencer=str(found.get("sequencer", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidEventError(
            f"The execution's input is no S3 `Object Created` event of EventBridge: {error!r}.",
            remedy="Upload a file, or start the execution with the original event.",
        ) from error


@dataclass
class Staged:
    """A staged frame: where it is and what it holds."""

    bucket: str
    key: str
    rows: int
    bytes: int


@dataclass
class StageRecord:
    """What one stage did, for the console, the report, the metrics and a replay.

    `counts` are the rows it took out; `etag` is its staged frame's (empty in the last stage);
    `code` the hash of the code that did it; `resumed` whether a replay took it over.

    What is billed: `seconds` of work and, of a cold start, `init_seconds` before it; `memory_mb`
    the function's size (0 where it is no function); `requests` to S3 by kind (`get`, `put`, `list`,
    `delete`), with those that the SDK repeated. `retries` are the attempts before this one, whose
    own seconds and requests are lost with them: they left no record.
    """

    stage: str
    rows_in: int
    rows_out: int
    counts: dict[str, int]
    seconds: float
    bytes_in: int
    bytes_out: int
    peak_memory_mb: int
    cold_start: bool
    etag: str = ""
    code: str = ""
    resumed: bool = False
    memory_mb: int = 0
    init_seconds: float = 0.0
    retries: int = 0
    requests: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Merge:
    """What a run of quarantined rows is merged into; see ADR 0007.

    `run_id` names the run whose `rows` rejected rows are replayed, `manifest_etag` the manifest
    that it was committed with.
    """

    run_id: str
    manifest_etag: str
    rows: int


@dataclass
class Run:
    """The run summary; every stage receives, completes and returns it.

    Known of a committed run only: `cost` is the estimate of what it cost, `lineage` the address of
    its OpenLineage event.
    """

    run_id: str
    dataset: str
    plan_hash: str
    source: Source
    source_id: str
    outcome: str | None = None
    rows: RowCounts = field(default_factory=RowCounts)
    data: Staged | None = None
    stages: list[StageRecord] = field(default_factory=list)
    rejects: dict[str, list[Any]] = field(
        default_factory=lambda: {"top_rules": [], "quarantine": []}
    )
    repairs: Repairs = field(default_factory=no_repairs)
    checks: list[dict[str, Any]] = field(default_factory=list)
    lookups: dict[str, dict[str, int]] = field(default_factory=dict)
    lookup_sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    report: str | None = None
    manifest: str | None = None
    merges: Merge | None = None
    notice: dict[str, str] | None = None
    cost: dict[str, Any] | None = None
    lineage: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the document that travels between the states; what it nests is the run's own."""
        return {
            **vars(self),
            "source": {**vars(self.source)},
            "rows": self.rows.to_json(),
            "data": {**vars(self.data)} if self.data else None,
            "stages": [{**vars(record)} for record in self.stages],
            "merges": {**vars(self.merges)} if self.merges else None,
        }

    def known_at_failure(self, rows: RowCounts) -> dict[str, Any]:
        """Return what a failure tells of the run, given its rows so far; short, for an alert."""
        top_rules = [
            {**rule, "column": rule["column"] and rule["column"][:_NAME_CHARACTERS]}
            for rule in self.rejects["top_rules"][:RULES_REPORTED]
        ]
        return {
            "run_id": self.run_id,
            "dataset": self.dataset,
            "source": vars(self.source),
            "rows": rows.to_json(),
            "rejects": {"top_rules": top_rules, "quarantine": self.rejects["quarantine"]},
        }

    def record_of(self, stage: str) -> StageRecord | None:
        """Return a stage's record, None if the stage is still to come."""
        return next((record for record in self.stages if record.stage == stage), None)

    def kept(self, stages: int, *, staging_bucket: str) -> Run:
        """Return the run as it was after its first `stages` stages (one at least)."""
        records = self.stages[:stages]
        names = [record.stage for record in records]
        rows = RowCounts()
        for record in records:
            rows.add(RowCounts(**record.counts))
        last = records[-1]
        frame = self.staging_key(last.stage)
        return replace(
            self,
            outcome=None,
            rows=rows,
            data=Staged(staging_bucket, frame, last.rows_out, last.bytes_out),
            stages=records,
            rejects={
                "top_rules": [rule for rule in self.rejects["top_rules"] if rule["stage"] in names],
                "quarantine": [
                    address
                    for address in self.rejects["quarantine"]
                    if address.rpartition("/")[2].removesuffix(".jsonl") in names
                ],
            },
            repairs=repairs_of_stages(self.repairs, names),
            lookups=self.lookups if LOOKUP_STAGE in names else {},
        )

    @property
    def staging_prefix(self) -> str:
        """Prefix of the run's frames in the staging bucket."""
        return f"{STAGING_PREFIX}{self.run_id}/"

    def staging_key(self, stage: str) -> str:
        """Key of a stage's output in the staging bucket."""
        return f"{self.staging_prefix}{stage}.arrows"

    def quarantine_key(self, stage: str) -> str:
        """Key of a stage's rejected rows in the output bucket."""
        return f"{QUARANTINE_PREFIX}{self.dataset}/{self.run_id}/{stage}.jsonl"

    def repairs_key(self, stage: str) -> str:
        """Key of the values that a stage has replaced, in the output bucket."""
        return f"{REPAIRS_PREFIX}{self.dataset}/{self.run_id}/{stage}.jsonl"

    def profile_key(self, stage: str) -> str:
        """Key of what a stage has seen of the values, in the output bucket."""
        return f"{PROFILES_PREFIX}{self.dataset}/{self.run_id}/{stage}.json"

    @property
    def output_name(self) -> str:
        """Stem of the output files' names; a merge's lie beside those of the file's own run."""
        return f"{self.source_id}-{self.run_id[:16]}" if self.merges else self.source_id

    @property
    def manifest_key(self) -> str:
        """Key of the source object's commit record in the output bucket."""
        return f"{MANIFEST_PREFIX}{self.dataset}/{self.source_id}.json"

    @property
    def pending_prefix(self) -> str:
        """Prefix of the source object's unfinished publications in the output bucket."""
        return f"{PENDING_PREFIX}{self.dataset}/{self.source_id}/"

    @property
    def report_key(self) -> str:
        """Key of the run's data-quality report in the output bucket."""
        return f"{REPORT_PREFIX}{self.dataset}/{self.run_id}.json"

    @property
    def lineage_key(self) -> str:
        """Key of the run's OpenLineage event in the output bucket."""
        return f"{LINEAGE_PREFIX}{self.dataset}/{self.run_id}.json"


def new_run(source: Source, *, dataset: str, plan_hash: str, part: tuple[str, ...] = ()) -> Run:
    """Return the run of an object under a plan, at its beginning.

    Parameters
    ----------
    part
        What names the part of the object that the run is about; empty for the whole of it.
    """
    version = source.version_id or source.etag
    return Run(
        run_id=_digest(source.bucket, source.key, version, plan_hash, *part)[:32],
        dataset=dataset,
        plan_hash=plan_hash,
        source=source,
        source_id=source.source_id,
    )


def run_from_json(document: dict[str, Any]) -> Run:
    """Return the run that an earlier stage has handed on.

    Raises
    ------
    InvalidEventError
        If the document is none.
    """
    try:
        merges = document.get("merges")
        return described(
            Run,
            {
                **document,
                "source": described(Source, document["source"]),
                "rows": described(RowCounts, document["rows"]),
                "data": described(Staged, document["data"]) if document["data"] else None,
                "stages": [described(StageRecord, record) for record in document["stages"]],
                "merges": described(Merge, merges) if merges else None,
            },
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidEventError(f"The state holds no run summary: {error!r}.") from error


def described(kind: type[Described], document: Mapping[str, Any]) -> Described:
    """Return what a document describes; one of a later version may say more, which is left out.

    Raises
    ------
    TypeError
        If something is missing that has no default.
    """
    names = {known.name for known in fields(kind)}
    return kind(**{name: value for name, value in document.items() if name in names})


def _digest(*parts: str) -> str:
    """Hash of the parts; their lengths are part of it, so no two lists collide by joining."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()
