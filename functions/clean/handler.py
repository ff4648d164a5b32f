"""Lambda handler of the clean stage."""

from __future__ import annotations

from functions.clean.core import CleanState, clean
from pipeline.runtime import StageContext, pass_on, stage_handler


@stage_handler("clean")
def lambda_handler(context: StageContext) -> None:
    """Clean the staged rows batch by batch."""
    state = CleanState(context.plan)
    pass_on(context, lambda batch: clean.arrow(batch, context.plan, state))
