"""128 bits for each row of key columns: equal for equal rows, whatever batch they are in.

A value's two words (BLAKE2b for text, its own bits for a number) are mixed with two constants of
the column's position; a row's are the sums of its columns'. The values of a column are mixed once
where few are distinct, or all lie close together; what is done per row is then two additions.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import mask_of, memory_of
from pipeline.distinct import plain, value_type
from pipeline.runs import Mask, Numbers, Words

Hashes = tuple[Words, Words]

_SEEDS: Final = (0x243F6A8885A308D3, 0x13198A2E03707344)
_NULL: Final = (np.uint64(0x452821E638D01377), np.uint64(0xBE5466CF34E90C6C))
"""No number's: its two words are the same."""
_WORD: Final = 2**64


def row_hashes(columns: list[pa.Array], begun: Hashes | None = None) -> Hashes:
    """Return 128 bits per row, from all columns in order; equal rows have equal ones.

    Parameters
    ----------
    begun
        The hashes of columns that stand before these.
    """
    rows = len(columns[0])
    high, low = (_mixed(words) for words in begun or np.zeros((2, rows), dtype=np.uint64))
    for at, column in enumerate(columns):
        values, row_at = _values(column)
        mixed = [_mixed(words ^ _seed(half, at)) for half, words in enumerate(values)]
        high += mixed[0] if row_at is None else mixed[0].take(row_at)
        low += mixed[1] if row_at is None else mixed[1].take(row_at)
    return high, low


def _seed(half: int, at: int) -> np.uint64:
    """What the words of a column's values are mixed with, by its position."""
    return np.uint64(_SEEDS[half] * (2 * at + 1) % _WORD)


def _values(column: pa.Array) -> tuple[Hashes, Numbers | None]:
    """Two words for each value, and where each row's are; None: they are in the rows' order."""
    if pa.types.is_decimal(value_type(column.type)):
        column = plain(column).cast(pa.string())
    if pa.types.is_string(value_type(column.type)):
        return _of_texts(column)
    column = plain(column)
    bits = _bits(column)
    absent = mask_of(pc.is_null(column)) if column.null_count else None
    least, most = (int(bits.min()), int(bits.max())) if len(bits) else (0, 0)
    if most - least < len(bits):
        return _of_range(bits, least, most, absent)
    words = bits.view(np.uint64)
    if absent is None:
        return (words, words), None
    return (np.where(absent, _NULL[0], words), np.where(absent, _NULL[1], words)), None


def _of_range(bits: Numbers, least: int, most: int, absent: Mask | None) -> tuple[Hashes, Numbers]:
    """Integers of a range that is shorter than the rows are many."""
    words = np.arange(least, most + 1, dtype=np.int64).view(np.uint64)
    row_at = bits - least
    if absent is not None:
        row_at[absent] = len(words)
    return (np.append(words, _NULL[0]), np.append(words, _NULL[1])), row_at


def _of_texts(column: pa.Array) -> tuple[Hashes, Numbers]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    hashed = b"".join(map(_text_hash, column.dictionary.to_pylist()))
    table = np.frombuffer(hashed, np.uint64).reshape(-1, 2)
    indices = column.indices.cast(pa.int64())
    row_at = memory_of(indices.fill_null(len(table)) if indices.null_count else indices, np.int64)
    return (np.append(table[:, 0], _NULL[0]), np.append(table[:, 1], _NULL[1])), row_at


def _text_hash(value: str) -> bytes:
    return hashlib.blake2b(value.encode(), digest_size=16).digest()


def _bits(column: pa.Array) -> Numbers:
    """64 bits of each number or moment, equal for equal values; nulls as zero."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.add(column.cast(pa.float64()), 0.0)  # -0.0 becomes 0.0
    elif pa.types.is_date32(kind) or pa.types.is_time32(kind):
        column = column.view(pa.int32()).cast(pa.int64())
    elif kind.bit_width < np.dtype(np.uint64).itemsize * 8:
        column = column.cast(pa.int64())
    numbers = column.view(pa.int64())
    return memory_of(pc.fill_null(numbers, 0) if numbers.null_count else numbers, np.int64)


def _mixed(words: Words) -> Words:
    """SplitMix64's finaliser: every input bit reaches every output bit."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
