"""The dashboard's widgets: one way to draw each thing, and colours that mean something.

Red is what failed or was lost, orange what was set aside or tried again, green what is well, grey
what asks for nothing, blue any other figure. Whatever merely has to be told apart (stages,
datasets) has colours of its own, none of them red, orange, green or grey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from pipeline.constants import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GREEN: Final = "#2e8540"
ORANGE: Final = "#f2890f"
RED: Final = "#d13212"
GREY: Final = "#9ba7b6"
BLUE: Final = "#1166bb"
LIGHT_BLUE: Final = "#74b3ea"
LIMIT: Final = "#545b64"
STAGE_COLORS: Final = dict(
    zip(STAGES, ("#12a5a5", "#1166bb", "#6b5fc7", "#b35fc0", "#5f4b3a"), strict=True)
)
DATASET_COLORS: Final = (
    *("#1166bb", "#8c4fc4", "#12a5a5", "#8a5a44", "#db5fa8", "#a3a11f"),
    *("#2b3a9c", "#0b6b5d", "#b59a86", "#74b3ea", "#c9a0e8", "#4f6272"),
)
"""One for each dataset of a graph."""

COLUMNS: Final = 24
"""Width of the grid that CloudWatch lays widgets out on."""
PERIOD_MINUTES: Final = 15
"""Period of the graphs: a day of them shows its course, not single files."""
A_QUARTER: Final = f"in {PERIOD_MINUTES} minutes"


def graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    unit: str,
    width: int,
    height: int = 6,
    stacked: bool = False,
    limit: tuple[float, str] | None = None,
    start: str | None = None,
) -> cloudwatch.GraphWidget:
    """Lines over time, from zero up.

    Parameters
    ----------
    limit
        Value and words of a line across.
    start
        Beginning of a time of its own, like `-P14D`; without it, the dashboard's.
    """
    return cloudwatch.GraphWidget(
        title=title,
        width=width,
        height=height,
        left=metrics,
        left_y_axis=cloudwatch.YAxisProps(min=0, label=unit, show_units=False),
        left_annotations=[_limit(*limit)] if limit else None,
        stacked=stacked,
        start=start,
    )


def numbers(
    title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int, over_range: bool
) -> cloudwatch.SingleValueWidget:
    """Figures side by side: over the whole time that is looked at, or the newest ones."""
    return cloudwatch.SingleValueWidget(
        title=title, width=width, height=4, metrics=metrics, set_period_to_time_range=over_range
    )


def share(
    title: str, metric: cloudwatch.IMetric, *, at_least: float, width: int
) -> cloudwatch.GaugeWidget:
    """Percentage over the whole time that is looked at; red below `at_least`."""
    return cloudwatch.GaugeWidget(
        title=title,
        width=width,
        height=4,
        metrics=[metric],
        set_period_to_time_range=True,
        left_y_axis=cloudwatch.YAxisProps(min=0, max=100),
        annotations=[
            cloudwatch.HorizontalAnnotation(
                value=at_least, color=RED, fill=cloudwatch.Shading.BELOW
            ),
            cloudwatch.HorizontalAnnotation(
                value=at_least, color=GREEN, fill=cloudwatch.Shading.ABOVE
            ),
        ],
    )


def heading(words: str) -> cloudwatch.TextWidget:
    """Title of the rows below it."""
    return cloudwatch.TextWidget(
        markdown=f"## {words}",
        width=COLUMNS,
        height=1,
        background=cloudwatch.TextWidgetBackground.TRANSPARENT,
    )


def computed(
    expression: str,
    metrics: Mapping[str, cloudwatch.IMetric],
    *,
    label: str,
    color: str,
    minutes: int = PERIOD_MINUTES,
) -> cloudwatch.MathExpression:
    """Metric math over metrics, by the ids that the expression calls them by."""
    return cloudwatch.MathExpression(
        expression=expression,
        using_metrics=dict(metrics),
        label=label,
        color=color,
        period=Duration.minutes(minutes),
    )


def total(
    name: str, metrics: Sequence[cloudwatch.IMetric], *, label: str, color: str
) -> cloudwatch.MathExpression:
    """Sum of metrics, whose ids within the widget start with `name`; nothing counts as 0."""
    ids = {f"{name}_{number}": metric for number, metric in enumerate(metrics)}
    return computed(f"FILL(SUM([{', '.join(ids)}]), 0)", ids, label=label, color=color)


def drawn(metric: cloudwatch.Metric, *, label: str, color: str) -> cloudwatch.Metric:
    """Metric as a line of its own."""
    return metric.with_(label=label, color=color)


def _limit(value: float, words: str) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(value=value, label=words, color=LIMIT)
