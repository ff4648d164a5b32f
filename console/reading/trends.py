"""How the runs of a dataset have gone, as small charts: the geometry; templates draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.figures import count, duration, local_time
from pipeline.constants import OUTCOMES_WITHOUT_WORK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.reading.executions import Listed

SHOWN_RUNS: Final = 50
"""Runs of a trend."""
SLOT: Final = 10
"""Width of a run in a chart; the bar leaves some of it free."""
LEAST_SHARE: Final = 0.01
"""Of rejected rows, for a bar of full height: one row of thousands must not look like an alarm."""
_LEAST: Final = 1.5
"""Height of the smallest bar: that a run was there can be seen."""


@dataclass(frozen=True)
class Bar:
    """One run: where its bar stands, how high it is, and what is said of it.

    `kind` is good, notice, bad (it failed) or idle (nothing to measure).
    """

    x: float
    y: float
    height: float
    kind: str
    text: str


@dataclass(frozen=True)
class Chart:
    """Bars, the latest on the right, in a box of `width` and `height`; `text` sums them up."""

    title: str
    text: str
    bars: tuple[Bar, ...]
    width: int
    height: int


def trend_of(runs: Sequence[Listed]) -> list[Listed]:
    """Return the runs that a trend is made of, the oldest first; `runs` have the latest first."""
    ended = [run for run in runs if not run.is_running and run.status not in OUTCOMES_WITHOUT_WORK]
    return ended[:SHOWN_RUNS][::-1]


def rejected_share(run: Listed) -> float | None:
    """Rejected rows over those read, 0 to 1; None where none were read."""
    read = run.rows.get("read") or 0
    return (run.rows.get("rejected") or 0) / read if read else None


def percent(share: float | None) -> str:
    """`0 %`, `0.04 %`, `12 %`; what is small is not rounded to none."""
    if share is None:
        return "–"
    if share and share < 0.0001:  # noqa: PLR2004 - 0.01 %
        return "< 0.01 %"
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"  # noqa: PLR2004


def rejects_chart(runs: Sequence[Listed], *, slots: int = SHOWN_RUNS, height: int = 56) -> Chart:
    """Return the shares of rejected rows of runs, the oldest first."""

    def said(run: Listed) -> str:
        share = rejected_share(run)
        if share is None:
            return "no rows read"
        rejected, read = count(run.rows.get("rejected")), count(run.rows.get("read"))
        return f"{percent(share)} rejected ({rejected} of {read} rows)"

    shown = runs[-slots:]
    shares = [share for run in shown if (share := rejected_share(run)) is not None]
    text = "No rows have been read yet."
    if shares:
        text = f"Highest {percent(max(shares))}, latest {percent(shares[-1])}."
    bars = _bars(shown, rejected_share, said, slots, height, least=LEAST_SHARE)
    return Chart("Share of rejected rows", text + _failures(shown), bars, slots * SLOT, height)


def duration_chart(runs: Sequence[Listed], *, height: int = 56) -> Chart:
    """Return how long runs took, the oldest first."""
    shown = runs[-SHOWN_RUNS:]
    taken = sorted(run.seconds for run in shown if run.seconds is not None)
    text = "No run has ended yet."
    if taken:
        middle = taken[len(taken) // 2]
        text = f"Longest {duration(taken[-1])}, median {duration(middle)}."
    bars = _bars(
        shown, lambda run: run.seconds, lambda run: duration(run.seconds), SHOWN_RUNS, height
    )
    return Chart("Duration", text + _failures(shown), bars, SHOWN_RUNS * SLOT, height)


def _failures(runs: Sequence[Listed]) -> str:
    failed = sum(run.error is not None for run in runs)
    return f" {failed} of {len(runs)} failed." if failed else ""


def _bars(
    runs: Sequence[Listed],
    measured: Callable[[Listed], float | None],
    said: Callable[[Listed], str],
    slots: int,
    height: int,
    *,
    least: float = 0.0,
) -> tuple[Bar, ...]:
    """Bars as high as what is measured; the box is as high as the largest, or as `least`."""
    values = [measured(run) for run in runs]
    most = max([least, *(value for value in values if value is not None)])
    first = slots - len(runs)
    return tuple(
        _bar(run, value / most if value and most else 0.0, said(run), (first + at) * SLOT, height)
        for at, (run, value) in enumerate(zip(runs, values, strict=True))
    )


def _bar(run: Listed, part: float, said: str, x: float, height: int) -> Bar:
    tall = round(max(part * height, _LEAST), 1)
    kind = "notice" if run.rows.get("rejected") else "good"
    if run.error is not None:
        kind = "bad"
    outcome = run.error or run.status.replace("_", " ").capitalize()
    text = f"{local_time(run.started)}: {said}. {outcome}"
    return Bar(x, round(height - tall, 1), tall, kind, text)
