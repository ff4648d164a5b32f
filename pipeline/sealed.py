"""Columns of a staged batch in one piece, which need not be opened to be passed on.

A piece is an Arrow IPC stream of one batch, packed (`pipeline/packing.py`) and compressed. Where a
stage takes rows out of a batch, the pieces that it leaves sealed note which of their rows are left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import boolean_array, mask_of
from pipeline.errors import UnbalancedBooksError
from pipeline.packing import packed, unpacked
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKED_ROWS: Final = 4096
"""Batches of fewer rows are staged as they are: packing them takes longer than it saves."""
FRAME: Final = pa.schema(
    [
        pa.field("batch", pa.large_binary(), nullable=False),
        pa.field("kept", pa.large_binary(), nullable=False),
    ]
)
"""A batch of a frame has a row for each piece: Arrow IPC streams of its columns, and of the one
column that says which of its rows are left; empty if all are.
"""
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
_ONE_THREAD: Final = pa.ipc.IpcReadOptions(use_threads=False)
"""Threads take a fifth more CPU time here: there is too little to do for each of them."""
_ALL: Final = pa.py_buffer(b"")

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Sealed:
    """Columns of a batch; `kept` says which of its rows are left, if not all of them are."""

    data: pa.Buffer
    kept: Mask | None = None

    @cached_property
    def columns(self) -> frozenset[str]:
        """Names of the columns, which cost little to look up: they stand before the rows."""
        with pa.ipc.open_stream(self.data) as stream:
            return frozenset(stream.schema.names)

    def opened(self) -> pa.RecordBatch:
        """Return the rows that are left, in the types that they were sealed with."""
        batch = unpacked(_read(self.data))
        return batch if self.kept is None else batch.filter(boolean_array(self.kept))

    def less(self, left: Mask) -> Sealed:
        """Return the piece with only some of the rows that were left in it."""
        if self.kept is None:
            return replace(self, kept=left)
        kept = self.kept.copy()
        kept[kept] = left
        return replace(self, kept=kept)


def sealed(batch: pa.RecordBatch, varied: set[str]) -> Sealed:
    """Return a batch in one piece; `varied` is what `packed` remembers from batch to batch."""
    return Sealed(_stream(packed(batch, varied) if batch.num_rows >= PACKED_ROWS else batch))


def rows_left(before: pa.RecordBatch, after: pa.RecordBatch) -> Mask | None:
    """Return which rows of a batch a stage has left in it; None if it took out none.

    Raises
    ------
    UnbalancedBooksError
        If it did something else: columns that it has not seen would belong to no row any more.
    """
    if after.num_rows == before.num_rows:
        return None
    mask = mask_of(pc.is_in(before.column(ROW_NUMBER), value_set=after.column(ROW_NUMBER)))
    if mask.sum() != after.num_rows:
        raise UnbalancedBooksError(
            f"A stage left {after.num_rows:,} rows of {before.num_rows:,}, and {mask.sum():,} of "
            "their row numbers."
        )
    return mask


def frame_rows(pieces: Sequence[Sealed]) -> pa.RecordBatch:
    """Return the pieces of a batch as they stand in a frame."""
    batches = [piece.data for piece in pieces]
    kept = [_ALL if piece.kept is None else _mask_stream(piece.kept) for piece in pieces]
    return pa.RecordBatch.from_arrays([_binary(batches), _binary(kept)], schema=FRAME)


def pieces_of(rows: pa.RecordBatch) -> list[Sealed]:
    """Return the pieces of a batch of a frame; see `frame_rows`."""
    pieces = []
    for data, kept in zip(*rows.columns, strict=True):
        bits = kept.as_buffer()
        pieces.append(Sealed(data.as_buffer(), mask_of(_read(bits)["kept"]) if bits.size else None))
    return pieces


def _read(stream: pa.Buffer) -> pa.RecordBatch:
    with pa.ipc.open_stream(stream, options=_ONE_THREAD) as opened:
        return opened.read_next_batch()


def _stream(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_COMPRESSED) as stream:
        stream.write_batch(batch)
    return sink.getvalue()


def _mask_stream(mask: Mask) -> pa.Buffer:
    return _stream(pa.RecordBatch.from_arrays([boolean_array(mask)], ["kept"]))


def _binary(values: list[pa.Buffer]) -> pa.Array:
    """A column of bytes; one of a single value is no copy of it."""
    ends = pa.py_buffer(np.cumsum([0, *(value.size for value in values)], dtype=np.int64))
    data = values[0] if len(values) == 1 else pa.py_buffer(b"".join(values))
    return pa.Array.from_buffers(pa.large_binary(), len(values), [None, ends, data])
