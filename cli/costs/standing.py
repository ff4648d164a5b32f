"""What a stack costs while nothing runs, and the custom metrics of what runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.target import stack_outputs
from pipeline import metrics as names
from pipeline.constants import OUTPUT_METRICS_DETAIL, STAGES, SUCCEEDED
from pipeline.metrics import MetricsDetail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.target import Target
    from pipeline.cost import Usage
    from pipeline.metrics import MetricName

ALARM: Final = "AWS::CloudWatch::Alarm"
DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
KEY: Final = "AWS::KMS::Key"
NAMES_AT_ONCE: Final = 100
"""Alarms that one request describes."""


@dataclass(frozen=True)
class Standing:
    """What is billed by the month for being there, and the stack's setting `metrics`.

    `counted` is False where no stack was looked at.
    """

    alarm_metrics: int
    dashboards: int
    keys: int
    metrics: MetricsDetail = MetricsDetail.STAGES
    counted: bool = True

    @property
    def usage(self) -> Usage:
        """A month of it."""
        return {
            "alarm_month": self.alarm_metrics,
            "dashboard_month": self.dashboards,
            "kms_key_month": self.keys,
        }


NO_STACK: Final = Standing(0, 0, 0, counted=False)


def standing_resources(target: Target) -> Standing:
    """Return what the deployed stack has of alarms, dashboards and keys.

    An alarm on several metrics is billed for each ("Amazon CloudWatch pricing", alarms).
    """
    by_type: dict[str, list[str]] = {}
    pages = target.cloud.cloudformation().get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=target.stack):
        for resource in page["StackResourceSummaries"]:
            known = by_type.setdefault(resource["ResourceType"], [])
            known.append(resource.get("PhysicalResourceId", ""))
    return Standing(
        alarm_metrics=sum(map(metrics_of_alarm, _alarms(target, by_type.get(ALARM, [])))),
        dashboards=len(by_type.get(DASHBOARD, [])),
        keys=len(by_type.get(KEY, [])),
        metrics=MetricsDetail(
            stack_outputs(target.cloud, target.stack).get(
                OUTPUT_METRICS_DETAIL, MetricsDetail.STAGES
            )
        ),
    )


def metrics_of_alarm(alarm: dict[str, Any]) -> int:
    """Return how many metrics an alarm looks at: expressions themselves are none."""
    queries = alarm.get("Metrics") or []
    return sum(1 for query in queries if "MetricStat" in query) or 1


def metric_series(detail: MetricsDetail, *, datasets: int) -> int:
    """Return the custom metrics of runs that go well: each combination of dimensions is one."""
    return sum(
        _combinations(dimensions, datasets)
        for metric in _told()
        for dimensions in metric.sets
        if detail.has(dimensions)
    )


def _told() -> Iterator[MetricName]:
    """Metrics that a run without rejects tells; rare ones are told when there is something."""
    for value in vars(names).values():
        if isinstance(value, names.MetricName) and not value.rare:
            yield value
    yield names.outcome_metric(SUCCEEDED)


def _combinations(dimensions: tuple[str, ...], datasets: int) -> int:
    by_dataset = datasets if names.DATASET in dimensions else 1
    return by_dataset * (len(STAGES) if names.STAGE in dimensions else 1)


def _alarms(target: Target, alarm_names: list[str]) -> Iterator[dict[str, Any]]:
    client = target.cloud.cloudwatch()
    for first in range(0, len(alarm_names), NAMES_AT_ONCE):
        found = client.describe_alarms(AlarmNames=alarm_names[first : first + NAMES_AT_ONCE])
        yield from (dict(alarm) for alarm in found["MetricAlarms"])
