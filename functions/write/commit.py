"""Commit a run: report, manifest, and away with what the run replaces."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from functions.write.estimate import estimated_cost
from functions.write.lineage import Committed, publish_lineage
from functions.write.notice import notice_of_rejects
from functions.write.pending import tidy_after_commit, tidy_without_commit
from pipeline.accounting import RowCounts, check_run_books
from pipeline.constants import SUCCEEDED, SUCCEEDED_WITH_REJECTS, SUPERSEDED
from pipeline.errors import ObjectChangedError, PermissionDeniedError, StorageRefusedError
from pipeline.manifest import (
    Manifest,
    MergeRecord,
    OutputFile,
    new_manifest,
    now,
    read_manifest,
    superseded,
    write_manifest,
)
from pipeline.repairs import joined
from pipeline.storage import delete_object, put_object

if TYPE_CHECKING:
    from pipeline.run import Run
    from pipeline.stage_context import StageContext

_OUTPUTS_IN_SUMMARY: Final = 100


def conclude(context: StageContext, *, files: int) -> None:
    """Enter into the run how it ends, and write its report, before any of its rows is visible.

    `files` are still to be published.
    """
    run, bucket = context.run, context.output_bucket
    run.outcome = _outcome(run.rows)
    run.report = f"s3://{bucket}/{run.report_key}"
    run.manifest = f"s3://{bucket}/{run.manifest_key}"
    run.lineage = f"s3://{bucket}/{run.lineage_key}"
    run.cost = estimated_cost(context, files=files)
    put_object(bucket, run.report_key, json.dumps(report(context), indent=1).encode())


def commit(context: StageContext, files: list[OutputFile], replaces: Manifest | None) -> None:
    """Make the files the source object's output, or undo them if another run was faster.

    The manifest is written last and only if it is still the one that was read before. Where it is
    not, the versions this run wrote are deleted, which brings the other run's back; unless the
    manifest is this very commit, whose answer was lost and which the SDK has tried again.
    """
    run, bucket = context.run, context.output_bucket
    run.outputs = [file.address for file in files][:_OUTPUTS_IN_SUMMARY]
    manifest = _manifest(context, files, replaces)
    try:
        write_manifest(manifest, bucket, replaces=replaces)
    except ObjectChangedError:
        winner = read_manifest(run, bucket)
        if winner is None or not _is_this_commit(run, files, winner):
            _give_way(run, files, winner)
            tidy_without_commit(context, winner)
            return
    except (PermissionDeniedError, StorageRefusedError):  # it is certain that nothing was written
        _undo(files)
        raise
    context.note_commit(sum(file.bytes for file in files))
    _note_rejects(context)
    told = publish_lineage(context, _committed(context, manifest, files, now()))
    tidy_after_commit(context, manifest, replaces, told=told)


def claim_own_commit(context: StageContext, committed: Manifest) -> None:
    """Give the run its outcome, if an earlier attempt of this very execution has committed it."""
    if committed.execution_of(context.run.run_id) == context.execution_arn:
        context.run.outcome = _outcome(context.run.rows)
        _note_commit_before(context, committed)
        _note_rejects(context)


def tell_again(context: StageContext, committed: Manifest) -> bool:
    """Write the event of the run's commit: who committed it may not have lived to do so.

    Returns whether that was possible.
    """
    run = context.run
    run.lineage = f"s3://{context.output_bucket}/{run.lineage_key}"
    at = committed.stored.last_modified if committed.stored else now()
    files = _own_files(run, committed)
    return publish_lineage(context, _committed(context, committed, files, at))


def _committed(
    context: StageContext, manifest: Manifest, files: list[OutputFile], at: str
) -> Committed:
    """What the event of the run's commit says of it."""
    run = context.run
    return Committed(tuple(files), _outcome(run.rows), manifest.execution_of(run.run_id), at)


def _own_files(run: Run, committed: Manifest) -> list[OutputFile]:
    """Files that the run has published: a merge's lie beside those of the file's own run."""
    return [
        file
        for file in committed.outputs
        if file.key.rpartition("/")[2].partition(".")[0] == run.output_name
    ]


def _note_commit_before(context: StageContext, committed: Manifest) -> None:
    """Note what the attempt before has published and did not live to tell."""
    if committed.stored is not None:
        published = sum(file.bytes for file in _own_files(context.run, committed))
        context.note_commit(published, datetime.fromisoformat(committed.stored.last_modified))


def _note_rejects(context: StageContext) -> None:
    """Have a person told of rejected rows, if the dataset wants that."""
    if context.plan.rejects.notify and context.run.outcome == SUCCEEDED_WITH_REJECTS:
        context.run.notice = notice_of_rejects(context.run)


def superseded_merge(run: Run, committed: Manifest | None) -> bool:
    """Whether a merge has lost what it was to be merged into to another run."""
    if run.merges is None:
        return False
    now_there = committed.stored.etag if committed and committed.stored else ""
    return now_there != run.merges.manifest_etag


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
        "merges": vars(run.merges) if run.merges else None,
        "outcome": run.outcome,
        "rows": run.rows.to_json(),
        "rejects": run.rejects,
        "repairs": run.repairs,
        "checks": run.checks,
        "lookups": run.lookups,
        "lookup_sources": run.lookup_sources,
        "stages": [vars(record) for record in run.stages],
        "cost": run.cost,
    }


def merged(manifest: Manifest, context: StageContext, files: list[OutputFile]) -> Manifest:
    """Return a file's manifest with the rows of a replayed quarantine in it.

    The rows that were rejected leave their two columns of the books, and come in again by what
    became of them now.

    Raises
    ------
    UnbalancedBooksError
        If the file's books do not balance with the merge in them.
    """
    run, of_file = context.run, manifest.run
    rows = replace(of_file.rows, rejected=0, dropped_by_lookup=0)
    rows.add(replace(run.rows, read=0))
    check_run_books(rows)
    record = MergeRecord(
        run_id=run.run_id,
        quarantine_of=run.merges.run_id if run.merges else "",
        plan_hash=run.plan_hash,
        rows=run.rows.to_json(),
        lookups=run.lookups,
        lookup_sources=run.lookup_sources,
        execution_arn=context.execution_arn,
        committed_at=now(),
    )
    outputs = (*manifest.outputs, *files)
    of_file = replace(
        of_file,
        outcome=_outcome(rows),
        rows=rows,
        rejects=run.rejects,
        repairs=joined(of_file.repairs, run.repairs),
        outputs=[file.address for file in outputs][:_OUTPUTS_IN_SUMMARY],
    )
    return replace(
        manifest,
        run=of_file,
        outputs=outputs,
        rejected_by=run.plan_hash,
        merges=(*manifest.merges, record),
    )


def _manifest(
    context: StageContext, files: list[OutputFile], replaces: Manifest | None
) -> Manifest:
    if context.run.merges is not None and replaces is not None:
        return merged(replaces, context, files)
    return new_manifest(context.run, context.plan, files, execution_arn=context.execution_arn)


def _outcome(rows: RowCounts) -> str:
    lost = rows.rejected + rows.dropped_by_lookup
    return SUCCEEDED_WITH_REJECTS if lost else SUCCEEDED


def _give_way(run: Run, files: list[OutputFile], winner: Manifest | None) -> None:
    """Undo this run's files after another run of the same object has committed."""
    _undo(files)
    if winner is not None and run.run_id in winner.run_ids:
        if run.merges is None:
            run.outcome = winner.run.outcome
            run.outputs = list(winner.run.outputs)
    elif run.merges is not None or superseded(run, winner):
        run.outcome = SUPERSEDED
        run.outputs = []
    else:
        raise ObjectChangedError("An older run of the same object committed meanwhile.")


def _undo(files: list[OutputFile]) -> None:
    """Delete the versions that this run wrote, which brings those before them back."""
    for file in files:
        delete_object(file.stored)


def _is_this_commit(run: Run, files: list[OutputFile], winner: Manifest) -> bool:
    """Whether the manifest is this run's, with these very versions of the files."""
    return run.run_id in winner.run_ids and set(files) <= set(winner.outputs)
