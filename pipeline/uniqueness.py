"""Exact uniqueness over a stream of batches, in bounded memory per row.

A row's key is reduced to 128 bits: each distinct value of a key column is hashed once (BLAKE2b for
text, a bit mixer for numbers), the columns' hashes are combined per row. That two different keys
of a file of 10^10 rows share all 128 bits has a chance of about 1 in 10^19, so equal hashes are
taken for equal keys. Seen keys are kept in sorted runs that are merged as they grow (as in a
log-structured merge tree): 16 bytes a row, each batch looked up in at most log2(batches) runs.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import boolean_array, mask_of, memory_of
from pipeline.distinct import plain, value_type
from pipeline.runs import Mask, Runs, Words, starts

_Run = tuple[Words, Words]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_SEEDS: Final = (np.uint64(0x243F6A8885A308D3), np.uint64(0x13198A2E03707344))
_NULL: Final = (np.uint64(0x452821E638D01377), np.uint64(0xBE5466CF34E90C6C))


class _Keys:
    """The keys of one batch: 128 bits a row (`words`), and the same sorted (`ordered`)."""

    def __init__(self, columns: list[pa.Array]) -> None:
        self.words = row_hashes(columns)
        self.order = np.lexsort((self.words[1], self.words[0]))
        self.ordered = self.words[0][self.order], self.words[1][self.order]

    def by_row(self, of_ordered: Mask) -> Mask:
        """Return a mask over the sorted keys as one over the rows."""
        mask = np.empty(len(of_ordered), dtype=np.bool_)
        mask[self.order] = of_ordered
        return mask


class SeenKeys:
    """The keys of all rows so far; tells the first occurrence of a key from later ones."""

    def __init__(self) -> None:
        self._runs: Runs[_Run] = Runs(_merged, _length)

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
        return keys.by_row(~self._contains(keys) & starts(high, low))

    def earlier(self, keys: _Keys) -> Mask:
        """Return the rows whose key was in an earlier batch."""
        return keys.by_row(self._contains(keys))

    def claim(self, keys: _Keys, rows: Mask) -> None:
        """Remember the keys of some rows."""
        claimed = rows[keys.order]
        self._runs.add((keys.ordered[0][claimed], keys.ordered[1][claimed]))

    def _contains(self, keys: _Keys) -> Mask:
        """Which of the sorted keys were in an earlier batch."""
        known = np.zeros(len(keys.order), dtype=np.bool_)
        for run in self._runs:
            known |= _contained(run, *keys.ordered)
        return known


def repeated_keys(seen: list[SeenKeys], keys: list[list[pa.Array]]) -> list[pa.Array]:
    """Return one mask per key, True where a row repeats it, and remember the keys of the others.

    Row by row, a row that repeats any of its keys claims none of them: a later row may then be
    the first that has the others.

    Parameters
    ----------
    seen
        What is remembered of each key, in the order of `keys`.
    keys
        The columns of each key in one batch.
    """
    if len(keys) == 1:
        return [pc.invert(seen[0].first_occurrences(keys[0]))]
    batch = [_Keys(columns) for columns in keys]
    firsts = [known.first(key) for known, key in zip(seen, batch, strict=True)]
    good = np.logical_and.reduce(firsts)
    if not good.all():
        firsts, good = _row_by_row(seen, batch)
    for known, key in zip(seen, batch, strict=True):
        known.claim(key, good)
    return [pc.invert(boolean_array(first)) for first in firsts]


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


def row_hashes(columns: list[pa.Array], begun: _Run | None = None) -> _Run:
    """Return 128 bits per row, from all columns in order; equal rows have equal ones.

    Parameters
    ----------
    begun
        The hashes of columns that stand before these.
    """
    rows = len(columns[0])
    high, low = begun or (np.full(rows, _SEEDS[0]), np.full(rows, _SEEDS[1]))
    for column in columns:
        words = _column_words(column)
        high = _mixed(high * _GOLDEN + words[0])
        low = _mixed(low * _GOLDEN + words[1])
    return high, low


def _column_words(column: pa.Array) -> tuple[Words, Words]:
    kind = value_type(column.type)
    if pa.types.is_decimal(kind):
        column, kind = plain(column).cast(pa.string()), pa.string()
    if pa.types.is_string(kind):
        return _text_words(column)
    bits = _bits(plain(column))
    absent = mask_of(pc.is_null(column))
    words = (_mixed(bits ^ _SEEDS[0]), _mixed(bits ^ _SEEDS[1]))
    return np.where(absent, _NULL[0], words[0]), np.where(absent, _NULL[1], words[1])


def _text_words(column: pa.Array) -> tuple[Words, Words]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    hashed = [_text_hash(value) for value in column.dictionary.to_pylist()]
    table = np.array([*hashed, (int(_NULL[0]), int(_NULL[1]))], dtype=np.uint64)
    rows = memory_of(pc.fill_null(column.indices.cast(pa.int32()), len(hashed)), np.int32)
    return table[rows, 0], table[rows, 1]


def _text_hash(value: str) -> tuple[int, int]:
    digest = hashlib.blake2b(value.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _contained(run: _Run, high: Words, low: Words) -> Mask:
    """Which of the sorted keys are in the sorted run."""
    if not len(run[0]) or not len(high) or high[-1] < run[0][0] or high[0] > run[0][-1]:
        return np.zeros(len(high), dtype=np.bool_)
    at = np.minimum(np.searchsorted(run[0], high), len(run[0]) - 1)
    found: Mask = (run[0][at] == high) & (run[1][at] == low)
    return found


def _length(run: _Run) -> int:
    return len(run[0])


def _merged(left: _Run, right: _Run) -> _Run:
    high = np.concatenate((left[0], right[0]))
    low = np.concatenate((left[1], right[1]))
    order = np.argsort(high, kind="stable")
    return high[order], low[order]


def _mixed(words: Words) -> Words:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _bits(column: pa.Array) -> Words:
    """64 bits of each number or moment, equal for equal values; nulls as zero."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.add(column.cast(pa.float64()), 0.0)  # -0.0 becomes 0.0
    elif pa.types.is_date32(kind) or pa.types.is_time32(kind):
        column = column.view(pa.int32()).cast(pa.int64())
    elif kind.bit_width < np.dtype(np.uint64).itemsize * 8:
        column = column.cast(pa.int64())
    return memory_of(pc.fill_null(column.view(pa.int64()), 0), np.int64).view(np.uint64)
