"""Some rows of all batches, spread evenly over the file, however long it grows.

Rows are divided into blocks of 2^level rows, one of each is kept, and the level rises with the rows
seen. Which row of a block stands for it is decided by halves, by a hash of their places: a pattern
that comes back every so many rows is met at all its places, and the same file gives the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import int64_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from pipeline.distinct import Distinct

MOST_ROWS: Final = 8192
MOST_CELLS: Final = 1 << 16
"""Of all columns together: the more there are, the fewer rows."""
MOST_BYTES: Final = 2 * 1024 * 1024
TEXT_CHARACTERS: Final = 101
"""Of longer texts the beginning is kept: one character more than is shown, which tells them."""
_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio, odd."""
_PIECES: Final = 16
"""Batches of sampled rows that are kept one by one; more are joined, and thinned out."""


class Sample:
    """The sampled rows of a stage's batches, which all have the same columns.

    They take `MOST_BYTES` at most, and so do those that are yet to be thinned out.
    """

    def __init__(self) -> None:
        self._places = np.empty(0, np.int64)
        self._kept: list[pa.RecordBatch] = []
        self._bytes = 0
        self._seen = 0
        self._level = 0

    def add(self, columns: Mapping[str, Distinct], rows: int) -> None:
        """Take some rows of a batch that has so many.

        Parameters
        ----------
        columns
            Their values; those that are not text have a fixed width.
        """
        start, self._seen = self._seen, self._seen + rows
        most = max(1, min(MOST_ROWS, MOST_CELLS // max(1, len(columns))))
        self._level = max(self._level, (self._seen // (most + 1)).bit_length())
        places = chosen(self._level, start, self._seen)
        taken = _taken(columns, int64_array(places - start))
        self._places = np.concatenate([self._places, places])
        self._kept.append(taken)
        self._bytes += taken.nbytes
        if self._bytes > MOST_BYTES or len(self._kept) > _PIECES:
            self._thin_out()
        while self._bytes > MOST_BYTES and len(self._places) > 1:
            self._level += 1
            self._thin_out()

    def columns(self) -> tuple[dict[str, pa.Array], int]:
        """Return the values of the sampled rows by column, and the number of these rows."""
        if not self._kept:
            return {}, 0
        self._thin_out()
        (batch,) = self._kept
        columns = zip(batch.schema.names, batch.columns, strict=True)
        return {name: shortened(column) for name, column in columns}, len(self._places)

    def _thin_out(self) -> None:
        """Keep the rows that are chosen at the level at hand; earlier batches have more."""
        together = pa.concat_batches(self._kept)
        wanted = chosen(self._level, 0, self._places[-1] + 1) if len(self._places) else self._places
        if len(wanted) < len(self._places):
            together = together.take(int64_array(np.searchsorted(self._places, wanted)))
        self._kept, self._places, self._bytes = [together], wanted, together.nbytes


def chosen(level: int, start: int, stop: int) -> npt.NDArray[np.int64]:
    """Return the rows from `start` to before `stop` that stand for their blocks of 2^level rows.

    What is chosen at one level was chosen at all lower ones. A block whose row is yet to come has
    none.
    """
    places = np.arange(start >> level, ((stop - 1) >> level) + 1)
    for height in range(level, 0, -1):
        places = 2 * places + _second_half(places, height)
    return places[(places >= start) & (places < stop)]


def _second_half(blocks: npt.NDArray[np.int64], height: int) -> npt.NDArray[np.int64]:
    """1 for the blocks whose second half has the row that stands for them, else 0.

    The first bit of Knuth's multiplicative hash, with a factor of its own for each height.
    """
    mixed = blocks.astype(np.uint64) * np.uint64(_GOLDEN * (2 * height + 1) % 2**64)
    return (mixed >> np.uint64(63)).astype(np.int64)


def _taken(columns: Mapping[str, Distinct], rows: pa.Array) -> pa.RecordBatch:
    """Values of some rows; where texts are long, they are cut before they are copied."""
    values = [_bounded(column.values) for column in columns.values()]
    indices = [column.indices for column in columns.values()]
    of_rows = [each if at is None else at for each, at in zip(values, indices, strict=True)]
    taken = pa.RecordBatch.from_arrays(of_rows, list(columns)).take(rows).columns
    plain = [
        _bounded(found if at is None else pc.take(each, found, boundscheck=False))
        for each, at, found in zip(values, indices, taken, strict=True)
    ]
    return pa.RecordBatch.from_arrays(plain, list(columns))


def shortened(values: pa.Array) -> pa.Array:
    """Return texts without what is beyond the characters that are kept, others as they are."""
    if not pa.types.is_string(values.type):
        return values
    longest = np.diff(_offsets(values)).max(initial=0)
    return _cut(values) if longest > TEXT_CHARACTERS else values


def _bounded(values: pa.Array) -> pa.Array:
    """Values of not much more memory than `shortened` ones: a few long texts among short ones."""
    if not pa.types.is_string(values.type) or not len(values):
        return values
    offsets = _offsets(values)
    return _cut(values) if offsets[-1] - offsets[0] > TEXT_CHARACTERS * len(values) else values


def _cut(texts: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(texts, 0, TEXT_CHARACTERS)


def _offsets(texts: pa.Array) -> npt.NDArray[np.int32]:
    if not len(texts):
        return np.zeros(1, np.int32)
    offsets = np.frombuffer(texts.buffers()[1], np.int32)
    return offsets[texts.offset : texts.offset + len(texts) + 1]
