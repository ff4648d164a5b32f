"""Lambda handler of the transform stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.transform.core import TransformState, transform
from pipeline.runtime import pass_on, stage_handler

if TYPE_CHECKING:
    from pipeline.stage_context import StageContext


@stage_handler("transform")
def lambda_handler(context: StageContext) -> None:
    """Transform the staged rows batch by batch."""
    state = TransformState(context.plan)
    pass_on(context, lambda batch: transform.arrow(batch, context.plan, state))
