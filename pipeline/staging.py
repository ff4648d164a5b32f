"""Frames between the stages: Arrow IPC streams in the staging bucket, batch by batch.

The stream format, not the file format: its dictionaries may differ from batch to batch.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipeline.all_or_nothing import AllOrNothing
from pipeline.buffers import int64_array
from pipeline.constants import ROW_NUMBERS_SUFFIX
from pipeline.findings import Reject, Repair, rule_counts
from pipeline.masking import masked_repairs
from pipeline.plan import ROW_NUMBER
from pipeline.repairs import MAX_SAMPLE
from pipeline.storage import ObjectReader, StoredObject, open_object
from pipeline.uploads import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.plan import Plan

_IPC_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=False)


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
        with pa.ipc.open_stream(self._object) as stream:
            yield from stream


class StagedWriter(AllOrNothing):
    """Writes batches as one staged frame, visible only when all of them are in it."""

    def __init__(self, bucket: str, key: str) -> None:
        self.rows = 0
        self._sink = ObjectWriter(bucket, key)
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None

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
            self._stream = pa.ipc.new_stream(self._sink, self._schema, options=_IPC_OPTIONS)
        if batch.num_rows or not self.rows:
            self._stream.write_batch(conformed(batch, self._schema))
        self.rows += batch.num_rows


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


class RecordWriter(AllOrNothing):
    """Records as JSON Lines; no object where there are none."""

    def __init__(self, bucket: str, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._sink: ObjectWriter | None = None

    def append(self, records: Iterable[Reject | Repair]) -> None:
        """Append one line per record."""
        lines = (json.dumps(record.to_json(), ensure_ascii=False) for record in records)
        if text := "".join(f"{line}\n" for line in lines):
            if self._sink is None:
                self._sink = ObjectWriter(self._bucket, self._key)
            self._sink.write(text.encode())

    def finish(self) -> StoredObject | None:
        """Make the records visible; None if there are none."""
        return self._sink.finish() if self._sink else None

    def abort(self) -> None:
        """Leave nothing behind."""
        if self._sink is not None:
            self._sink.abort()


class QuarantineWriter(RecordWriter):
    """Rejected rows; `rules` counts those that break each (column, rule).

    Their row numbers lie beside them in a frame of their own: a replay has to find the rows again
    in the uploaded file, and needs not see what was set aside (docs/adr/0007).
    """

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(bucket, key)
        self.rules: Counter[tuple[str | None, str]] = Counter()
        self.rows = 0
        self._numbers = StagedWriter(bucket, row_numbers_place(key))

    def write(self, rejects: list[Reject]) -> None:
        """Append one record per rejected row."""
        if not rejects:
            return
        self.append(rejects)
        self._numbers.write(_row_numbers(rejects))
        self.rules.update(rule_counts(rejects))
        self.rows += len(rejects)

    def finish(self) -> StoredObject | None:
        """Make the rows visible after their numbers, so that no rows are there without them."""
        try:
            self._numbers.finish()
        except BaseException:
            super().abort()
            raise
        return super().finish()

    def abort(self) -> None:
        """Leave neither behind."""
        self._numbers.abort()
        super().abort()


def row_numbers_place(quarantine: str) -> str:
    """Return the key (or address) of the row numbers that lie beside a quarantine file."""
    return f"{quarantine.removesuffix('.jsonl')}{ROW_NUMBERS_SUFFIX}"


def _row_numbers(rejects: list[Reject]) -> pa.RecordBatch:
    """The rows' numbers as a frame of one int64 column."""
    numbers = np.fromiter((reject.row_number for reject in rejects), np.int64, len(rejects))
    return pa.RecordBatch.from_arrays([int64_array(numbers)], names=[ROW_NUMBER])


class RepairWriter(RecordWriter):
    """Replaced values, those of masked columns masked; `counts` has them by column and kind."""

    def __init__(self, bucket: str, key: str, plan: Plan) -> None:
        super().__init__(bucket, key)
        self.counts: Counter[tuple[str | None, str]] = Counter()
        self.sample: list[Repair] = []
        self._plan = plan

    def write(self, repairs: list[Repair]) -> None:
        """Append one record per repair."""
        shown = masked_repairs(repairs, self._plan)
        self.append(shown)
        self.counts.update((repair.column, repair.repair) for repair in shown)
        self.sample += shown[: MAX_SAMPLE - len(self.sample)]
