"""Sorted runs that are merged as they grow, as in a log-structured merge tree.

What is kept per key of a file arrives batch by batch. Two runs become one where the later is not
much shorter than the one before, so that there are few of them, and each row is sorted again only
logarithmically often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Words = np.ndarray[Any, np.dtype[np.uint64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


Run = TypeVar("Run")


class Runs(Generic[Run]):
    """Runs of which `merged` makes one of two, in their order; `length` is that of one."""

    def __init__(self, merged: Callable[[Run, Run], Run], length: Callable[[Run], int]) -> None:
        self._merged = merged
        self._length = length
        self._runs: list[Run] = []

    def add(self, run: Run) -> None:
        """Append a run."""
        self._runs.append(run)
        while len(self._runs) > 1 and self._last(2) < 2 * self._last(1):
            self._join_last()

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        """Yield the runs as they are."""
        return iter(self._runs)

    def all(self) -> Run | None:
        """Return everything as one run; None if there was none."""
        while len(self._runs) > 1:
            self._join_last()
        return self._runs[0] if self._runs else None

    def _last(self, back: int) -> int:
        return self._length(self._runs[-back])

    def _join_last(self) -> None:
        last = self._runs.pop()
        self._runs[-1] = self._merged(self._runs[-1], last)


def starts(*ordered: Words) -> Mask:
    """Return where a new key begins, given the words of keys in their order."""
    new = np.ones(len(ordered[0]), dtype=np.bool_)
    if len(new):
        new[1:] = np.logical_or.reduce([words[1:] != words[:-1] for words in ordered])
    return new
