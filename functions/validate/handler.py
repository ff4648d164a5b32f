"""Lambda handler of the validate stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from functions.validate.core import ValidateState, validate
from functions.validate.limits import check_reject_limit
from pipeline.constants import SUPERSEDED
from pipeline.errors import ObjectChangedError
from pipeline.formats.readers import read_chunks
from pipeline.manifest import earlier_outcome, read_manifest
from pipeline.run import Run, new_run
from pipeline.runtime import StageContext, stage_handler
from pipeline.storage import ObjectReader, open_object

if TYPE_CHECKING:
    from pipeline.findings import Reject
    from pipeline.formats import RawChunk


@stage_handler("validate")
def lambda_handler(context: StageContext) -> None:
    """Read the uploaded file, stage its good rows, put the others into the quarantine."""
    source = context.run.source
    try:
        uploaded = open_object(
            source.bucket, source.key, version_id=source.version_id, etag=source.etag
        )
    except ObjectChangedError:  # a newer upload under the same key has its own execution
        context.run.outcome = SUPERSEDED
        return
    context.run = _identified(context, uploaded)
    if earlier_outcome(context.run, read_manifest(context.run, context.output_bucket)):
        uploaded.close()
        return
    _validate_all(context, uploaded)
    check_reject_limit(context)


def _identified(context: StageContext, uploaded: ObjectReader) -> Run:
    """The run of exactly the version that was opened; events may not name it."""
    source = replace(
        context.run.source, version_id=uploaded.stored.version_id, size=uploaded.stored.size
    )
    return new_run(source, dataset=context.run.dataset, plan_hash=context.plan.hash)


def _validate_all(context: StageContext, uploaded: ObjectReader) -> None:
    state = ValidateState(context.plan)
    with context.quarantine() as quarantine, context.staged_output() as output:
        for chunk in read_chunks(uploaded, context.plan, key=context.run.source.key):
            result = validate.arrow(chunk.batch, context.plan, state)
            context.rows_in += chunk.rows
            context.counts.rejected += len(chunk.malformed) + len(result.rejects)
            quarantine.write(_in_order(chunk, result.rejects))
            output.write(result.frame)
    context.rows_out = output.rows
    context.bytes_in, context.bytes_out = uploaded.bytes_read, output.bytes_written
    context.run.rows.read = context.rows_in
    context.run.rows.add(context.counts)
    context.note_quarantine(quarantine)
    context.note_frame(output)


def _in_order(chunk: RawChunk, rejects: list[Reject]) -> list[Reject]:
    """All rejects of a chunk by row number, each with its row as the file had it."""
    if chunk.raw_of is not None:
        rejects = [_as_written(reject, chunk.raw_of(reject.row_number)) for reject in rejects]
    return sorted([*chunk.malformed, *rejects], key=lambda reject: reject.row_number)


def _as_written(reject: Reject, raw: dict[str, Any]) -> Reject:
    """Reject with the row, and the values complained of, as the file has them."""
    violations = tuple(
        found._replace(value=raw[found.column]) if found.column in raw else found
        for found in reject.violations
    )
    return replace(reject, violations=violations, raw=raw)
