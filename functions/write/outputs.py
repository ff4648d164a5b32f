"""The output files of a run: one per partition, written as streams, kept within bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from functions.write.core import compact
from functions.write.sorting import SortedRows
from pipeline.all_or_nothing import AllOrNothing
from pipeline.errors import PipelineError
from pipeline.formats.writers import FormatWriter, extension, format_writer
from pipeline.manifest import OutputFile
from pipeline.storage import delete_object
from pipeline.uploads import ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.plan_steps import Write

_ROW_GROUP_ROWS: Final = 128 * 1024
_ROW_GROUP_BYTES: Final = 32 * 1024 * 1024
"""A row group has no more rows than fill this much memory: those of wide text are shorter."""
PUBLISHED_AT_ONCE: Final = 8
_BUFFERED_BYTES: Final = 64 * 1024 * 1024
"""All partitions' rows that wait to be encoded; beyond it the fullest partition is."""
_SORTED_BYTES: Final = 128 * 1024 * 1024
"""The same where rows are put in order: beyond it the fullest partition moves to the disk."""


class OutputFiles(AllOrNothing):
    """Collects rows by partition and uploads a file for each.

    Nothing becomes visible before `finish`; on an error everything begun is aborted.

    Parameters
    ----------
    bucket, prefix
        Where the dataset's files go: `processed/<dataset>/`.
    name
        Stem of every file's name, the same for every run of a source object.
    write
        Format, compression, and the order of a file's rows.
    check
        Called between pieces of work; what it raises stops it.
    """

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str,
        name: str,
        write: Write,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.bytes_written = 0
        self._buffered = 0
        self._bucket = bucket
        self._prefix = prefix
        self._name = name
        self._write = write
        self._check = check
        self._files: dict[str, _PartitionFile] = {}
        self._published: list[OutputFile] | None = None
        self._folder: TemporaryDirectory[str] | None = None

    def add(self, partition: str, batch: pa.RecordBatch) -> None:
        """Take a partition's rows."""
        if partition not in self._files:
            key = f"{self._prefix}{partition}{self._name}{extension(self._write)}"
            self._files[partition] = self._new_file(key)
        self._change(self._files[partition], lambda file: file.add(batch))
        most = _SORTED_BYTES if self._write.sort_by else _BUFFERED_BYTES
        while self._buffered > most:
            fullest = max(self._files.values(), key=lambda file: file.buffered_bytes)
            self._change(fullest, lambda file: file.make_room())

    def _change(self, file: _PartitionFile, change: Callable[[_PartitionFile], None]) -> None:
        """Change what a file buffers, and with it the sum, which thousands of files have."""
        before = file.buffered_bytes
        change(file)
        self._buffered += file.buffered_bytes - before

    def _new_file(self, key: str) -> _PartitionFile:
        if not self._write.sort_by:
            return _PartitionFile(self._bucket, key, self._write)
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="sort-")
        return _SortedFile(self._bucket, key, self._write, Path(self._folder.name))

    @property
    def keys(self) -> list[str]:
        """Keys of all files, in order."""
        return sorted(file.key for file in self._files.values())

    def complete(self) -> None:
        """Send everything that is left, short of making it visible."""
        for file in self._files.values():
            file.complete(self._check)

    def finish(self) -> list[OutputFile]:
        """Make all files visible, several at a time; return them in the order of their keys."""
        if self._published is None:
            self.complete()
            self._forget_runs()
            self._published = self._publish()
            self.bytes_written = sum(output.bytes for output in self._published)
        return self._published

    def _publish(self) -> list[OutputFile]:
        files = sorted(self._files.values(), key=lambda file: file.key)
        with ThreadPoolExecutor(PUBLISHED_AT_ONCE) as pool:
            published = [pool.submit(file.publish) for file in files]
            wait(published)  # all of them, before one's failure makes `abort` undo the others
        return [file.result() for file in published]

    def abort(self) -> None:
        """Leave nothing behind: what is not visible yet is dropped, what is, undone."""
        self._forget_runs()
        for file in self._files.values():
            with suppress(PipelineError):  # what made us give up is what must be told
                file.abort()

    def _forget_runs(self) -> None:
        """Empty the temporary storage, which outlives the invocation."""
        if self._folder is not None:
            self._folder.cleanup()


class _PartitionFile:
    """One partition's rows on their way into one object."""

    def __init__(self, bucket: str, key: str, write: Write) -> None:
        self.rows = 0
        self.key = key
        self._write = write
        self._group_rows = write.row_group_rows or _ROW_GROUP_ROWS
        self._sink = ObjectWriter(bucket, key)
        self._writer: FormatWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0

    @property
    def buffered_bytes(self) -> int:
        """Bytes of the rows that wait in memory."""
        return self._waiting_bytes

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows; encode them as soon as there is a row group of them."""
        batch = compact(batch)
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        self.rows += batch.num_rows
        while self._waiting_rows >= self._group_rows:
            self._encode(self._group_rows)
        if self._waiting_bytes >= _ROW_GROUP_BYTES:
            self._encode(self._waiting_rows)

    def make_room(self) -> None:
        """Encode what waits, however few rows that are."""
        self._encode(self._waiting_rows)

    def _encode(self, rows: int) -> None:
        """Hand the first of the waiting rows to the format, as one row group."""
        table = pa.Table.from_batches(self._waiting)
        if self._writer is None:
            self._writer = format_writer(self._sink, table.schema, self._write)
        self._writer.write(table.slice(0, rows))
        self._waiting = table.slice(rows).to_batches()
        self._waiting_rows = table.num_rows - rows
        self._waiting_bytes = sum(batch.nbytes for batch in self._waiting)

    def complete(self, _check: Callable[[], None]) -> None:
        """Send everything that is left, short of making it visible."""
        if self._waiting:
            self._encode(self._waiting_rows)
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def publish(self) -> OutputFile:
        """Make the object visible."""
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
        """Leave no object behind."""
        if self._sink.stored is None:
            self._sink.abort()
        else:
            delete_object(self._sink.stored)


class _SortedFile(_PartitionFile):
    """The same in the order of its rows, which is known when the last one is there."""

    def __init__(self, bucket: str, key: str, write: Write, folder: Path) -> None:
        super().__init__(bucket, key, write)
        self._sorted = SortedRows(write.sort_by, folder)

    @property
    def buffered_bytes(self) -> int:
        """Bytes of the rows that are in memory, and not in a run."""
        return self._sorted.bytes

    def add(self, batch: pa.RecordBatch) -> None:
        """Take rows."""
        self._sorted.add(batch)

    def make_room(self) -> None:
        """Move the rows in memory to a run."""
        self._sorted.spill()

    def complete(self, check: Callable[[], None]) -> None:
        """Send all rows in order, short of making them visible."""
        for table in self._sorted.tables():
            check()
            for batch in table.to_batches():
                super().add(batch)
        super().complete(check)
