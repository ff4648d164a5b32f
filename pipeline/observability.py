"""Structured logs and metrics of a stage, through AWS Lambda Powertools.

Every log line carries the run, dataset, stage, key and execution; every stage emits the same
metrics in CloudWatch's embedded format, by dataset and stage.
"""

from __future__ import annotations

import re
import resource
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from pipeline.constants import METRICS_NAMESPACE

if TYPE_CHECKING:
    from pipeline.accounting import RowCounts
    from pipeline.run import StageRecord


_HIGH_WATER_MARK: Final = re.compile(rb"VmHWM:\s+(\d+) kB")


@cache
def stage_logger(stage: str) -> Logger:
    """Return the process's logger of a stage."""
    return Logger(service=stage)


@cache
def _stage_metrics(stage: str) -> Metrics:
    return Metrics(namespace=METRICS_NAMESPACE, service=stage)


def emit_stage_metrics(
    record: StageRecord,
    counts: RowCounts,
    *,
    dataset: str,
    outcome: str | None,
    cells_repaired: int = 0,
) -> None:
    """Print one embedded-metrics line for a finished stage; CloudWatch reads it off the log."""
    metrics = _stage_metrics(record.stage)
    metrics.add_dimension("dataset", dataset)
    for name, rows in (
        ("RowsIn", record.rows_in),
        ("RowsOut", record.rows_out),
        ("RowsExpanded", counts.expanded),
        ("RowsRejected", counts.rejected),
        ("RowsDuplicate", counts.duplicates),
        ("RowsFiltered", counts.filtered),
        ("RowsDroppedByLookup", counts.dropped_by_lookup),
        ("CellsRepaired", cells_repaired),
        ("ColdStarts", int(record.cold_start)),
    ):
        metrics.add_metric(name, MetricUnit.Count, rows)
    metrics.add_metric("StageSeconds", MetricUnit.Seconds, record.seconds)
    metrics.add_metric("BytesIn", MetricUnit.Bytes, record.bytes_in)
    metrics.add_metric("BytesOut", MetricUnit.Bytes, record.bytes_out)
    metrics.add_metric("PeakMemory", MetricUnit.Megabytes, record.peak_memory_mb)
    if outcome is not None:
        metrics.add_metric(f"Outcome_{outcome}", MetricUnit.Count, 1)
    metrics.flush_metrics()
    metrics.clear_metrics()


def peak_memory_mb() -> int:
    """Return the process's peak resident memory so far, in MiB.

    Linux hands what `getrusage` tells down from the process that started this one; the high-water
    mark of its own memory is in `/proc`.
    """
    try:
        found = _HIGH_WATER_MARK.search(Path("/proc/self/status").read_bytes())
    except OSError:
        found = None
    if found is not None:
        return int(found.group(1)) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)
