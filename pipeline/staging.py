"""Frames between the stages: batches in the staging bucket, in pieces of columns.

A frame is an Arrow IPC stream; each of its batches has the pieces of a batch of rows as rows
(`pipeline/sealed.py`). There is a piece for each stage to come, with the columns that it will be
the first to open, so that a stage passes on what does not concern it as it came. Who opens a frame
as a mere stream sees that, and cannot take packed columns for the rows: `frame_batches` gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.all_or_nothing import AllOrNothing
from pipeline.sealed import FRAME, Sealed, frame_rows, pieces_of, rows_left, sealed
from pipeline.storage import ObjectReader, open_object
from pipeline.uploads import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

DIVIDED_BYTES: Final = 512 * 1024
"""Smaller batches are staged in one piece: several would take more time than they save."""
_PLAIN: Final = pa.ipc.IpcWriteOptions(use_threads=False)


@dataclass(frozen=True)
class StagedBatch:
    """A batch of a frame: the columns that were asked for, and the others as they were staged."""

    rows: pa.RecordBatch
    sealed: Sequence[Sealed] = ()

    def passing(self, after: pa.RecordBatch) -> Sequence[Sealed]:
        """Return the sealed columns of the rows that a stage has left; see `rows_left`."""
        left = rows_left(self.rows, after) if self.sealed else None
        return self.sealed if left is None else [piece.less(left) for piece in self.sealed]


class _Opening:
    """Opens batches; all of a frame have their columns in one order, and text encoded alike.

    Parameters
    ----------
    names
        Columns to open; all if None. Pieces with none of them stay sealed.
    order
        Names of columns in the order that they shall have; others come behind, as they first came.
    """

    def __init__(self, names: Collection[str] | None, order: Iterable[str]) -> None:
        self._names = None if names is None else frozenset(names)
        self._place = {name: at for at, name in enumerate(order)}
        self._types: dict[str, pa.DataType] = {}

    def batch(self, pieces: Sequence[Sealed]) -> StagedBatch:
        """Return the batch of these pieces."""
        names = self._names
        wanted = [names is None or not names.isdisjoint(piece.columns) for piece in pieces]
        opened = [piece.opened() for piece, open_ in zip(pieces, wanted, strict=True) if open_]
        closed = [piece for piece, open_ in zip(pieces, wanted, strict=True) if not open_]
        return StagedBatch(self._alike(opened), closed)

    def _alike(self, batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        columns = {
            field.name: (field, column)
            for batch in batches
            for field, column in zip(batch.schema, batch.columns, strict=True)
        }
        for name in columns:
            self._place.setdefault(name, len(self._place))
        names = sorted(columns, key=self._place.__getitem__)
        fields, arrays = zip(*(columns[name] for name in names), strict=True)
        made = [self._conformed(name, array) for name, array in zip(names, arrays, strict=True)]
        kinds = [field.with_type(array.type) for field, array in zip(fields, made, strict=True)]
        return pa.RecordBatch.from_arrays(made, schema=pa.schema(kinds))

    def _conformed(self, name: str, column: pa.Array) -> pa.Array:
        """The column with its text encoded by a dictionary, or not, as in the first batch."""
        first = self._types.setdefault(name, column.type)
        if pa.types.is_dictionary(first) and not pa.types.is_dictionary(column.type):
            return column.dictionary_encode()
        if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(first):
            return column.dictionary_decode()
        return column


def frame_batches(frame: Any) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a frame (an open file) with the types that they were staged with."""
    for batch in _batches(frame, _Opening(None, ())):
        yield batch.rows


def _batches(frame: Any, opening: _Opening) -> Iterator[StagedBatch]:
    with pa.ipc.open_stream(frame) as stream:
        plain = stream.schema != FRAME
        for batch in stream:
            yield StagedBatch(batch) if plain else opening.batch(pieces_of(batch))


class StagedReader:
    """The batches of a staged frame.

    Parameters
    ----------
    bucket, key
        Where it lies.
    names, order
        The columns that are wanted, and their order; see `_Opening`.
    """

    def __init__(
        self,
        bucket: str,
        key: str,
        names: Collection[str] | None = None,
        order: Iterable[str] = (),
    ) -> None:
        self._object: ObjectReader = open_object(bucket, key)
        self._opening = _Opening(names, order)

    @property
    def bytes_read(self) -> int:
        """Bytes taken off the object so far."""
        return self._object.bytes_read

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches' columns that are wanted."""
        for batch in self.batches():
            yield batch.rows

    def batches(self) -> Iterator[StagedBatch]:
        """Yield the batches; the object is read as they are asked for."""
        try:
            yield from _batches(self._object, self._opening)
        finally:
            self._object.close()


class StagedWriter(AllOrNothing):
    """Writes batches as one staged frame, visible only when all of them are in it.

    Parameters
    ----------
    bucket, key
        Where it will lie.
    readers
        Who will be the first to open a column: those of one reader are sealed together. Without,
        all columns of a batch are.
    """

    def __init__(self, bucket: str, key: str, readers: Mapping[str, str] | None = None) -> None:
        self.rows = 0
        self._sink = ObjectWriter(bucket, key)
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        self._readers = readers or {}
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

    def write(self, batch: pa.RecordBatch, passing: Sequence[Sealed] = ()) -> None:
        """Append a batch, and the columns of its rows that were not opened."""
        if self._stream is None:
            self._stream = pa.ipc.new_stream(self._sink, FRAME, options=_PLAIN)
        if batch.num_rows or not self.rows:
            made = [sealed(piece, self._varied) for piece in self._divided(batch)]
            self._stream.write_batch(frame_rows([*made, *passing]))
        self.rows += batch.num_rows

    def _divided(self, batch: pa.RecordBatch) -> Iterable[pa.RecordBatch]:
        """The columns of a batch by the stage that will open them."""
        if batch.get_total_buffer_size() < DIVIDED_BYTES:
            return [batch]
        names: dict[str, list[str]] = {}
        for name in batch.schema.names:
            names.setdefault(self._readers.get(name, ""), []).append(name)
        return [batch.select(of_one) for of_one in names.values()]
