"""What somebody asked the console to do, done in the background and told while it goes on.

An action lives in the console's process. If that ends in the middle, nothing is lost: executions
that were started go on, and messages that were held come back by themselves (`cli/queues.py`).
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import uuid4

from cli import trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.outcome import RunResult

KEPT: Final = 200
"""So many actions are remembered; of those that have ended, the oldest go first."""


@dataclass(frozen=True)
class Outcome:
    """What became of one thing that an action is about, so far.

    `kind` is the mark of the badge `status` (see macros.html), `words` say what happened and what
    to do next; `letter` is the id of the entry, where it is about one.
    """

    label: str
    kind: str
    status: str
    words: str
    letter: str | None = None
    execution: str | None = None
    result: RunResult | None = None


class Action(ABC):
    """One thing that somebody asked for, about some names.

    Actions of the same `about` never work on the same name at the same time.
    """

    about: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, names: Sequence[str]) -> None:
        self.id = uuid4().hex
        self.names = tuple(names)
        self.began_at = datetime.now(UTC)
        self.has_ended = False
        self.trouble: str | None = None

    @abstractmethod
    def work(self) -> None:
        """Do it; may take an hour."""

    @abstractmethod
    def outcomes(self) -> list[Outcome]:
        """Return what became of each name so far; asked from other threads than `work`'s."""

    def run(self) -> None:
        """Work, and keep whatever ends the work early, in words."""
        try:
            self.work()
        except Exception as error:
            self.trouble = trouble.line(error) or f"{type(error).__name__}: {error}"
            if trouble.line(error) is None:
                logging.getLogger(__name__).exception("%s has failed", type(self).__name__)
        finally:
            self.has_ended = True


class Actions:
    """All actions of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._actions: dict[str, Action] = {}

    def start(self, action: Action) -> Action:
        """Start an action; return the one that is at all of its names already, if there is one.

        Names that another action works on are left to that.
        """
        with self._lock:
            busy = {name: other for other in self._running(action.about) for name in other.names}
            others = [busy[name] for name in action.names if name in busy]
            action.names = tuple(name for name in action.names if name not in busy)
            if others and not action.names:
                return others[0]
            self._actions[action.id] = action
            self._prune()
        Thread(target=action.run, name=f"action-{action.id}", daemon=True).start()
        return action

    def get(self, action_id: str) -> Action | None:
        """Return an action by its id."""
        with self._lock:
            return self._actions.get(action_id)

    def latest_about(self, about: str, name: str) -> Action | None:
        """Return the last action that was asked for about a name."""
        with self._lock:
            found = (a for a in self._actions.values() if a.about == about and name in a.names)
            return max(found, key=lambda action: action.began_at, default=None)

    def running(self, about: str) -> list[Action]:
        """Return the actions that have not ended."""
        with self._lock:
            return self._running(about)

    def _running(self, about: str) -> list[Action]:
        return [a for a in self._actions.values() if a.about == about and not a.has_ended]

    def _prune(self) -> None:
        ended = [action.id for action in self._actions.values() if action.has_ended]
        for action_id in ended[: max(0, len(self._actions) - KEPT)]:
            del self._actions[action_id]
