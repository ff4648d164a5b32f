"""The state that each alarm of the stack would be in at a moment of the simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.infra.alarm_states import Measured, states

if TYPE_CHECKING:
    from tests.dashboard.samples import Samples
    from tests.infra.metric_math import Series

_MINUTE = 60
_BEFORE = 30
"""Minutes that an alarm is looked at before: one that has no news stays as it was."""


class _Sampled(Measured):
    """Samples as the evaluator of alarms asks for them."""

    def __init__(self, samples: Samples) -> None:
        super().__init__()
        self._samples = samples

    def series(self, stat: dict[str, Any], now: int, periods: int) -> Series:
        """Values of a metric in the last periods before the minute `now`."""
        metric, period = stat["Metric"], stat["Period"]
        dimensions = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
        return self._samples.series(
            (metric["Namespace"], metric["MetricName"], dimensions),
            stat["Stat"],
            start=now * _MINUTE - periods * period,
            end=now * _MINUTE,
            period=period,
        )


def state_of(alarm: dict[str, Any], samples: Samples, *, end: float) -> str:
    """State of an alarm, from the properties that CloudFormation creates it by."""
    minute = int(end // _MINUTE)
    return states(alarm, _Sampled(samples), range(minute - _BEFORE, minute + 1, 5))[-1]
