"""What lies in the queues of failures, read as seldom as can be: reading hides it from others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final

from cli.held import failure_queues, held_entries
from cli.queues import message_counts

if TYPE_CHECKING:
    from cli.entries import Entry
    from cli.target import Target

LEAST_SECONDS: Final = 3.0
"""What was read is shown for so long without asking again."""
ELSEWHERE_SECONDS: Final = 15.0
"""After so long it is looked whether what another command held has come back."""
MOST_SECONDS: Final = 300.0
"""As long as the queues' sizes stay the same, what was read is shown for so long."""


@dataclass(frozen=True)
class Lying:
    """What lay in the queues when they were read, the latest failure first.

    `elsewhere` is about how many more messages another reader had; `sizes` are the numbers of
    messages by queue, hidden ones included.
    """

    entries: tuple[Entry, ...]
    elsewhere: int
    sizes: dict[str, int]
    read_at: datetime
    stamp: float

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return time.monotonic() - self.stamp


class LetterBox:
    """The console's one reader of the queues; `lock` is to be held by whoever else reads them."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._target: Target | None = None
        self._lying: Lying | None = None

    def current(self, target: Target) -> Lying:
        """Return what lies there; the queues are only read if they may have changed."""
        with self.lock:
            lying = self._lying if self._target is target else None
            if lying is not None and lying.seconds < LEAST_SECONDS:
                return lying
            sizes = {url: _size(target, url) for url in failure_queues(target)}
            if lying is None or _is_due(lying, sizes):
                lying = _read(target, sizes)
            self._target, self._lying = target, lying
            return lying

    def forget(self) -> None:
        """Have the queues read when somebody asks next: we have changed what lies there."""
        with self.lock:
            self._lying = None


def _is_due(lying: Lying, sizes: dict[str, int]) -> bool:
    aged = lying.seconds > (ELSEWHERE_SECONDS if lying.elsewhere else MOST_SECONDS)
    return aged or lying.sizes != sizes


def _read(target: Target, sizes: dict[str, int]) -> Lying:
    """Take everything out of the queues that are not empty, and give it back at once."""
    full = [url for url, size in sizes.items() if size]
    with held_entries(target, full) as (held, entries):
        elsewhere = held.elsewhere
    return Lying(tuple(entries), elsewhere, sizes, datetime.now(UTC), time.monotonic())


def _size(target: Target, queue_url: str) -> int:
    return sum(message_counts(target.cloud.sqs(), queue_url))
