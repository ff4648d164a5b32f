"""Charts of a dataset's runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.reading.listed import Listed
from console.reading.trends import (
    SLOT,
    duration_chart,
    percent,
    rejected_share,
    rejects_chart,
    trend_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(read: int = 100, rejected: int = 0, seconds: float | None = 1, **changes: Any) -> Listed:
    told = {"status": "SUCCEEDED", "error": None} | changes
    return Listed(
        name="x",
        dataset="d",
        bucket="b",
        key="k",
        started=NOON,
        stopped=None if seconds is None else NOON + timedelta(seconds=seconds),
        rows={"read": read, "rejected": rejected},
        **told,
    )


def test_the_largest_share_is_as_high_as_the_chart_and_others_in_proportion() -> None:
    chart = rejects_chart([run(rejected=10), run(rejected=40)], slots=10, height=80)
    low, high = chart.bars
    assert (high.height, high.y) == (80, 0)
    assert (low.height, low.y) == (20, 60)
    assert chart.text == "Highest 40 %, latest 40 %."


def test_one_row_of_thousands_does_not_look_like_an_alarm() -> None:
    (bar,) = rejects_chart([run(rejected=5, read=1000)], height=80).bars
    assert bar.height == 40  # half of 1 %, which is the least that fills the box


def test_the_latest_run_stands_at_the_right_edge() -> None:
    chart = rejects_chart([run(), run()], slots=10)
    assert [bar.x for bar in chart.bars] == [8 * SLOT, 9 * SLOT]
    assert chart.width == 10 * SLOT


def test_a_run_without_rejects_can_be_seen() -> None:
    (bar,) = rejects_chart([run()]).bars
    assert bar.height > 0
    assert bar.kind == "good"


def test_a_failed_run_is_marked_and_named() -> None:
    broke = run(0, status="FAILED", error="ParseError")
    (bar,) = rejects_chart([broke]).bars
    assert bar.kind == "bad"
    assert "no rows read. ParseError" in bar.text
    assert "1 of 2 failed" in duration_chart([run(), broke]).text


def test_durations_tell_the_longest_and_the_median() -> None:
    chart = duration_chart([run(seconds=5), run(seconds=90), run(seconds=10)])
    assert chart.text == "Longest 1 min 30 s, median 10.0 s."
    assert [bar.height for bar in chart.bars] == [3.1, 56, 6.2]  # 56 * 5/90, 56, 56 * 10/90


def test_a_trend_has_the_last_fifty_runs_that_did_work_the_oldest_first() -> None:
    runs = [
        run(seconds=None, status="RUNNING"),
        run(0, status="ALREADY_PROCESSED"),
        *(run(read=n) for n in range(1, 61)),
    ]
    assert [one.rows["read"] for one in trend_of(runs)] == list(range(50, 0, -1))


def test_nothing_to_draw_says_so() -> None:
    assert rejects_chart([]).text == "No rows have been read yet."
    assert duration_chart([]).bars == ()


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "–"),
        (0, "0 %"),
        (1, "100 %"),
        (0.00001, "< 0.01 %"),
        (0.0004, "0.04 %"),
        (0.025, "2.5 %"),
        (0.456, "46 %"),
    ],
)
def test_small_shares_are_not_rounded_to_none(share: float | None, said: str) -> None:
    assert percent(share) == said


@given(st.lists(st.tuples(st.integers(0, 10**12), st.floats(0, 1), st.floats(0, 1e6)), max_size=80))
def test_every_bar_stays_in_its_box(measured: list[tuple[int, float, float]]) -> None:
    runs = [run(read, int(read * part), seconds) for read, part, seconds in measured]
    for chart in (rejects_chart(runs), duration_chart(runs)):
        assert len(chart.bars) == min(len(runs), 50)
        for bar in chart.bars:
            assert 0 <= bar.x <= chart.width - SLOT
            assert 0 < bar.height <= chart.height
            assert bar.y + bar.height == pytest.approx(chart.height, abs=0.11)


def test_a_share_of_no_rows_is_none() -> None:
    assert rejected_share(run(0)) is None
    assert rejected_share(run(200, 50)) == 0.25
