"""Metric data as CloudWatch keeps and summarises it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.infra.metric_math import Series

Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions of a metric."""

STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "Sum": np.sum,
    "Average": np.mean,
    "Minimum": np.min,
    "Maximum": np.max,
    "SampleCount": np.size,
}


class Samples:
    """Values that were put, by metric, with their times in seconds."""

    def __init__(self) -> None:
        self._values: defaultdict[Key, list[tuple[float, float]]] = defaultdict(list)

    def put(
        self, namespace: str, name: str, dimensions: Mapping[str, str], at: float, value: float
    ) -> None:
        """Add a value."""
        self._values[namespace, name, frozenset(dimensions.items())].append((at, value))

    @property
    def keys(self) -> set[Key]:
        """Metrics that have values."""
        return set(self._values)

    def series(
        self,
        key: Key,
        statistic: str,
        *,
        start: float,
        end: float,
        period: float,
    ) -> Series:
        """Statistic of each period from `start` on, None where there is no value."""
        found = np.array(self._values.get(key, []), dtype=float).reshape(-1, 2)
        periods = round((end - start) / period)
        places = np.floor((found[:, 0] - start) / period).astype(int)
        summarise = _statistic(statistic)
        return [
            float(summarise(found[places == at, 1])) if (places == at).any() else None
            for at in range(periods)
        ]


def _statistic(name: str) -> Callable[[np.ndarray], float]:
    """Function of a statistic: `Sum`, or a percentile like `p95`."""
    if name in STATISTICS:
        return STATISTICS[name]
    if not name.startswith("p"):
        raise ValueError(f"{name!r} is no statistic that is known here")
    percent = float(name[1:])
    return lambda values: float(np.percentile(values, percent))
