"""Metrics are summarised as CloudWatch does, by hand-made samples."""

from __future__ import annotations

import pytest

from tests.dashboard.lines import lines, seconds_of
from tests.dashboard.samples import Samples

FILES = ["N", "Files", "stack", "s"]


@pytest.fixture
def samples() -> Samples:
    """Six values in three periods of ten seconds, of which the second is empty."""
    samples = Samples()
    for at, value in ((0, 1), (3, 2), (9.9, 6), (20, 10), (21, 20), (29, 40)):
        samples.put("N", "Files", {"stack": "s"}, at, value)
    samples.put("N", "Files", {"stack": "another"}, 5, 1000)
    return samples


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", [9, None, 70]),
        ("Average", [3, None, 70 / 3]),
        ("Minimum", [1, None, 10]),
        ("Maximum", [6, None, 40]),
        ("SampleCount", [3, None, 3]),
        ("p50", [2, None, 20]),
    ],
)
def test_statistics_are_of_each_period(
    samples: Samples, statistic: str, expected: list[float | None]
) -> None:
    widget = {"properties": {"metrics": [[*FILES, {"stat": statistic, "period": 10}]]}}
    (line,) = lines(widget, samples, start=0, end=30)
    assert line.values == expected


def test_expressions_use_hidden_metrics(samples: Samples) -> None:
    rows = [
        [{"expression": "100 * FILL(few, 0) / all", "label": "share", "period": 10}],
        [*FILES, {"id": "few", "stat": "Minimum", "period": 10, "visible": False}],
        [*FILES, {"id": "all", "stat": "Sum", "period": 10, "visible": False}],
    ]
    (line,) = lines({"properties": {"metrics": rows}}, samples, start=0, end=30)
    assert line.label == "share"
    assert line.values == [100 / 9, None, 1000 / 70]  # 0 / nothing has no value


def test_a_figure_over_the_range_has_one_period(samples: Samples) -> None:
    properties = {"metrics": [[*FILES, {"stat": "Sum"}]], "setPeriodToTimeRange": True}
    (line,) = lines({"properties": properties}, samples, start=0, end=30)
    assert line.values == [79]


def test_a_widget_may_have_a_time_of_its_own(samples: Samples) -> None:
    properties = {"metrics": [[*FILES, {"stat": "Sum", "period": 3600}]], "start": "-PT2H"}
    (line,) = lines({"properties": properties}, samples, start=0, end=3600)
    assert (line.start, line.values) == (-3600, [None, 79])


def test_relative_times() -> None:
    assert seconds_of("-P14D") == 14 * 24 * 3600
    assert seconds_of("-P1DT6H") == 30 * 3600
    with pytest.raises(ValueError, match="no time"):
        seconds_of("yesterday")
