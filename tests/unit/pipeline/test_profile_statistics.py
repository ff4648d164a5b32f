"""Statistics of columns, against Python's own counting and NumPy's histogram."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.profile_statistics import BINS, TOP_VALUES, shown_text, statistics

INT64 = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
EXACT = st.decimals(-9999, 9999, places=2, allow_nan=False)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=5)


def told(values: list[Any], kind: pa.DataType, *, masked: bool = False) -> Any:
    """The statistics, as JSON brings them to who reads them."""
    found = statistics(pa.array(values, kind), masked=masked)
    return json.loads(json.dumps(found, allow_nan=False))


def lists_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values, max_size=60)


def counted(values: list[Any], edges: list[Any]) -> list[int]:
    """How many values lie in each bin, one by one; the last one has its upper edge in it."""
    found = [0] * (len(edges) - 1)
    for value in values:
        inside = [at for at in range(len(found)) if edges[at] <= value < edges[at + 1]]
        found[inside[0] if inside else -1] += 1
    return found


# --- Numbers -----------------------------------------------------------------------------------


@given(lists_of(INT64 | st.integers(-30, 30)))
def test_integers(values: list[int | None]) -> None:
    there = [value for value in values if value is not None]

    found = told(values, pa.int64())

    assert (found["values"], found["distinct"]) == (len(there), len(set(there)))
    if not there:
        assert found.keys() == {"values", "distinct"}
        return
    assert (found["min"], found["max"]) == (min(there), max(there))
    edges = found["histogram"]["edges"]
    assert edges[0] == min(there)
    assert edges[-2] <= max(there) < edges[-1]
    assert len({end - start for start, end in pairwise(edges)}) == 1
    assert len(edges) <= BINS + 1
    assert found["histogram"]["counts"] == counted(there, edges)


def test_bins_of_integers_are_whole_so_that_none_is_empty_for_want_of_one() -> None:
    months = [month for month in range(1, 13) for _ in range(month)]

    found = told(months, pa.int32())["histogram"]

    assert found == {"edges": list(range(1, 14)), "counts": list(range(1, 13))}


@given(lists_of(st.floats()))
def test_floating_point(values: list[float | None]) -> None:
    there = [value for value in values if value is not None]
    real = [value for value in there if not math.isnan(value)]
    finite = [value for value in real if math.isfinite(value)]

    found = told(values, pa.float64())

    assert found["values"] == len(there)
    assert found["distinct"] == len(set(real)) + (len(real) < len(there))
    if not finite:
        assert "histogram" not in found
        return
    assert (found["min"], found["max"]) == (min(finite), max(finite))
    edges, counts = found["histogram"]["edges"], found["histogram"]["counts"]
    assert edges == sorted(edges)
    assert len(counts) == len(edges) - 1
    assert sum(counts) == len(finite)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=60, unique=True))
def test_bins_of_floating_point_are_as_numpy_has_them(values: list[float]) -> None:
    found = told(values, pa.float32())["histogram"]

    expected, _ = np.histogram(np.array(values, np.float64), bins=np.array(found["edges"]))

    assert found["counts"] == expected.tolist()
    assert np.allclose(np.diff(found["edges"]), (max(values) - min(values)) / BINS, rtol=1e-3)


def test_equal_numbers_are_one_bin_around_them() -> None:
    assert told([2.0, 2.0], pa.float64())["histogram"] == {"edges": [1.5, 2.5], "counts": [2]}


@given(st.lists(EXACT, min_size=1, max_size=40))
def test_decimals(values: list[Decimal]) -> None:
    found = told(values, pa.decimal128(10, 2))

    assert (found["values"], found["distinct"]) == (len(values), len(set(values)))
    assert (Decimal(found["min"]), Decimal(found["max"])) == (min(values), max(values))
    assert sum(found["histogram"]["counts"]) == len(values)


# --- Moments -----------------------------------------------------------------------------------


@given(st.lists(st.dates(), min_size=1, max_size=60))
def test_dates(values: list[dt.date]) -> None:
    found = told(values, pa.date32())

    assert (found["min"], found["max"]) == (min(values).isoformat(), max(values).isoformat())
    assert found["distinct"] == len(set(values))
    assert sum(found["histogram"]["counts"]) == len(values)


def test_bins_of_dates_are_whole_days() -> None:
    days = [dt.date(2024, 2, 28), dt.date(2024, 3, 1), dt.date(2024, 3, 1)]

    found = told(days, pa.date32())["histogram"]

    assert found["edges"] == ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    assert found["counts"] == [1, 0, 2]


@pytest.mark.parametrize(("zone", "mark"), [(None, ""), ("UTC", "+00:00")])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps(zone: str | None, mark: str, unit: str) -> None:
    moments = [dt.datetime(2013, 1, 1, 5), dt.datetime(1969, 12, 31, 23, 59, 59)]

    found = told([*moments, None], pa.timestamp(unit, tz=zone))

    assert (found["min"], found["max"]) == (
        f"1969-12-31T23:59:59{mark}",
        f"2013-01-01T05:00:00{mark}",
    )
    assert found["histogram"]["edges"][0] == found["min"]
    assert sum(found["histogram"]["counts"]) == 2


@given(st.lists(MOMENTS, min_size=1, max_size=40))
def test_timestamps_are_counted_between_their_edges(values: list[dt.datetime]) -> None:
    found = told(values, pa.timestamp("us"))

    edges = [dt.datetime.fromisoformat(edge) for edge in found["histogram"]["edges"]]
    assert found["min"] == min(values).isoformat()
    assert found["histogram"]["counts"] == counted(values, edges)


@given(st.lists(st.times(), min_size=1, max_size=40))
def test_times_of_day(values: list[dt.time]) -> None:
    found = told(values, pa.time64("us"))

    assert (found["min"], found["max"]) == (min(values).isoformat(), max(values).isoformat())
    edges = [dt.time.fromisoformat(edge) for edge in found["histogram"]["edges"]]
    assert edges == sorted(edges)
    assert sum(found["histogram"]["counts"]) == len(values)


def test_moments_beyond_the_years_of_python_are_told_all_the_same() -> None:
    far = pa.array([2**62], pa.int64()).cast(pa.timestamp("us"))
    days = pa.array([2**30], pa.int32()).cast(pa.date32())

    assert statistics(far, masked=False)["min"].startswith("148108-")
    assert statistics(days, masked=False)["min"].startswith("2941775-")


# --- Text and booleans -------------------------------------------------------------------------


@given(lists_of(TEXT))
def test_texts(values: list[str | None]) -> None:
    there = [value for value in values if value is not None]
    rows = Counter(there)

    found = told(values, pa.string())

    assert (found["values"], found["distinct"]) == (len(there), len(rows))
    if there:
        assert (found["min"], found["max"]) == (min(there), max(there))
        assert dict(map(tuple, found["top"])).items() <= rows.items()
        assert [count for _, count in found["top"]] == [
            count for _, count in rows.most_common(TOP_VALUES)
        ]


def test_of_equally_frequent_texts_the_first_are_told() -> None:
    values = [f"{number:02}" for number in range(30)]

    found = told([*values, "29", "12"], pa.string())

    assert found["top"] == [["12", 2], ["29", 2], *([value, 1] for value in values[:8])]


def test_long_texts_are_cut() -> None:
    found = told(["a" * 101, "b" * 100], pa.string())

    assert found["top"] == [["a" * 100 + "…", 1], ["b" * 100, 1]]
    assert (found["min"], found["max"]) == ("a" * 100 + "…", "b" * 100)


@pytest.mark.parametrize("value", [5, None, True, "short"])
def test_what_is_no_long_text_is_shown_as_it_is(value: object) -> None:
    assert shown_text(value) is value


def test_booleans() -> None:
    found = told([True, False, True, None], pa.bool_())

    assert found == {"values": 3, "distinct": 2, "top": [[True, 2], [False, 1]]}


@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.float64(), pa.date32(), pa.null()])
def test_columns_without_values_have_no_more_than_numbers(kind: pa.DataType) -> None:
    assert told([], kind) == told([None], kind) == {"values": 0, "distinct": 0}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 1, None], pa.int64()),
        (["x", "y", "x", None], pa.string()),
        ([Decimal(1), Decimal(2), Decimal(1), None], pa.decimal128(5, 0)),
        ([b"x", b"y", b"x", None], pa.binary()),
    ],
)
def test_of_masked_columns_only_numbers_are_told(values: list[Any], kind: pa.DataType) -> None:
    assert told(values, kind, masked=True) == {"values": 3, "distinct": 2}
