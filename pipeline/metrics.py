"""The metrics that the functions print, by name: what `infra/` draws and alarms on.

Standard library only. Three sets of dimensions, so that an alarm finds one series and a person
finds every dataset and stage (CloudWatch adds nothing up across dimensions, and bills each
combination): a stage's by stack, dataset and stage; a function's, whatever the dataset, by stack
and stage; a run's by stack and dataset, and by stack. The first is by far the dearest, and the
setting `metrics` (`MetricsDetail`) does without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

STACK: Final = "stack"
DATASET: Final = "dataset"
STAGE: Final = "stage"

BY_STAGE: Final = ((STACK, DATASET, STAGE),)
BY_FUNCTION: Final = ((STACK, STAGE),)
BY_RUN: Final = ((STACK, DATASET), (STACK,))
"""Sets of dimensions that a line of metrics is counted under."""

UNKNOWN_DATASET: Final = "unknown"
"""Dimension `dataset` of a failure before it is known to be one: keys name what they like."""

OUTCOME_PREFIX: Final = "Outcome_"


class MetricsDetail(StrEnum):
    """Which figures become metrics; all of them stand in the log in either case.

    `stages`: all. `runs`: those of functions and runs.
    """

    STAGES = "stages"
    RUNS = "runs"

    def has(self, dimensions: tuple[str, ...]) -> bool:
        """Whether there are metrics of a set of dimensions."""
        return self is MetricsDetail.STAGES or dimensions not in BY_STAGE


@dataclass(frozen=True)
class MetricName:
    """A metric and its unit, in CloudWatch's words."""

    name: str
    unit: str = "Count"
    rare: bool = False
    """Whether a zero is left out: a metric that is never told costs nothing."""
    sets: tuple[tuple[str, ...], ...] = BY_STAGE


# --- Of a stage: `BY_STAGE` --------------------------------------------------------------------
ROWS_IN: Final = MetricName("RowsIn")
ROWS_OUT: Final = MetricName("RowsOut")
# These three are a run's, too: of all its stages, when it has committed something.
ROWS_REJECTED: Final = MetricName("RowsRejected", sets=BY_STAGE + BY_RUN)
ROWS_DUPLICATE: Final = MetricName("RowsDuplicate", sets=BY_STAGE + BY_RUN)
ROWS_FILTERED: Final = MetricName("RowsFiltered", sets=BY_STAGE + BY_RUN)
ROWS_EXPANDED: Final = MetricName("RowsExpanded", rare=True)
ROWS_DROPPED_BY_LOOKUP: Final = MetricName("RowsDroppedByLookup", rare=True)
CELLS_REPAIRED: Final = MetricName("CellsRepaired", rare=True)
BYTES_IN: Final = MetricName("BytesIn", "Bytes")
BYTES_OUT: Final = MetricName("BytesOut", "Bytes")
STAGE_SECONDS: Final = MetricName("StageSeconds", "Seconds")
PEAK_MEMORY: Final = MetricName("PeakMemory", "Megabytes")
STAGE_ERRORS: Final = MetricName("StageErrors", rare=True)
"""1 for an invocation that failed; told with the two below alone. Beside it stand the error's name
and status code."""

# --- Of a stage and of a function, of failed invocations, too: `BY_STAGE`, `BY_FUNCTION` -------
COLD_STARTS: Final = MetricName("ColdStarts", sets=BY_STAGE + BY_FUNCTION)
"""1 for the first invocation of a process, else 0."""
RETRIES: Final = MetricName("Retries", rare=True, sets=BY_STAGE + BY_FUNCTION)
"""1 for an invocation that is not the first of its state."""

# --- Of a function: `BY_FUNCTION` --------------------------------------------------------------
MEMORY_UTILIZATION: Final = MetricName("MemoryUtilization", "Percent", sets=BY_FUNCTION)
"""Peak memory so far as a share of the function's size; of failed invocations, too."""

# --- Of a run, told when it ends without an error: `BY_RUN` ------------------------------------
# A folder's marker is of no dataset, so that its run is counted by stack alone.
RUNS: Final = MetricName("Runs", sets=BY_RUN)
"""1 for a run that ended, whatever its outcome; told with the outcome's own (`outcome_metric`)."""

# Of a run that has committed something, and of no other, so that nothing is counted twice.
ROWS_READ: Final = MetricName("RowsRead", sets=BY_RUN)
ROWS_WRITTEN: Final = MetricName("RowsWritten", sets=BY_RUN)
BYTES_READ: Final = MetricName("BytesRead", "Bytes", sets=BY_RUN)
"""Bytes of the uploaded object."""
BYTES_WRITTEN: Final = MetricName("BytesWritten", "Bytes", sets=BY_RUN)
UPLOAD_TO_COMMIT: Final = MetricName("UploadToCommitSeconds", "Seconds", sets=BY_RUN)
"""Not told of replays, whose upload may be days ago."""
ESTIMATED_COST: Final = MetricName("EstimatedCost", "None", sets=BY_RUN)
"""US dollars."""


def outcome_metric(outcome: str) -> MetricName:
    """Return the metric that counts runs of an outcome: `Outcome_SUCCEEDED`."""
    return MetricName(f"{OUTCOME_PREFIX}{outcome}", sets=BY_RUN)
