"""Reading files as they come, and writing outputs: streams of bytes to record batches and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.findings import Reject


class ByteStream(Protocol):
    """What a reader needs of its source."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes; empty only at the end."""
        ...


@dataclass(frozen=True)
class RawChunk:
    """Some rows of a file.

    `batch` holds the rows that could be taken apart, as text (or typed, where the format is), with
    the row-number column; `malformed` those that could not; `raw_of` gives a row as it stood in
    the file by its row number, None where its cells say it all.
    """

    batch: pa.RecordBatch
    malformed: list[Reject] = field(default_factory=list)
    raw_of: Callable[[int], Any] | None = None

    @property
    def rows(self) -> int:
        """Rows of the file that this chunk stands for."""
        return int(self.batch.num_rows) + len(self.malformed)


RawChunks = Iterator[RawChunk]
