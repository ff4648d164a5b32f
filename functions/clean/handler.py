"""Lambda handler of the clean stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.clean.core import CleanState, SettledState, clean, settle, survey
from pipeline.constants import SETTLED_FRAME
from pipeline.reject_limit import check_reject_limit
from pipeline.runtime import pass_on, stage_handler
from pipeline.staging import StagedReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.stage_context import StageContext


@stage_handler("clean")
def lambda_handler(context: StageContext) -> None:
    """Clean the staged rows batch by batch, after a look at all of them where the plan needs it."""
    state = CleanState(context.plan)
    if context.run.merges is not None and context.plan.clean.dedupe:
        _settle(context, state)
    survey(lambda: _staged(context), context.plan, state)
    pass_on(context, lambda batch: clean.arrow(batch, context.plan, state))
    if context.counts.rejected and context.run.merges is None:
        check_reject_limit(context)


def _staged(context: StageContext) -> Iterator[pa.RecordBatch]:
    """Batches of the frame that the stage works on."""
    for batch in context.staged_input():
        context.check_resources()
        yield batch


def _settle(context: StageContext, state: CleanState) -> None:
    """Let the rows that this stage let pass before claim their keys."""
    settled = SettledState()
    for batch in StagedReader(context.staging_bucket, context.run.staging_key(SETTLED_FRAME)):
        context.check_resources()
        settle(batch, context.plan, state, settled)
