"""What a run has used of AWS, and what that costs. Pure; standard library only.

A usage is a quantity by item of `pipeline/prices.json`. Usages add up, and a cost is a usage times
prices, so a run's cost is the sum of its stages' and of what it used besides.

How AWS counts: a function's time is billed by the millisecond, rounded up, with the initialisation
of a cold start in it, of ZIP functions with managed runtimes since August 2025 ("AWS Lambda
standardizes billing for INIT Phase", AWS Compute Blog, April 2025); its memory in GB of 1,024 MB
("AWS Lambda pricing", examples). "Step Functions counts a state transition each time a step of your
workflow is executed [...] including retries" ("AWS Step Functions pricing"). S3's events are "AWS
opt-in data events" to EventBridge, which bills them ("Amazon EventBridge pricing"). DELETE is free.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.prices import Prices
    from pipeline.run import Run, StageRecord

    Usage = Mapping[str, float]
    """Quantities by item."""

GB: Final = 1024**3
MB_IN_GB: Final = 1024
FREE_STORAGE_MB: Final = 512
LOG_EVENT_OVERHEAD: Final = 26
"""Bytes that CloudWatch Logs bills with each event beside its text."""

ARCHITECTURE: Final = "arm64"
"""What the functions run on in AWS."""
COMPUTE: Final = f"lambda_{ARCHITECTURE}_gb_second"

TRANSITIONS: Final = len(STAGES) + 4
"""States that a run passes which ends well: the stages, the first, the last and two choices."""

STAGE_LOG_BYTES: Final = 4_500
"""A stage's log of one invocation: Lambda's own lines, two of ours, the metrics."""
STATE_LOG_DOCUMENTS: Final = 24
"""The state machine's log of a run in lengths of its last state, execution data included.

Entering, scheduling, succeeding and leaving write the state down, in nine states in which it grows.
"""


@dataclass(frozen=True)
class Line:
    """One item of a bill."""

    item: str
    quantity: float
    usd: float


@dataclass(frozen=True)
class Cost:
    """What a usage costs at the prices of a region."""

    lines: tuple[Line, ...]
    prices: Prices

    @property
    def usd(self) -> float:
        """The sum of the lines, in dollars."""
        return math.fsum(line.usd for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """Return the short document that a run carries: dollars to a hundred-millionth."""
        return {
            "usd": round(self.usd, 8),
            "currency": self.prices.currency,
            "region": self.prices.region,
            "as_of": self.prices.as_of,
            "lines": [
                {
                    "item": line.item,
                    "quantity": round(line.quantity, 6),
                    "usd": round(line.usd, 8),
                }
                for line in self.lines
            ],
        }


def cost_of(usage: Usage, prices: Prices) -> Cost:
    """Return what a usage costs; what is not used has no line."""
    lines = (
        Line(item, usage[item], usage[item] * prices.usd[item])
        for item in prices.items
        if usage.get(item)
    )
    return Cost(tuple(lines), prices)


def added(usages: Iterable[Usage]) -> Usage:
    """Return the sum of usages."""
    total: Counter[str] = Counter()
    for usage in usages:
        total.update(usage)
    return dict(total)


def billed_seconds(seconds: float, init_seconds: float = 0.0) -> float:
    """Return what Lambda bills of an invocation: its milliseconds, rounded up."""
    milliseconds = round((seconds + init_seconds) * 1000, 6)  # 0.07 s must not become 71 ms
    return math.ceil(milliseconds) / 1000


def invocation_usage(billed: float, *, memory_mb: int, storage_mb: int = FREE_STORAGE_MB) -> Usage:
    """Return the usage of one invocation of a function.

    Parameters
    ----------
    billed
        Seconds that are billed.
    storage_mb
        Ephemeral storage of the function; the first 512 MB are free.
    """
    beyond = max(0, storage_mb - FREE_STORAGE_MB)
    return {
        COMPUTE: billed * memory_mb / MB_IN_GB,
        "lambda_request": 1,
        "lambda_storage_gb_second": billed * beyond / MB_IN_GB,
    }


def request_usage(requests: Mapping[str, int]) -> Usage:
    """Return the usage of requests to S3 by kind (`get`, `put`, `list`; `delete` is free)."""
    return {
        "s3_get": requests.get("get", 0),
        "s3_put": requests.get("put", 0) + requests.get("list", 0),
    }


def stage_usage(record: StageRecord) -> Usage:
    """Return what a stage has used, from its own record: its last attempt, and the log of it."""
    billed = billed_seconds(record.seconds, record.init_seconds)
    return added(
        (
            invocation_usage(billed, memory_mb=record.memory_mb),
            request_usage(record.requests),
            {"log_gb": STAGE_LOG_BYTES / GB},
        )
    )


def run_usage(run: Run, stages: Iterable[StageRecord], *, event_bytes: int = 0) -> Usage:
    """Return what a run that ends well uses, estimated before its last stage has ended.

    Parameters
    ----------
    stages
        Records of all stages; of the last one as far as it has come.
    event_bytes
        Size of the event that stands in every state beside the run.
    """
    records = list(stages)
    retries = sum(record.retries for record in records)
    log_bytes = STATE_LOG_DOCUMENTS * (len(json.dumps(run.to_json())) + event_bytes)
    return added(
        (
            *(stage_usage(record) for record in records),
            {
                "lambda_request": retries,
                "state_transition": TRANSITIONS + retries + (1 if run.notice else 0),
                "event": 1 + _objects_told(run, records),
                "log_gb": log_bytes / GB,
                "trace": 1,
            },
        )
    )


def _objects_told(run: Run, records: list[StageRecord]) -> int:
    """Changes of objects that the output bucket tells EventBridge of, at most.

    Each request of the last stage that writes or deletes may be one; a file in parts takes several.
    """
    last = records[-1].requests if records else {}
    kept_aside = len(run.rejects["quarantine"]) + len(run.repairs.get("files", []))
    return last.get("put", 0) + last.get("delete", 0) + kept_aside
