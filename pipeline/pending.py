"""Which notes of unfinished publications concern a run; see docs/adr/0003."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.storage import list_objects

if TYPE_CHECKING:
    from pipeline.manifest import Manifest
    from pipeline.stage_context import StageContext


def own_notes(context: StageContext, committed: Manifest) -> list[str]:
    """Return the keys of notes that the run itself left, or a run that is in the manifest."""
    prefix = context.run.pending_prefix
    concerned = {f"{prefix}{run_id}.json" for run_id in {context.run.run_id, *committed.run_ids}}
    return sorted(concerned.intersection(list_objects(context.output_bucket, prefix)))
