"""Lambda handler of the validate stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.validate.core import ValidateState, validate
from functions.validate.merge import merging
from functions.validate.quality import check_quality, quality_summary
from pipeline.constants import SUPERSEDED
from pipeline.errors import ObjectChangedError
from pipeline.formats.readers import read_chunks
from pipeline.manifest import Manifest, earlier_outcome, end_early, read_manifest
from pipeline.masking import masked_rejects
from pipeline.pending import own_notes
from pipeline.profile import publish_contract_profile
from pipeline.reject_limit import check_reject_limit
from pipeline.rejected_rows import RejectedRows
from pipeline.replay import still_standing
from pipeline.run import Source, new_run
from pipeline.runtime import stage_handler
from pipeline.storage import ObjectReader, open_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.findings import Reject
    from pipeline.formats import RawChunk
    from pipeline.plan import Plan
    from pipeline.stage_context import StageContext


@stage_handler("validate")
def lambda_handler(context: StageContext) -> None:
    """Read the uploaded file, stage its good rows, put the others into the quarantine.

    A replay takes up what the failed execution had staged; a replay of the quarantine reads the
    rejected rows only.
    """
    source = context.run.source
    try:
        uploaded = open_object(
            source.bucket,
            source.key,
            version_id=source.version_id,
            etag=source.etag,
            before_read=context.check_resources,  # a file may go on for long without a row
        )
    except ObjectChangedError:  # a newer upload under the same key has its own execution
        context.run.outcome = SUPERSEDED
        return
    try:
        _work(context, uploaded)
    finally:
        uploaded.close()


def _work(context: StageContext, uploaded: ObjectReader) -> None:
    context.run = new_run(
        _identified(context.run.source, uploaded),
        dataset=context.run.dataset,
        plan_hash=context.plan.hash,
    )
    committed = read_manifest(context.run, context.output_bucket)
    if context.replay.quarantine:
        merge = merging(context, committed)
        if merge is not None:
            _validate_all(context, merge.chunks(context, uploaded), merge.state)
    elif not (_is_done(context, committed) or _is_taken_up(context)):
        chunks = read_chunks(uploaded, context.plan, key=context.run.source.key)
        state = ValidateState(context.plan)
        _validate_all(context, chunks, state)
        context.run.checks = quality_summary(state)
        check_reject_limit(context)
        check_quality(state)
    context.bytes_in = uploaded.bytes_read


def _identified(source: Source, uploaded: ObjectReader) -> Source:
    """The source as exactly the version that was opened; events may not name it."""
    stored = uploaded.stored
    return replace(
        source,
        version_id=stored.version_id,
        etag=stored.etag,
        size=stored.size,
        last_modified=stored.last_modified,
    )


def _is_done(context: StageContext, committed: Manifest | None) -> bool:
    """Whether the run needs no work, and no tidying up after a crash either."""
    outcome = earlier_outcome(context.run, committed)
    if outcome is None or committed is None or own_notes(context, committed):
        return False
    end_early(context.run, outcome, committed)
    return True


def _is_taken_up(context: StageContext) -> bool:
    """Whether the run goes on where the replayed execution has left it."""
    standing = still_standing(
        context.run,
        context.replay.run,
        staging_bucket=context.staging_bucket,
        output_bucket=context.output_bucket,
    )
    if standing is None:
        return False
    context.run, context.resumed = standing, True
    return True


def _validate_all(context: StageContext, chunks: Iterable[RawChunk], state: ValidateState) -> None:
    with (
        context.quarantine() as quarantine,
        context.repairs() as repairs,
        context.staged_output() as output,
    ):
        for chunk in chunks:
            context.check_resources()
            result = validate.arrow(chunk.batch, context.plan, state)
            context.rows_in += chunk.rows
            context.counts.read += chunk.rows
            context.counts.rejected += len(chunk.malformed) + len(result.rejects)
            malformed = masked_rejects(chunk.malformed, context.plan)
            quarantine.write(malformed, _as_written(result.rejects, chunk, context.plan))
            repairs.write(chunk.repairs)
            output.write(result.frame)
    context.rows_out = output.rows
    context.bytes_out = output.bytes_written
    context.book()
    context.note_quarantine(quarantine)
    context.note_repairs(repairs)
    context.note_frame(output)
    publish_contract_profile(context, state.profile)  # also of a file that is to be refused


def _as_written(rejects: Sequence[Reject], chunk: RawChunk, plan: Plan) -> Sequence[Reject]:
    """Rejects with the lines, the rows and the values complained of, as the file has them."""
    if isinstance(rejects, RejectedRows):
        if chunk.line_of is not None:
            rejects = rejects.with_lines(chunk.line_of)
        if chunk.raw_of is not None:
            rejects = rejects.with_raw(chunk.raw_of, plan.source_names)
    return masked_rejects(rejects, plan)
