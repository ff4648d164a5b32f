"""Lambda handler of the enrich stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.enrich.core import EnrichState, enrich
from pipeline.context_columns import facts_of
from pipeline.lookup_objects import bucket_lookups
from pipeline.profile import publish_lookup_profile
from pipeline.runtime import pass_on, stage_handler

if TYPE_CHECKING:
    from pipeline.stage_context import StageContext


@stage_handler("enrich")
def lambda_handler(context: StageContext) -> None:
    """Join the lookups onto the staged rows batch by batch."""
    state = EnrichState(
        context.plan,
        processed_at=context.started_at,
        facts=facts_of(context.run),
        tables=bucket_lookups(context.plan, context.run),
    )
    pass_on(context, lambda batch: enrich.arrow(batch, context.plan, state))
    publish_lookup_profile(context, state.missing)
