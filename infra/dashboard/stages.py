"""The dashboard's rows by stage: how long, how near to its limits, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration

from infra.dashboard.widgets import (
    A_QUARTER,
    PERIOD_MINUTES,
    STAGE_COLORS,
    computed,
    drawn,
    graph,
    heading,
)
from infra.metrics import of_function
from pipeline import metrics as names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_lambda as lambda_

    from infra.settings import Settings
    from pipeline.metrics import MetricName

    Functions = Mapping[str, lambda_.Function]

_PERIOD: Final = Duration.minutes(PERIOD_MINUTES)
_WIDTH: Final = 6


def stage_rows(functions: Functions, settings: Settings) -> list[list[cloudwatch.IWidget]]:
    """Two rows of graphs with a line for each stage, under a heading."""
    return [
        [heading("How the stages do")],
        [
            _seconds(functions, "p50", "Seconds of an invocation: half take at most"),
            _seconds(functions, "p95", "Seconds of an invocation: 95 % take at most"),
            _nearness_to_timeout(functions, settings),
            _nearness_to_memory(settings),
        ],
        [
            _counts("Invocations that failed", _failed(functions)),
            _counts("Retries", _told(names.RETRIES)),
            _counts("Throttled invocations", _throttled(functions)),
            _counts("Cold starts", _told(names.COLD_STARTS)),
        ],
    ]


def _seconds(functions: Functions, statistic: str, title: str) -> cloudwatch.IWidget:
    """Percentile of the functions' durations: those of datasets make none of a stage."""
    lines = [
        computed(
            f"{stage} / 1000",
            {stage: function.metric_duration(statistic=statistic)},
            label=stage,
            color=STAGE_COLORS[stage],
        )
        for stage, function in functions.items()
    ]
    return graph(title, lines, unit="seconds", width=_WIDTH)


def _nearness_to_timeout(functions: Functions, settings: Settings) -> cloudwatch.IWidget:
    percent = settings.thresholds.duration_percent
    lines = [
        computed(
            f"100 * {stage} / {settings.stages[stage].timeout_s * 1000}",  # Lambda's milliseconds
            {stage: function.metric_duration(statistic="Maximum")},
            label=stage,
            color=STAGE_COLORS[stage],
        )
        for stage, function in functions.items()
    ]
    return graph(
        "Longest invocation, share of its timeout",
        lines,
        unit="percent",
        width=_WIDTH,
        limit=(percent, f"limit {percent} %"),
    )


def _nearness_to_memory(settings: Settings) -> cloudwatch.IWidget:
    percent = settings.thresholds.memory_percent
    lines = [
        drawn(
            of_function(names.MEMORY_UTILIZATION, stage, minutes=PERIOD_MINUTES),
            label=stage,
            color=color,
        )
        for stage, color in STAGE_COLORS.items()
    ]
    return graph(
        "Highest memory, share of the function's size",
        lines,
        unit="percent",
        width=_WIDTH,
        limit=(percent, f"limit {percent} %"),
    )


def _failed(functions: Functions) -> list[cloudwatch.IMetric]:
    return [
        drawn(function.metric_errors(period=_PERIOD), label=stage, color=STAGE_COLORS[stage])
        for stage, function in functions.items()
    ]


def _throttled(functions: Functions) -> list[cloudwatch.IMetric]:
    return [
        drawn(function.metric_throttles(period=_PERIOD), label=stage, color=STAGE_COLORS[stage])
        for stage, function in functions.items()
    ]


def _told(metric: MetricName) -> list[cloudwatch.IMetric]:
    """Count of the functions' own; no news is none."""
    return [
        computed(
            f"FILL({stage}, 0)",
            {stage: of_function(metric, stage, statistic="Sum", minutes=PERIOD_MINUTES)},
            label=stage,
            color=color,
        )
        for stage, color in STAGE_COLORS.items()
    ]


def _counts(title: str, lines: Sequence[cloudwatch.IMetric]) -> cloudwatch.IWidget:
    return graph(title, lines, unit=f"invocations {A_QUARTER}", width=_WIDTH, stacked=True)
