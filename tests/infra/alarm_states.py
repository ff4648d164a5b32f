"""What CloudWatch would make of the template's alarms, for engines that evaluate few of them.

Rules: "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" in the Amazon
CloudWatch User Guide. Time is counted in whole minutes from 0; an alarm is looked at once a minute,
at its periods that end there.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.infra.metric_math import evaluate
from tests.infra.synthesis import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.infra.metric_math import Series

BREACHING: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
EXTRA_PERIODS = 2
"""Periods that CloudWatch asks for beyond the alarm's own: two in the guide's example."""


class Measured:
    """Values of metrics by minute; `about` is the logical id, or ids, of the dimensions' values."""

    def __init__(self) -> None:
        self._values: dict[str, dict[int, list[float]]] = defaultdict(dict)

    def tell(self, metric: str, about: str, minutes: Iterable[int], value: float = 1) -> None:
        """Add a value in each of these minutes; a metric is `<namespace> <name>`."""
        for minute in minutes:
            self._values[f"{metric} {about}"].setdefault(minute, []).append(value)

    def series(self, stat: dict[str, Any], now: int, periods: int) -> Series:
        """Values of a metric in the last periods before `now`."""
        metric, minutes = stat["Metric"], stat["Period"] // 60
        about = " ".join(_plain(text(one["Value"])) for one in metric["Dimensions"])
        told = self._values.get(f"{metric['Namespace']} {metric['MetricName']} {about}", {})
        starts = (now - minutes * (periods - at) for at in range(periods))
        return [
            _statistic(
                stat["Stat"], [one for at in range(s, s + minutes) for one in told.get(at, [])]
            )
            for s in starts
        ]


def _plain(value: str) -> str:
    """Logical id without the hash that the CDK adds; other values stay as they are."""
    return re.sub(r"^<(.+?)([0-9A-F]{8}(\..+)?)?>$", r"\1", value)


def _statistic(name: str, values: list[float]) -> float | None:
    if not values:
        return None
    if name.startswith("p"):
        return sorted(values)[math.ceil(len(values) * float(name[1:]) / 100) - 1]
    return {"Sum": sum, "Maximum": max, "Minimum": min}[name](values)


def states(
    alarm: dict[str, Any], measured: Measured, minutes: Iterable[int], extra: int = EXTRA_PERIODS
) -> list[str]:
    """States of an alarm at these minutes, from its properties in the template."""
    state, found = UNKNOWN, []
    for now in minutes:
        state = judged(alarm, _points(alarm, measured, now, extra), state)
        found.append(state)
    return found


def judged(alarm: dict[str, Any], points: Series, state: str) -> str:
    """State after these points, of which there are more than the alarm's periods.

    Points that are missing are filled in only where the others are too few for the periods.
    """
    wanted = alarm["EvaluationPeriods"]
    known = [one for one in points if one is not None][-wanted:]
    breaching = BREACHING[alarm["ComparisonOperator"]]
    bad = sum(breaching(one, alarm["Threshold"]) for one in known)
    if bad == wanted:
        return ALARM
    if bad == len(known) and alarm["TreatMissingData"] == "ignore":
        return state
    return OK


def _points(alarm: dict[str, Any], measured: Measured, now: int, extra: int) -> Series:
    """Values that the alarm compares, the latest last."""
    periods = alarm["EvaluationPeriods"] + extra
    if "Metrics" not in alarm:
        stat = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return measured.series(
            {"Metric": alarm, "Period": alarm["Period"], "Stat": stat}, now, periods
        )
    queries = {query["Id"]: query for query in alarm["Metrics"]}
    series = {
        name: measured.series(query["MetricStat"], now, periods)
        for name, query in queries.items()
        if "MetricStat" in query
    }
    expressions = [query for query in queries.values() if "Expression" in query]
    for query in sorted(expressions, key=lambda query: query.get("ReturnData", True)):
        series[query["Id"]] = evaluate(query["Expression"], series)
    (watched,) = (query["Id"] for query in expressions if query.get("ReturnData", True))
    return series[watched]
