"""Commit a run: report, manifest, and away with what the run replaces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import SUCCEEDED, SUCCEEDED_WITH_REJECTS, SUPERSEDED
from pipeline.errors import ObjectChangedError
from pipeline.manifest import Manifest, OutputFile, read_manifest, superseded, write_manifest
from pipeline.storage import delete_object, put_object

if TYPE_CHECKING:
    from pipeline.run import Run
    from pipeline.runtime import StageContext

_OUTPUTS_IN_SUMMARY: Final = 100


def commit(context: StageContext, files: list[OutputFile], replaces: Manifest | None) -> None:
    """Make the files the source object's output, or undo them if another run was faster.

    The manifest is written last and only if it is still the one that was read before. Where it is
    not, the versions this run wrote are deleted, which brings the other run's back; unless the
    manifest is this very commit, whose answer was lost and which the SDK has tried again.
    """
    run, bucket = context.run, context.output_bucket
    lost = run.rows.rejected + run.rows.dropped_by_lookup
    run.outcome = SUCCEEDED_WITH_REJECTS if lost else SUCCEEDED
    run.outputs = [file.address for file in files][:_OUTPUTS_IN_SUMMARY]
    run.report = f"s3://{bucket}/{run.report_key}"
    run.manifest = f"s3://{bucket}/{run.manifest_key}"
    put_object(bucket, run.report_key, json.dumps(report(context), indent=1).encode())
    try:
        write_manifest(
            run,
            files,
            bucket=bucket,
            execution_arn=context.execution_arn,
            replaces=replaces,
        )
    except ObjectChangedError:
        winner = read_manifest(run, bucket)
        if not _is_same(run, winner) or not _pins_all(winner, files):
            _give_way(run, files, winner)
            return
    _delete_vanished(files, replaces)


def report(context: StageContext) -> dict[str, Any]:
    """Return the data-quality report: numbers only, nobody's values."""
    run = context.run
    return {
        "report_version": 1,
        "run_id": run.run_id,
        "execution_arn": context.execution_arn,
        "dataset": run.dataset,
        "contract_version": context.plan.contract_version,
        "plan_hash": run.plan_hash,
        "source": vars(run.source),
        "outcome": run.outcome,
        "rows": run.rows.to_json(),
        "rejects": run.rejects,
        "lookups": run.lookups,
        "stages": [vars(record) for record in run.stages],
    }


def _give_way(run: Run, files: list[OutputFile], winner: Manifest | None) -> None:
    """Undo this run's files after another run of the same object has committed."""
    for file in files:
        delete_object(file.stored)
    if winner is None or not (superseded(run, winner) or _is_same(run, winner)):
        raise ObjectChangedError("An older run of the same object committed meanwhile.")
    run.outcome = winner.run.outcome if _is_same(run, winner) else SUPERSEDED
    run.outputs = list(winner.run.outputs)


def _pins_all(manifest: Manifest | None, files: list[OutputFile]) -> bool:
    """Whether the manifest names these very versions of the files."""
    return manifest is not None and set(files) <= set(manifest.outputs)


def _is_same(run: Run, winner: Manifest | None) -> bool:
    return winner is not None and winner.run.run_id == run.run_id


def _delete_vanished(files: list[OutputFile], replaces: Manifest | None) -> None:
    """Delete files of the replaced run whose partition the new one does not have.

    A plain delete, so the bucket keeps the old version for whoever reads by an older manifest.
    """
    kept = {file.key for file in files}
    for old in replaces.outputs if replaces else ():
        if old.key not in kept:
            delete_object(old.stored._replace(version_id=None))
