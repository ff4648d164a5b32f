"""Moments that the whole world of tools knows: Python and most readers go from year 1 to 9999."""

from __future__ import annotations

import struct
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_YEARS: Final = struct.pack("=qq", -62_135_596_800_000_000, 253_402_300_799_999_999)
"""First and last moment in microseconds since 1970. As bytes: `pa.scalar` would import pandas."""
_NANOSECONDS: Final = "ns"


def is_known_moment(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return the mask of dates or timestamps within the years 1 to 9999; nulls stay null."""
    years = pa.Array.from_buffers(pa.timestamp("us"), 2, [None, pa.py_buffer(_YEARS)])
    first, last = years.cast(values.type, safe=False)
    return pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last))


def can_be_unknown(kind: pa.DataType) -> bool:
    """Tell whether a type has moments of other years; nanoseconds reach from 1677 to 2262."""
    if pa.types.is_timestamp(kind):
        return bool(kind.unit != _NANOSECONDS)
    return bool(pa.types.is_date(kind))
