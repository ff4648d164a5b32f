"""The output files of a run: one per partition, written as streams, kept within bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipeline.all_or_nothing import AllOrNothing
from pipeline.errors import PipelineError
from pipeline.formats.writers import FormatWriter, extension, format_writer
from pipeline.manifest import OutputFile
from pipeline.storage import delete_object
from pipeline.uploads import ObjectWriter

if TYPE_CHECKING:
    from pipeline.plan import Write

_ROW_GROUP_ROWS: Final = 128 * 1024
_PUBLISHED_AT_ONCE: Final = 8
_BUFFERED_BYTES: Final = 64 * 1024 * 1024
"""All partitions' rows that wait to be encoded; beyond it the fullest partition is."""


class OutputFiles(AllOrNothing):
    """Collects rows by partition and uploads a file for each.

    Nothing becomes visible before `finish`; on an error everything begun is aborted.

    Parameters
    ----------
    bucket, prefix
        Where the dataset's files go: `processed/<dataset>/`.
    name
        Stem of every file's name, the same for every run of a source object.
    """

    def __init__(self, *, bucket: str, prefix: str, name: str, write: Write) -> None:
        self.bytes_written = 0
        self._bucket = bucket
        self._prefix = prefix
        self._name = name
        self._write = write
        self._files: dict[str, _PartitionFile] = {}

    def add(self, partition: str, batch: pa.RecordBatch) -> None:
        """Take a partition's rows."""
        if partition not in self._files:
            key = f"{self._prefix}{partition}{self._name}{extension(self._write)}"
            self._files[partition] = _PartitionFile(self._bucket, key, self._write)
        self._files[partition].add(batch)
        while sum(file.buffered_bytes for file in self._files.values()) > _BUFFERED_BYTES:
            max(self._files.values(), key=lambda file: file.buffered_bytes).encode()

    @property
    def keys(self) -> list[str]:
        """Keys of all files, in order."""
        return sorted(file.key for file in self._files.values())

    def complete(self) -> None:
        """Send everything that is left, short of making it visible."""
        for file in self._files.values():
            file.complete()

    def finish(self) -> list[OutputFile]:
        """Make all files visible, several at a time; return them in the order of their keys."""
        self.complete()
        files = sorted(self._files.values(), key=lambda file: file.key)
        with ThreadPoolExecutor(_PUBLISHED_AT_ONCE) as pool:
            published = [pool.submit(file.publish) for file in files]
            wait(published)  # all of them, before one's failure makes `abort` undo the others
        done = [file.result() for file in published]
        self.bytes_written = sum(output.bytes for output in done)
        return done

    def abort(self) -> None:
        """Leave nothing behind: what is not visible yet is dropped, what is, undone."""
        for file in self._files.values():
            with suppress(PipelineError):  # what made us give up is what must be told
                file.abort()


class _PartitionFile:
    """One partition's rows on their way into one object."""

    def __init__(self, bucket: str, key: str, write: Write) -> None:
        self.rows = 0
        self.buffered_bytes = 0
        self.key = key
        self._write = write
        self._sink = ObjectWriter(bucket, key)
        self._writer: FormatWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        self.buffered_bytes += batch.nbytes
        if self._waiting_rows >= _ROW_GROUP_ROWS:
            self.encode()

    def encode(self) -> None:
        """Hand the waiting rows to the format, as one row group."""
        table = pa.Table.from_batches(self._waiting)
        if self._writer is None:
            self._writer = format_writer(self._sink, table.schema, self._write)
        self._writer.write(table)
        self._waiting, self._waiting_rows, self.buffered_bytes = [], 0, 0

    def complete(self) -> None:
        """Send everything that is left, short of making it visible."""
        if self._waiting:
            self.encode()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def publish(self) -> OutputFile:
        stored = self._sink.finish()
        return OutputFile(
            bucket=stored.bucket,
            key=stored.key,
            version_id=stored.version_id,
            etag=stored.etag,
            bytes=stored.size,
            rows=self.rows,
        )

    def abort(self) -> None:
        if self._sink.stored is None:
            self._sink.abort()
        else:
            delete_object(self._sink.stored)
