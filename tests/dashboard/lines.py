"""What a widget's metrics and expressions come to, over the time that it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.infra.metric_math import evaluate

if TYPE_CHECKING:
    from tests.dashboard.samples import Key, Samples
    from tests.infra.metric_math import Series

Widget = dict[str, Any]
_DEFAULT_PERIOD = 300
_DEFAULT_STATISTIC = "Average"
_DAY = 86_400
_HOUR = 3_600


@dataclass(frozen=True)
class Line:
    """A line of a graph, or a figure: one value for each period from `start` on."""

    label: str
    color: str
    start: float
    period: float
    values: Series

    @property
    def last(self) -> float | None:
        """The newest value, which a figure shows."""
        return next((value for value in reversed(self.values) if value is not None), None)


@dataclass(frozen=True)
class Entry:
    """A row of a widget's `metrics`: a metric, or an expression over others."""

    metric: tuple[str, ...]
    options: dict[str, Any]

    @property
    def key(self) -> Key:
        """The metric, as samples are kept under it."""
        dimensions = zip(self.metric[2::2], self.metric[3::2], strict=True)
        return self.metric[0], self.metric[1], frozenset(dimensions)


def entries(widget: Widget) -> list[Entry]:
    """Rows of a widget's `metrics`."""
    return [
        Entry(
            metric=tuple(part for part in row if isinstance(part, str)),
            options=next((part for part in row if isinstance(part, dict)), {}),
        )
        for row in widget["properties"].get("metrics", [])
    ]


def lines(widget: Widget, samples: Samples, *, start: float, end: float) -> list[Line]:
    """Visible lines of a widget, where the dashboard shows the time from `start` to `end`."""
    properties = widget["properties"]
    if "start" in properties:
        start = end - seconds_of(properties["start"])
    whole = bool(properties.get("setPeriodToTimeRange"))
    rows = entries(widget)
    by_id: dict[str, Series] = {}
    found: dict[int, Line] = {}
    # Expressions last: they use the metrics' values, wherever those stand.
    for at in sorted(range(len(rows)), key=lambda at: "expression" in rows[at].options):
        options = rows[at].options
        period = end - start if whole else float(options.get("period", _DEFAULT_PERIOD))
        if "expression" in options:
            values = evaluate(options["expression"], by_id)
        else:
            statistic = options.get("stat", _DEFAULT_STATISTIC)
            values = samples.series(rows[at].key, statistic, start=start, end=end, period=period)
        by_id[options.get("id", f"unnamed_{at}")] = values
        found[at] = Line(
            options.get("label", ""), options.get("color", "#333333"), start, period, values
        )
    return [found[at] for at, row in enumerate(rows) if row.options.get("visible", True)]


def seconds_of(duration: str) -> float:
    """Seconds of a relative time like `-P14D` or `-PT6H`."""
    match = re.fullmatch(r"-P(?:(\d+)D)?(?:T(\d+)H)?", duration)
    if match is None:
        raise ValueError(f"{duration!r} is no time that is known here")
    days, hours = (int(part or 0) for part in match.groups())
    return days * _DAY + hours * _HOUR
