from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.uniqueness import SeenKeys

KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "string": (pa.string(), st.text(max_size=2)),
    "int64": (pa.int64(), st.integers(-3, 3) | st.sampled_from([2**63 - 1, -(2**63)])),
    "int8": (pa.int8(), st.integers(-2, 2)),
    "double": (pa.float64(), st.sampled_from([0.0, -0.0, 1.0, 1.5, -1.5, 1e300])),
    "float": (pa.float32(), st.sampled_from([0.0, -0.0, 1.0, 1.5])),
    "bool": (pa.bool_(), st.booleans()),
    "date": (pa.date32(), st.dates(dt.date(2013, 1, 1), dt.date(2013, 1, 4))),
    "time": (pa.time64("us"), st.sampled_from([dt.time(0), dt.time(1, 2, 3)])),
    "timestamp": (
        pa.timestamp("us", tz="UTC"),
        st.sampled_from([dt.datetime(2013, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3)]),
    ),
    "decimal": (pa.decimal128(5, 2), st.sampled_from([Decimal("1.00"), Decimal("1.50")])),
}


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[pa.DataType], list[list[tuple[Any, ...]]]]:
    """Types of one to three key columns, and batches of their rows."""
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=3))
    rows = st.tuples(*(st.none() | KINDS[kind][1] for kind in kinds))
    batches = draw(st.lists(st.lists(rows, max_size=12), min_size=1, max_size=6))
    return [KINDS[kind][0] for kind in kinds], batches


@given(streams(), st.booleans())
def test_first_occurrences_are_those_of_a_set(
    stream: tuple[list[pa.DataType], list[list[tuple[Any, ...]]]], encoded: bool
) -> None:
    kinds, batches = stream
    keys, seen = SeenKeys(), set()

    for rows in batches:
        expected = []
        for row in rows:
            expected.append(row not in seen)
            seen.add(row)
        columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(kinds)]
        if encoded:
            columns = [c.dictionary_encode() if pa.types.is_string(c.type) else c for c in columns]

        assert keys.first_occurrences(columns).to_pylist() == expected


def test_encoding_may_change_from_batch_to_batch() -> None:
    keys = SeenKeys()

    assert keys.first_occurrences([pa.array(["a", "b"])]).to_pylist() == [True, True]
    encoded = pa.array(["c", "b"]).dictionary_encode()
    assert keys.first_occurrences([encoded]).to_pylist() == [True, False]


def test_slices_are_read_from_their_offset() -> None:
    column = pa.array([1, 2, None, 2, 3])

    assert SeenKeys().first_occurrences([column[1:4]]).to_pylist() == [True, True, False]


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS.values()], ids=str)
def test_a_batch_without_rows_has_no_keys(kind: pa.DataType) -> None:
    assert SeenKeys().first_occurrences([pa.array([], kind)]).to_pylist() == []


def test_many_batches_are_kept_in_few_runs() -> None:
    keys = SeenKeys()
    for batch in range(200):
        numbers = pa.array(range(batch * 50, batch * 50 + 100))
        expected = [batch == 0 or n >= batch * 50 + 50 for n in numbers.to_pylist()]
        assert keys.first_occurrences([numbers]).to_pylist() == expected

    assert len(keys._runs) <= 32
