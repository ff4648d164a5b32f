"""Keys that are in no row of a lookup, against Python's own counting."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.profile_keys import TOP_KEYS, MissingKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = st.tuples(st.none() | st.sampled_from("abcd"), st.none() | st.integers(0, 3))
ROWS = st.lists(st.tuples(KEYS, st.booleans()), min_size=1, max_size=30)


def told(
    batches: list[list[tuple[tuple[Any, ...], bool]]],
    kept: int = 1000,
    kinds: Sequence[pa.DataType | None] = (None,),
) -> dict[str, Any]:
    """What is told of batches of keys, each with whether it was found."""
    missing = MissingKeys(kept)
    for batch in batches:
        parts = zip(*(key for key, _ in batch), strict=True)
        columns = [pa.array(part, kind) for part, kind in zip(parts, kinds, strict=False)]
        missing.add(columns, pa.array([1 if found else None for _, found in batch], pa.int32()))
    return missing.told()


@given(st.lists(ROWS, max_size=5))
def test_keys_of_several_parts_are_counted(
    batches: list[list[tuple[tuple[Any, ...], bool]]],
) -> None:
    """Fewer than are told, so that all are."""
    rows = Counter(
        key for batch in batches for key, found in batch if not found and None not in key
    )

    found = told(batches, kinds=(pa.string(), pa.int64()))

    assert (found["exact"], found["distinct_missing"]) == (True, len(rows))
    assert {tuple(key): count for key, count in found["top_missing"]} == dict(rows)
    counts = [count for _, count in found["top_missing"]]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("encoded", [False, True])
def test_the_most_frequent_keys_are_told(encoded: bool) -> None:
    keys = [f"k{at:02}" for at in range(40) for _ in range(at + 1)]
    column = pa.array(keys)
    missing = MissingKeys()
    for _ in range(3):
        given_ = column.dictionary_encode() if encoded else column
        missing.add([given_], pa.nulls(len(keys), pa.int32()))

    found = missing.told()

    assert found["distinct_missing"] == 40
    assert found["top_missing"] == [[[f"k{at:02}"], 3 * (at + 1)] for at in range(39, 19, -1)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (dt.date(2024, 2, 29), "2024-02-29"),
        (dt.datetime(2024, 2, 29, 1, tzinfo=dt.UTC), "2024-02-29T01:00:00+00:00"),
        (7, 7),
        (True, True),
    ],
)
def test_keys_are_told_as_json_has_them(value: object, shown: object) -> None:
    assert told([[((value,), False)]])["top_missing"] == [[[shown], 1]]


def test_beyond_a_number_of_keys_the_frequent_ones_stay() -> None:
    """A hundred batches of keys that never come again, and one key in all of them."""
    batches = [
        [((f"{batch}-{row}",), False) for row in range(50)] + [(("often",), False)] * 2
        for batch in range(100)
    ]

    found = told(batches, kept=30)

    assert found["exact"] is False
    assert found["top_missing"][0] == [["often"], 200]
    assert len(found["top_missing"]) == TOP_KEYS
    assert 30 < found["distinct_missing"] <= 5001


def test_keys_that_are_kept_are_bounded() -> None:
    missing = MissingKeys(100)
    for batch in range(50):
        keys = pa.array([f"{batch}-{row}" for row in range(90)])
        missing.add([keys], pa.nulls(90, pa.int32()))
        assert sum(len(counts.rows) for counts in missing._found) <= 4 * 100

    assert missing.told()["exact"] is False


def test_long_keys_are_cut_and_said_to_be() -> None:
    keys = [(("x" * 200 + ending,), False) for ending in "ab"] + [(("y",), False)]

    found = told([keys])

    assert found["exact"] is False
    assert found["top_missing"][0][0] == ["x" * 100 + "…"]


def test_without_missing_keys_there_is_nothing_to_tell() -> None:
    none = {"exact": True, "distinct_missing": 0, "top_missing": []}
    assert (
        told([])
        == told([[(("a",), True)]])
        == told([[((None,), False)]], kinds=(pa.string(),))
        == none
    )


def test_what_cannot_be_counted_fails_who_asks_and_not_who_counts() -> None:
    missing = MissingKeys()
    unequal = pa.nulls(2, pa.int32())
    missing.add([pa.array(["a"])], unequal)
    missing.add([pa.array(["a"])], pa.nulls(1, pa.int32()))

    with pytest.raises(pa.ArrowInvalid):
        missing.told()
