"""Structured logs and lines of metrics, through AWS Lambda Powertools."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from pipeline.constants import METRICS_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.metrics import MetricName


@cache
def stage_logger(stage: str) -> Logger:
    """Return the process's logger of a stage."""
    return Logger(service=stage)


def print_metrics(
    figures: Mapping[MetricName, float],
    sets: Sequence[tuple[str, ...]],
    dimensions: Mapping[str, str],
    properties: Mapping[str, Any],
) -> None:
    """Print a line in CloudWatch's embedded metric format, which it reads off the log.

    Nothing is kept from line to line, so that none can tell of the invocation before.

    Parameters
    ----------
    figures
        Metrics that are all counted under `sets`, at least one; zeros of rare ones are left out.
    sets
        Names of dimensions. A set that asks for one that `dimensions` lacks is left out.
    dimensions
        Values by name.
    properties
        What else stands in the line, for whoever searches the log.
    """
    metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE)
    metrics.service = ""  # else Powertools adds a dimension `service` to the first set
    first, *others = _known_sets(sets, dimensions)
    for name, value in first.items():
        metrics.add_dimension(name, value)
    for other in others:
        metrics.add_dimensions(**other)
    for metric, figure in _worth_telling(figures).items():
        metrics.add_metric(metric.name, metric.unit, figure)
    taken = first.keys() | {name for other in others for name in other}
    for name, told in properties.items():
        if name not in taken:
            metrics.add_metadata(name, told)
    metrics.flush_metrics()


def print_figures(
    figures: Mapping[MetricName, float],
    dimensions: Mapping[str, str],
    properties: Mapping[str, Any],
) -> None:
    """Print the line of `print_metrics` without what makes metrics of it.

    The names and values are the same, so that the same query of the log finds both.
    """
    values = {metric.name: [float(figure)] for metric, figure in _worth_telling(figures).items()}
    print(json.dumps({**properties, **dimensions, **values}, separators=(",", ":")))


def _worth_telling(figures: Mapping[MetricName, float]) -> dict[MetricName, float]:
    """Figures without the zeros of rare ones."""
    return {metric: figure for metric, figure in figures.items() if figure or not metric.rare}


def _known_sets(
    sets: Sequence[tuple[str, ...]], dimensions: Mapping[str, str]
) -> list[dict[str, str]]:
    """Values of each set of dimensions that has them all."""
    known = (names for names in sets if all(name in dimensions for name in names))
    return [{name: dimensions[name] for name in names} for names in known]
