"""Repair against functional dependencies: where a group nearly agrees, its other values are wrong.

The survey counts the rows of each (group, value) pair: 64 bytes a pair beside the value itself.
Only groups with a majority and something to repair are kept for the work. A row lacking a
determinant is in no group; a row without a value neither counts nor is filled, because no value
is not a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import TEXT
from pipeline.buffers import boolean_array, int64_array, mask_of, memory_of
from pipeline.distinct import plain
from pipeline.findings import Repair
from pipeline.frames import with_columns
from pipeline.plan import ROW_NUMBER
from pipeline.row_hashes import row_hashes
from pipeline.rules import json_ready
from pipeline.runs import Mask, Numbers, Runs, Words, starts

if TYPE_CHECKING:
    from pipeline.plan_steps import Dependency

DEPENDENCY: Final = "dependency"


@dataclass(frozen=True)
class _Pairs:
    """Rows by group and value: words of the group, words of both, the value, how many rows."""

    group: tuple[Words, Words]
    pair: tuple[Words, Words]
    values: pa.Array
    rows: Numbers

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, at: Numbers, rows: Numbers) -> _Pairs:
        """Return some pairs in another order, with another number of rows."""
        return _Pairs(
            (self.group[0][at], self.group[1][at]),
            (self.pair[0][at], self.pair[1][at]),
            self.values.take(int64_array(at)),
            rows,
        )


@dataclass(frozen=True)
class _Majorities:
    """Groups in the order of their words: the value of most rows, of how many, of how many rows."""

    group: tuple[Words, Words]
    values: pa.Array
    rows: Numbers
    of: Numbers


class DependencyRepair:
    """Counts what a file's groups say, then replaces what clear majorities do not."""

    def __init__(self, dependency: Dependency) -> None:
        self._dependency = dependency
        self._runs: Runs[_Pairs] = Runs(_merged, len)
        self._majorities: _Majorities | None = None

    @property
    def settled(self) -> bool:
        """Whether the whole file has been seen."""
        return self._majorities is not None

    def observe(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch."""
        known = self._rows_to_look_at(batch)
        columns = [batch.column(name).filter(known) for name in self._dependency.columns]
        value = batch.column(self._dependency.determines).filter(known)
        if len(value):
            group = row_hashes(columns)
            pair = row_hashes([value], begun=group)
            ones = np.ones(len(value), dtype=np.int64)
            self._runs.add(_counted(_Pairs(group, pair, plain(value), ones)))

    def settle(self) -> None:
        """Find the majorities, after the last batch."""
        counted = self._runs.all()
        self._majorities = _majorities(counted, self._dependency) if counted else _NONE
        self._runs = Runs(_merged, len)

    def repaired(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[Repair]]:
        """Return the batch with the majorities' values, and a record of each replaced one."""
        assert self._majorities is not None
        if not len(self._majorities.rows) or not batch.num_rows:
            return batch, []
        name = self._dependency.determines
        column = batch.column(name)
        group = self._groups(batch)
        theirs = self._majorities.values.take(_indices(group))
        wrong = pc.fill_null(pc.not_equal(plain(column), theirs), False)
        if not pc.any(wrong).as_py():
            return batch, []
        right = pc.if_else(wrong, theirs, plain(column))
        if pa.types.is_dictionary(column.type):
            right = right.dictionary_encode().cast(TEXT)
        return with_columns(batch, {name: right}), self._records(batch, right, wrong, group)

    def _rows_to_look_at(self, batch: pa.RecordBatch) -> pa.Array:
        """Mask of the rows that have all the determinants and a value."""
        known = pc.is_valid(batch.column(self._dependency.determines))
        for name in self._dependency.columns:
            known = pc.and_(known, pc.is_valid(batch.column(name)))
        return known

    def _groups(self, batch: pa.RecordBatch) -> Numbers:
        """Position of each row's group among the majorities, -1 if it is in none."""
        assert self._majorities is not None
        groups = self._majorities.group
        high, low = row_hashes([batch.column(name) for name in self._dependency.columns])
        at = np.minimum(np.searchsorted(groups[0], high), len(groups[0]) - 1)
        found = (groups[0][at] == high) & (groups[1][at] == low)
        found &= mask_of(self._rows_to_look_at(batch))
        grouped: Numbers = np.where(found, at, -1)
        return grouped

    def _records(
        self, batch: pa.RecordBatch, right: pa.Array, wrong: pa.Array, group: Numbers
    ) -> list[Repair]:
        assert self._majorities is not None
        name, by = self._dependency.determines, ", ".join(self._dependency.columns)
        wrong_at = pc.indices_nonzero(wrong)
        groups = group[memory_of(wrong_at, np.uint64)]
        return [
            Repair(
                row_number=row,
                column=name,
                repair=DEPENDENCY,
                before=json_ready(before),
                after=json_ready(after),
                message=f"{rows:,} of {of:,} rows with the same {by} have the other {name}",
            )
            for row, before, after, rows, of in zip(
                batch.column(ROW_NUMBER).take(wrong_at).to_pylist(),
                batch.column(name).take(wrong_at).to_pylist(),
                right.take(wrong_at).to_pylist(),
                self._majorities.rows[groups].tolist(),
                self._majorities.of[groups].tolist(),
                strict=True,
            )
        ]


_NO_WORDS: Final[Words] = np.empty(0, dtype=np.uint64)
_NO_NUMBERS: Final[Numbers] = np.empty(0, dtype=np.int64)
_NONE: Final = _Majorities((_NO_WORDS, _NO_WORDS), pa.nulls(0), _NO_NUMBERS, _NO_NUMBERS)


def _indices(group: Numbers) -> pa.Array:
    """Positions as Arrow indices, null for none."""
    return pc.if_else(boolean_array(group >= 0), int64_array(group), pa.scalar(None, pa.int64()))


def _merged(one: _Pairs, other: _Pairs) -> _Pairs:
    return _counted(
        _Pairs(
            _joined(one.group, other.group),
            _joined(one.pair, other.pair),
            pa.concat_arrays([one.values, other.values]),
            np.concatenate((one.rows, other.rows)),
        )
    )


def _joined(one: tuple[Words, Words], other: tuple[Words, Words]) -> tuple[Words, Words]:
    return np.concatenate((one[0], other[0])), np.concatenate((one[1], other[1]))


def _counted(pairs: _Pairs) -> _Pairs:
    """Each pair once, with all its rows."""
    order = np.lexsort((pairs.pair[1], pairs.pair[0]))
    begin = starts(pairs.pair[0][order], pairs.pair[1][order])
    return pairs.taken(order[begin], _sums(pairs.rows[order], begin))


def _majorities(pairs: _Pairs, dependency: Dependency) -> _Majorities:
    """Groups in which one value is clearly right, and others are not it."""
    order = np.lexsort((-pairs.rows, pairs.group[1], pairs.group[0]))
    high, low = pairs.group[0][order], pairs.group[1][order]
    begin = starts(high, low)
    of = _sums(pairs.rows[order], begin)
    rows = pairs.rows[order][begin]
    share = Fraction(str(dependency.min_share))
    clear = (rows >= dependency.min_rows) & (rows < of)
    clear[clear] = _at_least(rows[clear], of[clear], share)
    return _Majorities(
        (high[begin][clear], low[begin][clear]),
        pairs.values.take(int64_array(order[begin][clear])),
        rows[clear],
        of[clear],
    )


def _at_least(rows: Numbers, of: Numbers, share: Fraction) -> Mask:
    """Whether rows are so large a share: in whole numbers, as 0.55 of 20 are 11, not more."""
    enough: Any = rows.astype(object) * share.denominator >= of.astype(object) * share.numerator
    return np.asarray(enough, dtype=np.bool_)


def _sums(rows: Numbers, begin: Mask) -> Numbers:
    sums: Numbers = np.add.reduceat(rows, np.flatnonzero(begin)) if len(rows) else rows
    return sums
