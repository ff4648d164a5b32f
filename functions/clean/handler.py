"""Lambda handler of the clean stage."""

from __future__ import annotations

from functions.clean.core import CleanState, SettledState, clean, settle
from pipeline.constants import SETTLED_FRAME
from pipeline.runtime import StageContext, pass_on, stage_handler
from pipeline.staging import StagedReader


@stage_handler("clean")
def lambda_handler(context: StageContext) -> None:
    """Clean the staged rows batch by batch."""
    state = CleanState(context.plan)
    if context.run.merges is not None and context.plan.clean.dedupe:
        _settle(context, state)
    pass_on(context, lambda batch: clean.arrow(batch, context.plan, state))


def _settle(context: StageContext, state: CleanState) -> None:
    """Let the rows that this stage let pass before claim their keys."""
    settled = SettledState()
    for batch in StagedReader(context.staging_bucket, context.run.staging_key(SETTLED_FRAME)):
        context.check_resources()
        settle(batch, context.plan, state, settled)
