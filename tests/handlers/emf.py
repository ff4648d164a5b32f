"""Lines of CloudWatch's embedded metric format, read as its specification says.

AWS, CloudWatch User Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Told(NamedTuple):
    """A value that CloudWatch takes out of a line, for one set of dimensions."""

    metric: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    value: float


def told(lines: Iterable[dict[str, Any]]) -> list[Told]:
    """All values of all lines that hold metrics."""
    return [found for line in lines if "_aws" in line for found in _told_by(line)]


def _told_by(line: dict[str, Any]) -> Iterable[Told]:
    assert line["_aws"]["Timestamp"] > 0
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "LambdaPipelines"
        for names in directive["Dimensions"]:
            dimensions = tuple((name, line[name]) for name in names)
            assert all(isinstance(value, str) and value for _, value in dimensions)
            for metric in directive["Metrics"]:
                (value,) = line[metric["Name"]]  # a list of values, of which we tell one
                yield Told(metric["Name"], metric["Unit"], dimensions, value)


def values(lines: Iterable[dict[str, Any]], **dimensions: str) -> dict[str, list[float]]:
    """Values by metric, of exactly these dimensions."""
    found: dict[str, list[float]] = {}
    for one in told(lines):
        if dict(one.dimensions) == dimensions:
            found.setdefault(one.metric, []).append(one.value)
    return found
