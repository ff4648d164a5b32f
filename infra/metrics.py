"""The metrics that alarms and the dashboard look at, as the CDK's constructs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from pipeline import metrics as names
from pipeline.constants import METRICS_NAMESPACE

if TYPE_CHECKING:
    from aws_cdk import aws_stepfunctions as sfn

    from pipeline.metrics import MetricName

MINUTES: int = 5
"""Period of what is looked at as it happens."""


def of_stack(
    metric: MetricName, *, statistic: str = "Sum", minutes: int = MINUTES
) -> cloudwatch.Metric:
    """Metric over all runs of the stack."""
    return _metric(metric, {}, statistic, minutes)


def of_dataset(
    metric: MetricName, dataset: str, *, statistic: str = "Sum", minutes: int = MINUTES
) -> cloudwatch.Metric:
    """Metric over the runs of a dataset."""
    return _metric(metric, {names.DATASET: dataset}, statistic, minutes)


def of_function(
    metric: MetricName, stage: str, *, statistic: str = "Maximum", minutes: int = MINUTES
) -> cloudwatch.Metric:
    """Metric over all invocations of a stage's function."""
    return _metric(metric, {names.STAGE: stage}, statistic, minutes)


def of_stage(
    metric: MetricName, dataset: str, stage: str, *, statistic: str = "Sum", minutes: int = MINUTES
) -> cloudwatch.Metric:
    """Metric over a stage's invocations for one dataset."""
    return _metric(metric, {names.DATASET: dataset, names.STAGE: stage}, statistic, minutes)


def of_rule(rule: str, name: str, *, minutes: int = MINUTES) -> cloudwatch.Metric:
    """Sum of a metric of EventBridge's about a rule of this name."""
    return cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name=name,
        dimensions_map={"RuleName": rule},
        statistic="Sum",
        period=Duration.minutes(minutes),
    )


def of_machine(
    machine: sfn.StateMachine, name: str, *, minutes: int = MINUTES
) -> cloudwatch.Metric:
    """Sum of a metric of Step Functions' about the executions of a state machine."""
    return machine.metric(name, statistic="Sum", period=Duration.minutes(minutes))


def endings(machine: sfn.StateMachine, *, minutes: int = MINUTES) -> dict[str, cloudwatch.Metric]:
    """Executions that ended, by how: `succeeded`, `failed`, `timed_out` and `aborted`."""
    return {
        "succeeded": of_machine(machine, "ExecutionsSucceeded", minutes=minutes),
        "failed": of_machine(machine, "ExecutionsFailed", minutes=minutes),
        "timed_out": of_machine(machine, "ExecutionsTimedOut", minutes=minutes),
        "aborted": of_machine(machine, "ExecutionsAborted", minutes=minutes),
    }


def _metric(
    metric: MetricName, dimensions: dict[str, str], statistic: str, minutes: int
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=metric.name,
        dimensions_map={names.STACK: Aws.STACK_NAME, **dimensions},
        statistic=statistic,
        period=Duration.minutes(minutes),
    )
