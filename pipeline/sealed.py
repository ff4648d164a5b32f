"""Columns of a staged batch in one piece, which need not be opened to be passed on.

A piece is an Arrow IPC stream of one batch, packed (`pipeline/packing.py`) and compressed as a
whole: IPC's own compression begins anew with each column, which takes a third more time. Where a
stage takes rows out of a batch, the pieces that it leaves sealed note which of their rows are left.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import boolean_array, mask_of, text_array
from pipeline.errors import UnbalancedBooksError
from pipeline.packing import packed, unpacked
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKED_ROWS: Final = 4096
"""Batches of fewer rows are staged as they are: packing them takes longer than it saves."""
FRAME: Final = pa.schema(
    [
        pa.field("columns", pa.large_string(), nullable=False),
        pa.field("batch", pa.large_binary(), nullable=False),
        pa.field("kept", pa.large_binary(), nullable=False),
    ]
)
"""A batch of a frame has a row for each piece: names of its columns (JSON), their values, and which
of its rows are left; empty if all are. Both are Arrow IPC streams, compressed, behind the number of
bytes that they have when they are not (64 bits, little-endian).
"""
_CODEC: Final = pa.Codec("zstd", 1)
_SIZE: Final = struct.Struct("<Q")
_ONE_THREAD: Final = pa.ipc.IpcReadOptions(use_threads=False)
_ALL: Final = b""

Bytes: TypeAlias = bytes | pa.Buffer
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Sealed:
    """Columns of a batch; `kept` says which of its rows are left, if not all of them are."""

    columns: Sequence[str]
    data: Bytes
    kept: Mask | None = None

    def unsealed(self) -> pa.RecordBatch:
        """Return all rows that were sealed, packed as they are."""
        return _read(self.data)

    def opened(self) -> pa.RecordBatch:
        """Return the rows that are left, in the types that they had before they were sealed."""
        batch = unpacked(self.unsealed())
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
    small = packed(batch, varied) if batch.num_rows >= PACKED_ROWS else batch
    return Sealed(batch.schema.names, _compressed(small))


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
    names = text_array([json.dumps(piece.columns) for piece in pieces])
    batches = [piece.data for piece in pieces]
    kept = [
        _ALL if piece.kept is None else _compressed(_mask_batch(piece.kept)) for piece in pieces
    ]
    return pa.RecordBatch.from_arrays([names, _binary(batches), _binary(kept)], schema=FRAME)


def pieces_of(rows: pa.RecordBatch) -> list[Sealed]:
    """Return the pieces of a batch of a frame; see `frame_rows`."""
    pieces = []
    for columns, data, kept in zip(*rows.columns, strict=True):
        bits = kept.as_buffer()
        mask = mask_of(_read(bits)["kept"]) if bits.size else None
        pieces.append(Sealed(json.loads(columns.as_py()), data.as_buffer(), mask))
    return pieces


def _compressed(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    plain = sink.getvalue()
    small: bytes = _CODEC.compress(plain, asbytes=True)
    return _SIZE.pack(plain.size) + small


def _read(data: Bytes) -> pa.RecordBatch:
    view = memoryview(data)
    (size,) = _SIZE.unpack(view[: _SIZE.size])
    plain = _CODEC.decompress(pa.py_buffer(view[_SIZE.size :]), size)
    with pa.ipc.open_stream(plain, options=_ONE_THREAD) as opened:
        return opened.read_next_batch()


def _mask_batch(mask: Mask) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([boolean_array(mask)], ["kept"])


def _binary(values: Sequence[Bytes]) -> pa.Array:
    """A column of bytes."""
    ends = pa.py_buffer(np.cumsum([0, *map(len, values)], dtype=np.int64))
    data = pa.py_buffer(b"".join(values))
    return pa.Array.from_buffers(pa.large_binary(), len(values), [None, ends, data])
