"""Keys of 128 bits in sorted runs, told apart from new ones; long runs take 8 bytes a key.

Keys are random, so the first bits of each in a long run are known by its position: 18 of them are
kept once for all keys that begin with them, and the next 64 of each key. Of keys that may differ
in the rest, two of 10^7 are taken for one with a chance of 1 in 10^11; of 10^9, 8 GB of keys, 1 in
10^7. Two runs become one part by part, and give back what they had: their memory is needed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.key_filter import KeyFilter
from pipeline.runs import Mask, Numbers, Runs, Words

if TYPE_CHECKING:
    from pipeline.row_hashes import Hashes

_LONG: Final = 2**20
"""Keys from which on a run is packed."""
_PREFIX: Final = np.uint64(18)
_REST: Final = np.uint64(64) - _PREFIX
_PREFIXES: Final = 2 ** int(_PREFIX)
_PART: Final = _PREFIXES // 64
"""Prefixes whose keys are merged at once."""
_MOST_YOUNG: Final = 24
"""Runs of one batch that are kept as they are."""


class KeyRuns:
    """Keys of all batches so far.

    A batch's keys are a run of their own until there are many, which are merged at once: few keys
    pass the filter, so that searching in many runs costs less than merging them sooner.
    """

    def __init__(self) -> None:
        self._young: list[Hashes] = []
        self._runs: Runs[Hashes | PackedRun] = Runs(_merged, _length)
        self._filter: KeyFilter | None = None

    def __len__(self) -> int:
        """Return how many runs there are."""
        return len(self._runs) + len(self._young)

    def add(self, high: Words, low: Words) -> None:
        """Remember keys that were not there, in their order (`key_order`)."""
        if self._filter is not None:
            self._filter.add(high)
        self._young.append((high, low))
        if len(self._young) == _MOST_YOUNG or sum(map(_length, self._young)) >= _LONG:
            self._runs.add(_joined(self._young))
            self._young = []

    def contained(self, high: Words, low: Words) -> Mask:
        """Return which keys were added before."""
        known = np.zeros(len(high), dtype=np.bool_)
        runs = [*self._runs, *self._young]
        if not runs:  # a file of one batch needs no filter
            return known
        if self._filter is None:
            self._filter = _filter_of(runs)
        at = np.flatnonzero(self._filter.may_have(high))
        high, low = high[at], low[at]
        for run in runs:
            known[at] |= _contained(run, high, low)
        return known


def _filter_of(runs: list[Hashes | PackedRun]) -> KeyFilter:
    begun = KeyFilter()
    for run in runs:
        begun.add(run.first_words() if isinstance(run, PackedRun) else run[0])
    return begun


@dataclass
class PackedRun:
    """A long run: the keys of a prefix are those from `begins` on, each without its prefix."""

    begins: Numbers
    rest: Words

    @classmethod
    def of(cls, high: Words, low: Words) -> PackedRun:
        """Return a run of keys in their order."""
        prefixes = (high >> _REST).view(np.int64)
        begins = np.zeros(_PREFIXES + 1, dtype=np.int64)
        np.cumsum(np.bincount(prefixes, minlength=_PREFIXES), out=begins[1:])
        return cls(begins, _packed(high, low))

    def first_words(self, first: int = 0, last: int = _PREFIXES) -> Words:
        """Return the first word of each key of some prefixes, ascending."""
        begins = self.begins[first : last + 1]
        prefixes = np.repeat(np.arange(first, last, dtype=np.uint64), np.diff(begins))
        return (prefixes << _REST) | (self.rest[begins[0] : begins[-1]] >> _PREFIX)

    def contains(self, high: Words, low: Words) -> Mask:
        """Return which keys are in the run."""
        prefixes, wanted = (high >> _REST).view(np.int64), _packed(high, low)
        at, end = self.begins[prefixes], self.begins[prefixes + 1]
        for _ in range(int((end - at).max(initial=0)).bit_length()):
            middle = np.minimum((at + end) // 2, len(self.rest) - 1)
            before = (self.rest[middle] < wanted) & (at < end)
            at, end = np.where(before, middle + 1, at), np.where(before, end, middle)
        found: Mask = self.rest[np.minimum(at, len(self.rest) - 1)] == wanted
        return found & (at < self.begins[prefixes + 1])

    def without(self, first: int) -> None:
        """Forget the keys from a prefix on, and give their memory back."""
        self.rest.resize(self.begins[first], refcheck=False)


def key_order(high: Words, low: Words) -> Numbers:
    """Return the order of keys by both words, equal ones in the order that they stand in."""
    # NumPy sorts 16 bits by their digits: the rest is then nearly in order, for less than half.
    rough = np.argsort((high >> np.uint64(48)).astype(np.uint16), kind="stable")
    order: Numbers = rough[_parts_order(high[rough], low[rough])]
    return order


def _parts_order(high: Words, low: Words) -> Numbers:
    """The same where most keys stand in order already, or several ordered parts do."""
    order = np.argsort(high, kind="stable")
    ordered = high[order]
    equal = ordered[1:] == ordered[:-1]
    if equal.any():
        tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        at = order[tied]
        order[tied] = at[np.lexsort((low[at], high[at]))]
    return order


def _packed(high: Words, low: Words) -> Words:
    """The 64 bits behind the prefix."""
    return (high << _PREFIX) | (low >> _REST)


def _contained(run: Hashes | PackedRun, high: Words, low: Words) -> Mask:
    if isinstance(run, PackedRun):
        return run.contains(high, low)
    at = np.searchsorted(run[0], high)
    found = np.zeros(len(high), dtype=np.bool_)
    left = np.flatnonzero(at < len(run[0]))
    while len(left):  # once, but where different keys have the same first word
        left = left[run[0][at[left]] == high[left]]
        found[left] = run[1][at[left]] == low[left]
        at[left] += 1
        left = left[~found[left] & (at[left] < len(run[0]))]
    return found


def _length(run: Hashes | PackedRun) -> int:
    return len(run.rest if isinstance(run, PackedRun) else run[0])


def _merged(left: Hashes | PackedRun, right: Hashes | PackedRun) -> Hashes | PackedRun:
    if isinstance(left, PackedRun) or isinstance(right, PackedRun):
        return _merged_long(*map(_long, (left, right)))
    return _joined([left, right])


def _joined(runs: list[Hashes]) -> Hashes | PackedRun:
    """The keys of several short runs as one, a packed one if it is long."""
    high, low = (np.concatenate(words) for words in zip(*runs, strict=True))
    order = _parts_order(high, low)
    high, low = high[order], low[order]
    return (high, low) if len(high) < _LONG else PackedRun.of(high, low)


def _long(run: Hashes | PackedRun) -> PackedRun:
    return run if isinstance(run, PackedRun) else PackedRun.of(*run)


def _merged_long(left: PackedRun, right: PackedRun) -> PackedRun:
    """The keys of both runs, which have none then."""
    runs, begins = (left, right), left.begins + right.begins
    rest = np.empty(begins[-1], dtype=np.uint64)
    for first in range(_PREFIXES - _PART, -1, -_PART):  # from behind: that end can be given back
        last = first + _PART
        high = np.concatenate([run.first_words(first, last) for run in runs])
        behind = np.concatenate([run.rest[run.begins[first] : run.begins[last]] for run in runs])
        rest[begins[first] : begins[last]] = behind[_parts_order(high, behind)]
        for run in runs:
            run.without(first)
    return PackedRun(begins, rest)
