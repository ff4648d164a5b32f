from __future__ import annotations

from unittest import mock

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from pipeline.distinct import Distinct, distinct, filled, plain, value_type

COLUMNS = st.lists(st.sampled_from(["a", "A", "b", " ", "", "é", None]), max_size=30)


def nothing_from_b(values: pa.Array) -> pa.Array:
    """Upper case, and no value where it is B."""
    upper = pc.utf8_upper(values)
    return pc.if_else(pc.equal(upper, "B"), pa.scalar(None, pa.string()), upper)


@given(COLUMNS)
def test_work_on_distinct_values_gives_what_work_on_rows_gives(rows: list[str | None]) -> None:
    column = pa.array(rows, pa.string())
    expected = [None if row in (None, "b") else row.upper() for row in rows]

    for kept in (column, column.dictionary_encode()):
        parts = distinct(kept)
        made = parts.encoded(nothing_from_b(parts.values))

        assert plain(made).to_pylist() == expected
        if pa.types.is_dictionary(made.type):
            words = made.dictionary.to_pylist()
            assert len(words) == len(set(words))
            assert None not in words


@given(COLUMNS)
def test_masks_and_entries_reach_their_rows(rows: list[str | None]) -> None:
    for column in (pa.array(rows, pa.string()), pa.array(rows, pa.string()).dictionary_encode()):
        parts = distinct(column)

        assert parts.mask(pc.equal(parts.values, "a")).to_pylist() == [row == "a" for row in rows]
        none = parts.mask(pc.equal(parts.values, "no such"))
        assert none.to_pylist() == [False] * len(rows)
        assert parts.lacking(parts.values).to_pylist() == [row is None for row in rows]
        assert parts.lacking(nothing_from_b(parts.values)).to_pylist() == [
            row in (None, "b") for row in rows
        ]
        lengths = parts.rows(pc.utf8_length(parts.values)).to_pylist()
        assert lengths == [None if row is None else len(row) for row in rows]


def test_rows_are_not_looked_at_where_no_value_is_marked() -> None:
    def untouched(_: pa.Array) -> pa.Array:
        raise AssertionError("rows were looked at")

    for column in (pa.array(["a"] * 9), pa.array(["a"] * 9).dictionary_encode()):
        parts = distinct(column)
        with mock.patch.object(Distinct, "rows", untouched):
            assert parts.mask(pc.equal(parts.values, "b")).to_pylist() == [False] * 9
            assert parts.lacking(parts.values).to_pylist() == [False] * 9


@given(COLUMNS, st.sampled_from(["a", "new", None]))
def test_rows_without_a_value_are_filled(rows: list[str | None], value: str | None) -> None:
    expected = [value if row is None else row for row in rows]
    column = pa.array(rows, pa.string())

    for kept in (column, column.dictionary_encode()):
        made = filled(kept, pa.scalar(value, pa.string()))

        assert plain(made).to_pylist() == expected
        assert made.type == kept.type
        if pa.types.is_dictionary(made.type):
            words = made.dictionary.to_pylist()
            assert len(words) == len(set(words))


def test_dictionary_with_hardly_any_repetition_is_decoded() -> None:
    assert distinct(pa.array(["a", "b", "a"]).dictionary_encode()).indices is None
    assert distinct(pa.array(["a", "a", "a", "b"]).dictionary_encode()).indices is not None


def test_value_type_looks_through_the_encoding() -> None:
    assert value_type(pa.dictionary(pa.int32(), pa.string())) == pa.string()
    assert value_type(pa.int64()) == pa.int64()
