"""Reading files as they come, and writing outputs: streams of bytes to record batches and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa

from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from pipeline.findings import Reject, Repair

CHUNK_ROWS: Final = 65_536
"""Most rows of a chunk: a bad row costs a hundred times its bytes until it is written down."""


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
    the file by its row number, None where its cells say it all; `line_of` gives the 1-based line
    that a row begins in by its row number, None where lines are not known. `repairs` are what
    salvage has put right in them.
    """

    batch: pa.RecordBatch
    malformed: list[Reject] = field(default_factory=list)
    raw_of: Callable[[int], Any] | None = None
    line_of: Callable[[int], int] | None = None
    repairs: list[Repair] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of the file that this chunk stands for."""
        return int(self.batch.num_rows) + len(self.malformed)


RawChunks = Iterator[RawChunk]


def repairs_alone(repairs: list[Repair]) -> RawChunk:
    """Return a chunk without rows: repairs that are known after the last of them."""
    nothing = pa.RecordBatch.from_arrays([pa.array([], pa.int64())], [ROW_NUMBER])
    return RawChunk(nothing, repairs=repairs)


def row_numbers(first: int, rows: int) -> pa.Array:
    """Return the row numbers of `rows` rows, counted from `first` (int64)."""
    counted = np.arange(first, first + rows, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(counted)])
