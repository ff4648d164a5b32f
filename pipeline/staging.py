"""Frames between the stages: batches in the staging bucket, each packed in its own way.

A frame is an Arrow IPC stream of one column, `batch`. Each of its rows is such a stream again: one
batch, whose columns have the types that this batch needs (`pipeline/packing.py`). Who opens a frame
as a mere stream sees that, and cannot take packed columns for the rows. `frame_batches` gives the
rows, also of a frame that was written before batches were packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from pipeline.all_or_nothing import AllOrNothing
from pipeline.packing import packed, unpacked
from pipeline.storage import ObjectReader, open_object
from pipeline.uploads import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME: Final = pa.schema([pa.field("batch", pa.large_binary(), nullable=False)])
PACKED_ROWS: Final = 4096
"""Batches of fewer rows are staged as they are: packing them takes longer than it saves."""
_PLAIN: Final = pa.ipc.IpcWriteOptions(use_threads=False)
_COMPRESSED: Final = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
_ONE_THREAD: Final = pa.ipc.IpcReadOptions(use_threads=False)
"""Threads take a fifth more CPU time here: there is too little to do for each of them."""


def frame_batches(frame: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a frame (an open file) with the types that they were staged with."""
    with pa.ipc.open_stream(frame, options=_ONE_THREAD) as stream:
        if stream.schema != FRAME:
            yield from stream
            return
        for row in stream:
            with pa.ipc.open_stream(row[0][0].as_buffer(), options=_ONE_THREAD) as inner:
                yield unpacked(inner.read_next_batch())


class StagedReader:
    """The batches of a staged frame."""

    def __init__(self, bucket: str, key: str) -> None:
        self._object: ObjectReader = open_object(bucket, key)

    @property
    def bytes_read(self) -> int:
        """Bytes taken off the object so far."""
        return self._object.bytes_read

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches; the object is read as they are asked for."""
        try:
            yield from frame_batches(self._object)
        finally:
            self._object.close()


class StagedWriter(AllOrNothing):
    """Writes batches as one staged frame, visible only when all of them are in it."""

    def __init__(self, bucket: str, key: str) -> None:
        self.rows = 0
        self._sink = ObjectWriter(bucket, key)
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None
        self._varied: set[str] = set()

    def finish(self) -> None:
        """Make the frame visible; one that was never begun has no schema and is none."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            with self._sink:
                stream.close()
        elif self._sink.stored is None:
            self.abort()

    def abort(self) -> None:
        """Leave no frame behind."""
        self._sink.abort()

    @property
    def bytes_written(self) -> int:
        """Bytes of the frame so far."""
        return self._sink.bytes_written

    @property
    def etag(self) -> str:
        """ETag of the finished frame; empty if there is none."""
        return self._sink.stored.etag if self._sink.stored else ""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch; the first one settles the schema."""
        if self._stream is None:
            self._schema = batch.schema
            self._stream = pa.ipc.new_stream(self._sink, FRAME, options=_PLAIN)
        if batch.num_rows or not self.rows:
            batch = conformed(batch, self._schema)
            if len(batch) >= PACKED_ROWS:
                batch = packed(batch, self._varied)
            self._stream.write_batch(_row(batch))
        self.rows += batch.num_rows


def _row(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch as a row of the frame."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_COMPRESSED) as stream:
        stream.write_batch(batch)
    data = sink.getvalue()
    ends = pa.py_buffer(np.array([0, data.size], dtype=np.int64))
    column = pa.Array.from_buffers(FRAME.field(0).type, 1, [None, ends, data])
    return pa.RecordBatch.from_arrays([column], schema=FRAME)


def conformed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the batch with text columns encoded (or not) as the schema has them."""
    if batch.schema.equals(schema):
        return batch
    columns = []
    for field in schema:
        column = batch.column(field.name)
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        elif pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(field.type):
            column = column.dictionary_decode()
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)
