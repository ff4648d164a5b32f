"""NumPy's view of Arrow columns and back, without copies.

Not `column.to_numpy()` and `pa.array`, which import pandas where it is installed: a second at cold
start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa


def memory_of(column: pa.Array, kind: Any) -> np.ndarray[Any, Any]:
    """Return the memory of a null-free fixed-width column, as elements of `kind`."""
    width = np.dtype(kind).itemsize
    data = column.buffers()[1]
    return np.frombuffer(data, dtype=kind, count=len(column), offset=column.offset * width)


def boolean_array(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
    """Return a mask as an Arrow array."""
    bits = pa.py_buffer(np.packbits(mask, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, bits])


def int64_array(numbers: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    """Return 64-bit integers as an Arrow array."""
    data = pa.py_buffer(np.ascontiguousarray(numbers, dtype=np.int64))
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, data])


def mask_of(column: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a null-free boolean column as a mask."""
    mask: np.ndarray[Any, np.dtype[np.bool_]] = memory_of(column.cast(pa.uint8()), np.uint8).astype(
        np.bool_
    )
    return mask
