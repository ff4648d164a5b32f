"""Exact uniqueness over a stream of batches, in bounded memory per row.

A row's key is reduced to 128 bits (`row_hashes.py`). That two different keys of a file of 10^10
rows share all of them has a chance of about 1 in 10^19, so equal hashes are taken for equal keys.
Seen keys are kept in sorted runs that are merged as they grow (as in a log-structured merge tree).
In runs of more than a million keys 82 bits of each are kept, in 8 bytes: that of 10^7 rows one is
taken for the repetition of another has a chance of 1 in 10^11 (`key_runs.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.buffers import boolean_array, mask_of
from pipeline.key_runs import KeyRuns, key_order
from pipeline.row_hashes import row_hashes
from pipeline.runs import Mask, starts

if TYPE_CHECKING:
    import pyarrow as pa


class _Keys:
    """The keys of a batch's rows, or some: 128 bits each (`words`), also sorted (`ordered`)."""

    def __init__(self, columns: list[pa.Array], rows: Mask | None = None) -> None:
        high, low = row_hashes(columns)
        self.words = (high, low) if rows is None else (high[rows], low[rows])
        self.order = key_order(*self.words)
        self.ordered = self.words[0][self.order], self.words[1][self.order]

    def by_row(self, of_ordered: Mask) -> Mask:
        """Return a mask over the sorted keys as one over the rows."""
        mask = np.empty(len(of_ordered), dtype=np.bool_)
        mask[self.order] = of_ordered
        return mask


class SeenKeys:
    """The keys of all rows so far; tells the first occurrence of a key from later ones."""

    def __init__(self) -> None:
        self._runs = KeyRuns()

    def first_occurrences(self, columns: list[pa.Array]) -> pa.Array:
        """Return a mask, True where a row's key was in no earlier row, and remember the keys.

        Parameters
        ----------
        columns
            The key columns of one batch, all of the same length. A null equals a null.
        """
        keys = _Keys(columns)
        first = self.first(keys)
        self.claim(keys, first)
        return boolean_array(first)

    def first(self, keys: _Keys) -> Mask:
        """Return the rows whose key was in no earlier batch nor earlier in this one."""
        high, low = keys.ordered
        return keys.by_row(~self._runs.contained(*keys.ordered) & starts(high, low))

    def earlier(self, keys: _Keys) -> Mask:
        """Return the rows whose key was in an earlier batch."""
        return keys.by_row(self._runs.contained(*keys.ordered))

    def claim(self, keys: _Keys, rows: Mask) -> None:
        """Remember the keys of some rows."""
        claimed = rows[keys.order]
        self._runs.add(keys.ordered[0][claimed], keys.ordered[1][claimed])


def repeated_keys(
    seen: list[SeenKeys], keys: list[list[pa.Array]], rows: pa.Array | None = None
) -> list[pa.Array]:
    """Return one mask per key, True where a row repeats it, and remember the keys of the others.

    Row by row, a row that repeats any of its keys claims none of them: a later row may then be
    the first that has the others.

    Parameters
    ----------
    seen
        What is remembered of each key, in the order of `keys`.
    keys
        The columns of each key in one batch.
    rows
        Mask of the rows that are looked at (None: all); the others claim and repeat no key.
    """
    of = None if rows is None else mask_of(rows)
    batch = [_Keys(columns, of) for columns in keys]
    firsts = [known.first(key) for known, key in zip(seen, batch, strict=True)]
    good = np.logical_and.reduce(firsts)
    if len(keys) > 1 and not good.all():
        firsts, good = _row_by_row(seen, batch)
    for known, key in zip(seen, batch, strict=True):
        known.claim(key, good)
    return [boolean_array(_of_all(~first, of)) for first in firsts]


def _of_all(found: Mask, rows: Mask | None) -> Mask:
    """A mask over some rows as one over all rows."""
    if rows is None:
        return found
    mask = np.zeros(len(rows), dtype=np.bool_)
    mask[rows] = found
    return mask


def _row_by_row(seen: list[SeenKeys], batch: list[_Keys]) -> tuple[list[Mask], Mask]:
    """What only the order of the rows decides: rows that are first by each key, and by all."""
    firsts = [~known.earlier(key) for known, key in zip(seen, batch, strict=True)]
    pairs = [list(zip(*(word.tolist() for word in key.words), strict=True)) for key in batch]
    claimed: list[set[tuple[int, int]]] = [set() for _ in batch]
    good = np.zeros(len(pairs[0]), dtype=np.bool_)
    for row in range(len(good)):
        for first, pair, taken in zip(firsts, pairs, claimed, strict=True):
            first[row] &= pair[row] not in taken
        good[row] = all(first[row] for first in firsts)
        if good[row]:
            for pair, taken in zip(pairs, claimed, strict=True):
                taken.add(pair[row])
    return firsts, good
