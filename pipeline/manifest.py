"""The manifest: the one record that says which output a source object has.

It is written last and on condition that nobody else wrote it meanwhile, so it is the commit. It
pins the version of every data file: who reads through it sees one run's output, whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.accounting import RowCounts
from pipeline.constants import ALREADY_PROCESSED, SUPERSEDED
from pipeline.run import Run, described, run_from_json
from pipeline.storage import StoredObject, put_object, read_object

if TYPE_CHECKING:
    from pipeline.plan import Plan

MANIFEST_VERSION: Final = 2


@dataclass(frozen=True)
class OutputFile:
    """A data file of a run, with the version that the run wrote."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    bytes: int
    rows: int

    @property
    def stored(self) -> StoredObject:
        """Identity of the object."""
        return StoredObject(self.bucket, self.key, self.version_id, self.etag, self.bytes)

    @property
    def address(self) -> str:
        """`s3://bucket/key`."""
        return self.stored.address


@dataclass(frozen=True)
class MergeRecord:
    """One replay of the quarantine that has become part of a file's output (ADR 0007)."""

    run_id: str
    quarantine_of: str
    plan_hash: str
    rows: dict[str, int]
    lookups: dict[str, dict[str, int]]
    execution_arn: str
    committed_at: str
    lookup_sources: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A committed run and its files; `stored` is the manifest object itself, as it was read.

    `rejected_by` is the hash of the plan that rejected the rows which still are, `reading` and
    `publishing` say how the run's plan reads files and what it makes of them (hashes), because
    only rows of like files can be merged.
    """

    run: Run
    outputs: tuple[OutputFile, ...]
    execution_arn: str
    rejected_by: str
    reading: str
    publishing: str
    merges: tuple[MergeRecord, ...] = ()
    stored: StoredObject | None = None

    @property
    def run_ids(self) -> set[str]:
        """Ids of the file's run and of all merges into it."""
        return {self.run.run_id, *(merge.run_id for merge in self.merges)}

    def merge_of(self, run_id: str) -> MergeRecord | None:
        """Return the merge that a run was."""
        return next((merge for merge in self.merges if merge.run_id == run_id), None)

    def execution_of(self, run_id: str) -> str:
        """ARN of the execution that committed the file's run, or a merge into it."""
        merge = self.merge_of(run_id)
        return merge.execution_arn if merge else self.execution_arn

    @property
    def quarantined_rows(self) -> int:
        """Rows of the file that are in the quarantine and nowhere else."""
        return self.run.rows.rejected + self.run.rows.dropped_by_lookup

    def to_json(self) -> dict[str, Any]:
        """Return the document that `read_manifest` reads."""
        return {
            "manifest_version": MANIFEST_VERSION,
            "committed_at": now(),
            "execution_arn": self.execution_arn,
            "run": self.run.to_json(),
            "outputs": [vars(output) for output in self.outputs],
            "rejected_by": self.rejected_by,
            "reading": self.reading,
            "publishing": self.publishing,
            "merges": [vars(merge) for merge in self.merges],
        }


def now() -> str:
    """Return this moment in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_manifest(
    run: Run, plan: Plan, outputs: list[OutputFile], *, execution_arn: str
) -> Manifest:
    """Return the manifest of a file's run."""
    return Manifest(
        run,
        tuple(outputs),
        execution_arn,
        rejected_by=plan.hash,
        reading=plan.reading,
        publishing=plan.publishing,
    )


def read_manifest(run: Run, bucket: str) -> Manifest | None:
    """Return what is committed for the run's source object, None if nothing is."""
    found = read_object(bucket, run.manifest_key)
    if found is None:
        return None
    document = json.loads(found[0])
    return Manifest(
        run_from_json(document["run"]),
        tuple(described(OutputFile, output) for output in document["outputs"]),
        document["execution_arn"],
        document["rejected_by"],
        document["reading"],
        document["publishing"],
        tuple(described(MergeRecord, merge) for merge in document["merges"]),
        found[1],
    )


def write_manifest(manifest: Manifest, bucket: str, *, replaces: Manifest | None) -> StoredObject:
    """Commit a run.

    Raises
    ------
    ObjectChangedError
        If another run of the same source object has committed since `replaces` was read.
    """
    body = json.dumps(manifest.to_json(), indent=1).encode()
    stored = replaces.stored if replaces else None
    return put_object(bucket, manifest.run.manifest_key, body, replaces=stored)


def superseded(run: Run, committed: Manifest | None) -> bool:
    """Whether a newer version of the same object has been committed already."""
    return committed is not None and committed.run.source.is_newer_than(run.source)


def earlier_outcome(run: Run, committed: Manifest | None) -> str | None:
    """Return the outcome of a run for which there is nothing left to do, None if there is."""
    if committed is not None and run.run_id in committed.run_ids:
        return ALREADY_PROCESSED
    return SUPERSEDED if superseded(run, committed) else None


def end_early(run: Run, outcome: str, committed: Manifest | None) -> None:
    """Enter into a run that it ends without work, with what is committed if that is its own."""
    run.outcome = outcome
    if committed is not None and outcome == ALREADY_PROCESSED:
        for name in (
            "rows",
            "rejects",
            "repairs",
            "checks",
            "lookups",
            "lookup_sources",
            "outputs",
            "report",
            "manifest",
            "cost",
            "lineage",
        ):
            setattr(run, name, getattr(committed.run, name))
        if merge := committed.merge_of(run.run_id):
            run.rows = RowCounts(**merge.rows)
            run.cost = run.lineage = None  # the manifest has those of the file's own run
