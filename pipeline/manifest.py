"""The manifest: the one record that says which output a source object has.

It is written last and on condition that nobody else wrote it meanwhile, so it is the commit. It
pins the version of every data file: who reads through it sees one run's output, whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.constants import ALREADY_PROCESSED, SUPERSEDED
from pipeline.run import Run, Source, run_from_json
from pipeline.storage import StoredObject, put_object, read_object

MANIFEST_VERSION: Final = 1


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
class Manifest:
    """A committed run and its files; `stored` is the manifest object itself, as it was read."""

    run: Run
    outputs: tuple[OutputFile, ...]
    stored: StoredObject


def read_manifest(run: Run, bucket: str) -> Manifest | None:
    """Return what is committed for the run's source object, None if nothing is."""
    found = read_object(bucket, run.manifest_key)
    if found is None:
        return None
    document = json.loads(found[0])
    outputs = tuple(OutputFile(**output) for output in document["outputs"])
    return Manifest(run_from_json(document["run"]), outputs, found[1])


def write_manifest(
    run: Run,
    outputs: list[OutputFile],
    *,
    bucket: str,
    execution_arn: str,
    replaces: Manifest | None,
) -> StoredObject:
    """Commit a run.

    Raises
    ------
    ObjectChangedError
        If another run of the same source object has committed since `replaces` was read.
    """
    document: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "committed_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "execution_arn": execution_arn,
        "run": run.to_json(),
        "outputs": [vars(output) for output in outputs],
    }
    body = json.dumps(document, indent=1).encode()
    stored = replaces.stored if replaces else None
    return put_object(bucket, run.manifest_key, body, replaces=stored)


def superseded(run: Run, committed: Manifest | None) -> bool:
    """Whether a newer version of the same object has been committed already."""
    if committed is None:
        return False
    theirs: Source = committed.run.source
    return bool(run.source.sequencer and theirs.sequencer) and theirs.order > run.source.order


def earlier_outcome(run: Run, committed: Manifest | None) -> bool:
    """Tell whether there is nothing left to do for a run, and enter into it why.

    A run that is committed already gets its counts and outputs from the manifest.
    """
    if committed is not None and committed.run.run_id == run.run_id:
        run.outcome = ALREADY_PROCESSED
        for name in ("rows", "rejects", "lookups", "outputs", "report", "manifest"):
            setattr(run, name, getattr(committed.run, name))
    elif superseded(run, committed):
        run.outcome = SUPERSEDED
    return run.outcome is not None
