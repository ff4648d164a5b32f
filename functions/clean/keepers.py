"""Which row of several with one key is kept, where that is not the first: `dedupe` by an order.

The survey keeps the winning row of each key seen so far: 128 bits for the key, the values that
order it, and its row number; afterwards the row numbers alone, 8 bytes a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import boolean_array, int64_array, mask_of, memory_of
from pipeline.distinct import plain
from pipeline.plan import ROW_NUMBER
from pipeline.row_hashes import row_hashes
from pipeline.runs import Mask, Numbers, Runs, Words, starts

if TYPE_CHECKING:
    from pipeline.plan_steps import Dedupe


@dataclass(frozen=True)
class _Winners:
    """One row per key: the key's words, the values of the order's columns, the row number."""

    high: Words
    low: Words
    order: tuple[pa.Array, ...]
    rows: Numbers

    def __len__(self) -> int:
        return len(self.rows)


class Keepers:
    """Finds the row to keep of each key.

    Rows are ordered by the columns of `order_by`, no value being the lowest, then by their order in
    the file; `keep` says which end of the order counts.
    """

    def __init__(self, dedupe: Dedupe) -> None:
        self._dedupe = dedupe
        self._runs: Runs[_Winners] = Runs(self._merged, len)
        self._kept: Numbers | None = None

    def observe(self, batch: pa.RecordBatch) -> None:
        """Take the rows of a batch into account."""
        high, low = row_hashes([batch.column(name) for name in self._dedupe.by])
        order = tuple(plain(batch.column(name.removeprefix("-"))) for name in self._dedupe.order_by)
        rows = memory_of(batch.column(ROW_NUMBER), np.int64)
        self._runs.add(self._winners(_Winners(high, low, order, rows)))

    def settle(self) -> None:
        """Decide, after the last batch."""
        winners = self._runs.all()
        self._kept = np.sort(winners.rows) if winners else np.empty(0, dtype=np.int64)
        self._runs = Runs(self._merged, len)

    def kept(self, batch: pa.RecordBatch) -> pa.Array:
        """Return the mask of the batch's rows that are kept."""
        assert self._kept is not None, "the survey comes first"
        rows = memory_of(batch.column(ROW_NUMBER), np.int64)
        return boolean_array(np.isin(rows, self._kept[slice(*self._near(rows))]))

    def _near(self, rows: Numbers) -> Numbers:
        """Where the kept rows lie that may be in the batch, whose rows are in the file's order."""
        assert self._kept is not None
        ends = rows[[0, -1]] + np.array([0, 1]) if len(rows) else np.zeros(2, dtype=np.int64)
        return np.searchsorted(self._kept, ends)

    def _merged(self, one: _Winners, other: _Winners) -> _Winners:
        return self._winners(
            _Winners(
                np.concatenate((one.high, other.high)),
                np.concatenate((one.low, other.low)),
                tuple(pa.concat_arrays(pair) for pair in zip(one.order, other.order, strict=True)),
                np.concatenate((one.rows, other.rows)),
            )
        )

    def _winners(self, all_rows: _Winners) -> _Winners:
        """Of several rows with one key, the one that is kept."""
        ranks = [
            _ranks(values) * (-1 if name.startswith("-") else 1)
            for name, values in zip(self._dedupe.order_by, all_rows.order, strict=True)
        ]
        order = np.lexsort((all_rows.rows, *reversed(ranks), all_rows.low, all_rows.high))
        first = starts(all_rows.high[order], all_rows.low[order])
        chosen = first if self._dedupe.keep == "first" else _ends(first)
        taken = order[chosen]
        at = int64_array(taken)
        return _Winners(
            all_rows.high[taken],
            all_rows.low[taken],
            tuple(values.take(at) for values in all_rows.order),
            all_rows.rows[taken],
        )


def _ends(first: Mask) -> Mask:
    """Where keys end, given where they begin."""
    return np.append(first[1:], True) if len(first) else first


def _ranks(values: pa.Array) -> Numbers:
    """Rank of each value among them, 0 where there is none."""
    ranks = memory_of(pc.rank(values, tiebreaker="dense"), np.uint64).astype(np.int64)
    ranked: Numbers = np.where(mask_of(pc.is_null(values)), 0, ranks)
    return ranked
