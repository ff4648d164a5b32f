"""The dashboard's rows by dataset: what each reads, writes, loses, waits for and costs.

CloudWatch draws at most 500 metrics in a widget and 2,500 in a dashboard, those that only an
expression uses included ("CloudWatch service quotas"). A dataset takes 11 of them here: five that
are of its runs, and a sum over its five stages. And it takes 2.4 kB of the template, in which
CloudFormation takes 1 MB and every dataset has its tables, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.dashboard.widgets import (
    A_QUARTER,
    COLUMNS,
    DATASET_COLORS,
    LIMIT,
    PERIOD_MINUTES,
    drawn,
    graph,
    heading,
    total,
)
from infra.metrics import of_dataset, of_stage
from pipeline import metrics as names
from pipeline.constants import STAGES
from pipeline.metrics import MetricsDetail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch

    from pipeline.metrics import MetricName

DATASETS_SHOWN: Final = 144
"""More than these have no lines of their own; the figures of the whole stack count them all."""


def dataset_rows(datasets: Sequence[str], detail: MetricsDetail) -> list[list[cloudwatch.IWidget]]:
    """Two rows of graphs for as many datasets as there are colours, under a heading."""
    if not datasets:
        return []
    shown, size = datasets[:DATASETS_SHOWN], len(DATASET_COLORS)
    words = "What goes through, by dataset"
    if len(shown) < len(datasets):
        words += f" ({len(shown)} of {len(datasets)})"
    groups = [shown[first : first + size] for first in range(0, len(shown), size)]
    graphs = [row for group in groups for row in _graphs(group, detail)]
    return [[heading(words)], *graphs]


def _graphs(datasets: Sequence[str], detail: MetricsDetail) -> list[list[cloudwatch.IWidget]]:
    return [
        _counts(datasets, detail),
        [
            graph(
                "From upload to commit, 95th percentile",
                _lines(names.UPLOAD_TO_COMMIT, datasets, statistic="p95"),
                unit="seconds",
                width=12,
            ),
            graph(
                "Estimated cost an hour",
                _lines(names.ESTIMATED_COST, datasets, minutes=60),
                unit="US dollars",
                width=12,
                stacked=True,
            ),
        ],
    ]


def _counts(datasets: Sequence[str], detail: MetricsDetail) -> list[cloudwatch.IWidget]:
    """Rows, and failures where there are metrics by stage: a failed run tells none of its own."""
    by_stage = detail is MetricsDetail.STAGES
    rows = {
        "Rows read": names.ROWS_READ,
        "Rows written": names.ROWS_WRITTEN,
        "Rows rejected": names.ROWS_REJECTED,
    }
    width = COLUMNS // (len(rows) + by_stage)
    graphs: list[cloudwatch.IWidget] = [
        graph(title, _lines(metric, datasets), unit=f"rows {A_QUARTER}", width=width)
        for title, metric in rows.items()
    ]
    if by_stage:
        failures = graph(
            "Whose files fail? Attempts of a stage",
            _totals(names.STAGE_ERRORS, [*datasets, names.UNKNOWN_DATASET]),
            unit=f"attempts {A_QUARTER}",
            width=width,
        )
        graphs.append(failures)
    return graphs


def _lines(
    metric: MetricName,
    datasets: Sequence[str],
    *,
    statistic: str = "Sum",
    minutes: int = PERIOD_MINUTES,
) -> list[cloudwatch.IMetric]:
    """Metric of each dataset's runs."""
    return [
        drawn(
            of_dataset(metric, dataset, statistic=statistic, minutes=minutes),
            label=dataset,
            color=color,
        )
        for dataset, color in zip(datasets, DATASET_COLORS, strict=False)
    ]


def _totals(metric: MetricName, datasets: Sequence[str]) -> list[cloudwatch.IMetric]:
    """Sum of a metric over each dataset's stages; one more than there are colours at most."""
    return [
        total(
            f"d{number}",  # a dataset's name may be longer than CloudWatch allows an id to be
            [of_stage(metric, dataset, stage, minutes=PERIOD_MINUTES) for stage in STAGES],
            label=dataset,
            color=color,
        )
        for number, (dataset, color) in enumerate(
            zip(datasets, [*DATASET_COLORS, LIMIT], strict=False)
        )
    ]
