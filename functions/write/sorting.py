"""Rows of one output file in order: an external merge sort, whose memory does not grow with it.

Rows are sorted in memory while there is room. Beyond it they lie in sorted runs in the function's
temporary storage, in blocks; the blocks of all runs are then read in the order of their first
rows. What comes before the first row of the next block can come from no block that is still unread.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import distinct, plain
from pipeline.errors import DiskLimitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK_ROWS: Final = 8 * 1024
_MERGED_BYTES: Final = 32 * 1024 * 1024
"""Bytes of rows that are merged at a time."""
_ORDER: Final = "_order"
"""Column with each row's place in the input, so that rows of equal keys keep their order."""
_RUN: Final = "_run"
_BLOCK: Final = "_block"
"""Columns with the numbers of a run, and of a block in it."""


class SortedRows:
    """Collects the rows of a file; gives them back in order.

    Parameters
    ----------
    sort_by
        Columns, most important first; a leading `-` turns a column's order around. Nulls come last.
    folder
        Where runs may lie; the caller removes it.
    """

    def __init__(self, sort_by: tuple[str, ...], folder: Path) -> None:
        self.bytes = 0
        self._rows = 0
        self._keys = [
            (name.removeprefix("-"), "descending" if name.startswith("-") else "ascending")
            for name in sort_by
        ]
        self._folder = folder
        self._waiting: list[pa.RecordBatch] = []
        self._runs: list[_Run] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows: as plain values, for a run's dictionaries would all be open at its merge."""
        numbers = pa.array(range(self._rows, self._rows + batch.num_rows), pa.int64())
        columns = [*(plain(column) for column in batch.columns), numbers]
        kept = pa.RecordBatch.from_arrays(columns, [*batch.schema.names, _ORDER])
        self._waiting.append(kept)
        self._rows += batch.num_rows
        self.bytes += kept.nbytes

    def spill(self) -> None:
        """Move what is held in memory to a run.

        Raises
        ------
        DiskLimitError
            If the temporary storage is full.
        """
        path = self._folder / f"{id(self)}-{len(self._runs)}.arrow"
        with _disk_errors():
            self._runs.append(_Run.written(path, self._held(), [name for name, _ in self._keys]))

    def tables(self) -> Iterator[pa.Table]:
        """Yield all rows in order, a table at a time; nothing is held afterwards."""
        if not self._runs:
            if self._waiting:
                yield self._held().drop_columns([_ORDER])
            return
        if self._waiting:
            self.spill()
        for table in self._merged():
            yield table.drop_columns([_ORDER])
        for run in self._runs:
            run.path.unlink()
        self._runs = []

    def _held(self) -> pa.Table:
        """What is in memory, in order, and no longer held."""
        table = self._in_order(pa.Table.from_batches(self._waiting))
        self._waiting, self.bytes = [], 0
        return table

    def _merged(self) -> Iterator[pa.Table]:
        runs = [run.firsts(number) for number, run in enumerate(self._runs)]
        firsts = self._in_order(pa.concat_tables(runs))
        pending: list[pa.Table] = []
        for at in range(firsts.num_rows):
            pending.append(self._block(firsts, at))
            following = firsts.slice(at + 1, 1)
            if sum(table.nbytes for table in pending) >= _MERGED_BYTES and following.num_rows:
                held = self._in_order(pa.concat_tables(pending))
                ready = self._before(held, following)
                yield held.slice(0, ready)
                pending = [held.slice(ready)]
        yield self._in_order(pa.concat_tables(pending))

    def _order(self, table: pa.Table) -> pa.Array:
        keys = [*self._keys, (_ORDER, "ascending")]
        ranked = pa.table({name: _comparable(table.column(name)) for name, _ in keys})
        return pc.sort_indices(ranked, sort_keys=[(*key, "at_end") for key in keys])

    def _in_order(self, table: pa.Table) -> pa.Table:
        return table.combine_chunks().take(self._order(table))

    def _block(self, firsts: pa.Table, at: int) -> pa.Table:
        run = self._runs[firsts.column(_RUN)[at].as_py()]
        return run.block(firsts.column(_BLOCK)[at].as_py())

    def _before(self, table: pa.Table, first: pa.Table) -> int:
        """How many rows of an ordered table come before the first row of a block."""
        names = list(dict.fromkeys([*(name for name, _ in self._keys), _ORDER]))
        both = pa.concat_tables([table.select(names), first.select(names)])
        return int(pc.index(self._order(both), pa.scalar(table.num_rows, pa.uint64())).as_py())


def _comparable(column: pa.ChunkedArray) -> pa.Array:
    """Values that compare like the column's: of text that repeats the ranks, which is faster."""
    values = column.combine_chunks()
    if not pa.types.is_string(values.type):
        return values
    parts = distinct(values.dictionary_encode())
    return values if parts.indices is None else parts.rows(pc.rank(parts.values))


class _Run(NamedTuple):
    """Sorted rows in a file, and the keys of each block's first row."""

    path: Path
    first_rows: pa.Table

    @classmethod
    def written(cls, path: Path, table: pa.Table, keys: list[str]) -> _Run:
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(str(path), table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=_BLOCK_ROWS)
        starts = pa.array(range(0, table.num_rows, _BLOCK_ROWS), pa.int64())
        return cls(path, table.select([*dict.fromkeys([*keys, _ORDER])]).take(starts))

    def firsts(self, run: int) -> pa.Table:
        """First rows of the blocks with the numbers of run and block."""
        rows = self.first_rows.num_rows
        return self.first_rows.append_column(
            _RUN, pa.repeat(pa.scalar(run, pa.int64()), rows)
        ).append_column(_BLOCK, pa.array(range(rows), pa.int64()))

    def block(self, number: int) -> pa.Table:
        with pa.ipc.open_file(str(self.path)) as reader:
            return pa.Table.from_batches([reader.get_batch(number)])


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskLimitError(
            "The function's temporary storage is full; it holds the rows that sort_by puts in "
            "order, as far as memory has no room for them.",
            remedy="Deploy with a larger `--context write.ephemeral_storage_mb=...`, or partition "
            "the output.",
        ) from error
