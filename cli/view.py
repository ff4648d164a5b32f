"""Shows executions while they run: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Group
from rich.live import Live

from cli.output import say, stderr
from cli.render import progress_table, shown, state_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cli.history import StateRun


class View(Protocol):
    """Something that is told, again and again, how far the executions are."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def update(self, progress: dict[str, Sequence[StateRun]], now: datetime) -> None:
        """Take in the states of every execution, by the label of its file."""


class LiveView:
    """One table per file, redrawn in place."""

    def __init__(self) -> None:
        self._live = Live(console=stderr(), refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, progress: dict[str, Sequence[StateRun]], now: datetime) -> None:
        """Redraw."""
        tables = [progress_table(label, states, now) for label, states in progress.items()]
        self._live.update(Group(*tables))


class LineView:
    """One line for each state that ended and for each attempt that failed."""

    def __init__(self) -> None:
        self._said: set[tuple[str, int, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, progress: dict[str, Sequence[StateRun]], now: datetime) -> None:
        """Write the lines that are new since the last call."""
        for label, states in progress.items():
            prefix = label if len(progress) > 1 else ""
            for position, state in enumerate(shown(states)):
                if state.status != "running":
                    self._say_once((label, position, _stamp(state)), prefix, state, now)

    def _say_once(
        self, key: tuple[str, int, str], prefix: str, state: StateRun, now: datetime
    ) -> None:
        if key not in self._said:
            self._said.add(key)
            say(state_line(prefix, state, now))


class NoView:
    """Shows nothing: whoever follows looks at the executions in another way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, progress: dict[str, Sequence[StateRun]], now: datetime) -> None:
        """Leave it at that."""


def chosen_view() -> View:
    """Return the view that fits where stderr leads."""
    return LiveView() if stderr().is_terminal else LineView()


def _stamp(state: StateRun) -> str:
    """Distinguishes what there is to say about a state: its status and its failed attempts."""
    return f"{state.status} {sum(1 for attempt in state.attempts if attempt.error)}"
