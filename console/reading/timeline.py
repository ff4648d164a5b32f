"""The timeline: a line for each state that took its time, with its attempts and pauses as bars."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from cli.history import StateRun

SHOWN: Final = 200
"""Most lines of a timeline."""
LEAST_SHARE: Final = 0.005
"""States that took less of the whole time, and failed at nothing, have no line."""
TICKS: Final = 5


@dataclass(frozen=True)
class Bar:
    """From where to where, in percent of the whole time; `kind` is how it is drawn."""

    kind: str
    start: float
    width: float
    title: str


@dataclass(frozen=True)
class Line:
    """One visit of a state."""

    name: str
    status: str
    seconds: float
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Timeline:
    """Lines in the order in which the states began; `left_out` states have none.

    `ticks` are places on the axis, in percent, and the seconds that they stand for.
    """

    lines: Sequence[Line]
    left_out: int
    ticks: Sequence[tuple[float, str]]


def timeline(states: Sequence[StateRun], began: datetime, until: datetime) -> Timeline:
    """Return the timeline of an execution that began, and ended or has come so far."""
    whole = max((until - began).total_seconds(), 0.001)
    worth = [state for state in states if _is_worth_a_line(state, whole, until)]
    lines = [
        Line(
            name=state.name,
            status=state.status,
            seconds=state.seconds(until),
            bars=list(_bars(state, began, until, whole)),
        )
        for state in worth[:SHOWN]
    ]
    return Timeline(lines, len(states) - len(lines), _ticks(whole))


def _is_worth_a_line(state: StateRun, whole: float, until: datetime) -> bool:
    erred = any(attempt.error for attempt in state.attempts)
    long_enough = state.seconds(until) >= LEAST_SHARE * whole
    return bool(erred or state.stage or long_enough)


def _bars(state: StateRun, began: datetime, until: datetime, whole: float) -> Iterator[Bar]:
    """Time in the state, and over it its attempts and the pauses between them."""

    def bar(kind: str, since: datetime, to: datetime, words: str) -> Bar:
        start = min(100.0, max(0.0, 100 * (since - began).total_seconds() / whole))
        seconds = max(0.0, (to - since).total_seconds())
        width = min(100.0 - start, 100 * seconds / whole)
        return Bar(kind, round(start, 3), round(width, 3), f"{words}, {seconds:.2f} s")

    yield bar("waiting", state.entered, state.exited or until, state.name)
    for number, attempt in enumerate(state.attempts, start=1):
        kind = "failed" if attempt.error else ("succeeded" if attempt.ended else "running")
        words = f"{state.name}, attempt {number} {attempt.error or kind}"
        yield bar(kind, attempt.started, attempt.ended or state.exited or until, words)
    for before, after in pairwise(state.attempts):
        yield bar("pause", before.ended or before.started, after.started, "Pause before a retry")
    if state.status == "retrying" and state.attempts[-1].ended:
        yield bar("pause", state.attempts[-1].ended, until, "Pause before a retry")


def _ticks(whole: float) -> list[tuple[float, str]]:
    """Places at round numbers of seconds, some five of them."""
    rough = whole / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    digits = max(0, -floor(log10(step)))
    count = floor(whole / step * (1 + 1e-9))
    return [
        (round(100 * n * step / whole, 3), f"{n * step:.{digits}f} s") for n in range(count + 1)
    ]
