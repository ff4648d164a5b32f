"""Sorting of output rows: in memory or through runs on the disk, the same order."""

from __future__ import annotations

import errno
import math
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.write import sorting
from functions.write.sorting import SortedRows
from pipeline.errors import DiskLimitError

ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, -1.5, 0.0, 2.0, math.nan]), st.sampled_from([None, "", "a", "é"])
    ),
    min_size=1,
    max_size=60,
)
ORDERS = st.sampled_from([("x",), ("-x",), ("t", "-x"), ("-t", "x")])


def expected(rows: list[tuple[Any, Any]], sort_by: tuple[str, ...]) -> list[int]:
    """Places of the rows in order: values, then NaN, then nulls, whatever the direction."""

    def rank(at: int) -> list[Any]:
        ranks = []
        for name in sort_by:
            value = rows[at]["xt".index(name.removeprefix("-"))]
            place = 2 if value is None else 1 if value != value else 0  # noqa: PLR0124 - NaN
            number = ["", "a", "é"].index(value) if isinstance(value, str) else value
            ranks.append((place, 0 if place else (-number if name.startswith("-") else number)))
        return ranks

    return sorted(range(len(rows)), key=rank)


def batch(rows: list[tuple[Any, Any]], first: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "x": pa.array([row[0] for row in rows], pa.float64()),
            "t": pa.array([row[1] for row in rows], pa.string()).dictionary_encode(),
            "at": pa.array(range(first, first + len(rows)), pa.int64()),
        }
    )


BOUNDS = st.fixed_dictionaries(
    {
        "_BLOCK_ROWS": st.sampled_from([1, 3, 100]),
        "_MERGED_BYTES": st.sampled_from([1, 300, 10**6]),
    }
)


@given(ROWS, ORDERS, st.integers(1, 9), st.integers(0, 4), BOUNDS)
def test_rows_are_in_order_however_they_came_and_were_spilled(
    rows: list[tuple[Any, Any]],
    sort_by: tuple[str, ...],
    size: int,
    spill: int,
    bounds: dict[str, int],
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
    ):
        for name, value in bounds.items():
            patch.setattr(sorting, name, value)
        collected = SortedRows(sort_by, Path(folder))
        for number, at in enumerate(range(0, len(rows), size), start=1):
            collected.add(batch(rows[at : at + size], at))
            if spill and number % spill == 0:
                collected.spill()
        found = [at for table in collected.tables() for at in table.column("at").to_pylist()]
        left = list(Path(folder).iterdir())

    assert found == expected(rows, sort_by)
    assert left == []


def test_no_rows_are_no_tables(tmp_path: Path) -> None:
    assert list(SortedRows(("x",), tmp_path).tables()) == []


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskLimitError), (5, OSError)])
def test_full_disk_has_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(pa.ipc, "new_file", full)
    rows = SortedRows(("x",), tmp_path)
    rows.add(batch([(1.0, "a")], 0))

    with pytest.raises(error):
        rows.spill()
