"""The estimate of what a run costs, which its manifest and its report carry."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from functions.write.outputs import PUBLISHED_AT_ONCE
from pipeline.cost import cost_of, run_usage
from pipeline.observability import stage_logger
from pipeline.prices import PricesError, prices_for

if TYPE_CHECKING:
    from pipeline.run import StageRecord
    from pipeline.stage_context import StageContext

REQUEST_S: Final = 0.05
"""A request to S3 from its sending to its answer, roughly."""
CLOSING_REQUESTS: Final = {"put": 5, "list": 1, "delete": 1}
"""What follows the last row beside the files: report, profile, note, manifest, lineage; the
note's end.

A run that takes files away, of an earlier version of the object, sends a few more.
"""


def estimated_cost(context: StageContext, *, files: int) -> dict[str, Any] | None:
    """Return what the run costs, its commit included; None if that cannot be told.

    The commit is still to come, because the manifest is to hold the figure. Stages that a replay
    has taken over are the run's, too, although another execution paid for them.
    """
    if context.record_so_far is None:
        return None
    own = with_commit(context.record_so_far(), files)
    usage = run_usage(context.run, [*context.run.stages, own], event_bytes=context.event_bytes)
    try:
        return cost_of(usage, prices_for(os.environ.get("AWS_REGION", ""))).to_json()
    except (PricesError, KeyError):  # no run fails for a figure
        stage_logger(context.stage).warning("cost not estimated", exc_info=True)
        return None


def with_commit(record: StageRecord, files: int) -> StageRecord:
    """Return the record of a last stage with the publication of `files` and its commit."""
    requests = dict(record.requests)
    for kind, number in CLOSING_REQUESTS.items():
        requests[kind] = requests.get(kind, 0) + number
    requests["put"] += files
    rounds = sum(CLOSING_REQUESTS.values()) + math.ceil(files / PUBLISHED_AT_ONCE)
    return replace(record, seconds=record.seconds + rounds * REQUEST_S, requests=requests)
