from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipeline.buffers import new_memory, widened


@pytest.mark.parametrize("wide", [pa.int16(), pa.int32(), pa.int64()])
def test_a_wider_type_holds_the_same_integers(wide: pa.DataType) -> None:
    column = pa.array([-128, None, 127, 0, None, 5], pa.int8())

    for part in (column, column.slice(1, 4), column.slice(2, 1), column.slice(0, 0)):
        out = widened(part, wide)
        out.validate(full=True)
        assert out.type == wide
        assert out.to_pylist() == part.to_pylist()


def test_what_is_filled_into_memory_stands_in_its_buffer() -> None:
    data, view = new_memory(3, np.int64)

    view[:] = [1, -2, 2**40]

    assert pa.Array.from_buffers(pa.int64(), 3, [None, data]).to_pylist() == [1, -2, 2**40]
