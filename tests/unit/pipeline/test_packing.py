from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.packing import FIRST, UNPACKED, packed, unpacked
from pipeline.plan import ROW_NUMBER
from tests.unit.pipeline.support import batch_with

INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR_LIMITS = st.sampled_from([2**power + step for power in (7, 15, 31) for step in (-1, 0, 1)])
INTEGERS = st.one_of(st.integers(-200, 200), NEAR_LIMITS, NEAR_LIMITS.map(lambda n: -n), INT64)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENTS = st.one_of(
    st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
)
TEXTS = st.sampled_from([f"word {number}" for number in range(200)])


@st.composite
def columns(draw: st.DrawFn) -> pa.RecordBatch:
    """A batch with a column of each kind, whole or a slice of a longer one, with and without nulls.

    Columns are repeated, so that few distinct values stand for many rows.
    """
    rows, times = draw(st.integers(0, 12)), draw(st.sampled_from([1, 20]))

    def column(values: st.SearchStrategy[object], kind: pa.DataType) -> pa.Array:
        or_none = values if draw(st.booleans()) else values | st.none()
        drawn = draw(st.lists(or_none, min_size=rows, max_size=rows))
        return pa.array(drawn * times, kind)

    made = {
        ROW_NUMBER: column(INTEGERS, pa.int64()),
        "int": column(INTEGERS, pa.int64()),
        "small": column(st.integers(-100, 100), pa.int16()),
        "text": column(TEXTS, pa.string()),
        "encoded": column(TEXTS, pa.string()).dictionary_encode(),
        "moment": column(MOMENTS, pa.timestamp("us", tz="UTC")),
        "date": column(MOMENTS.map(datetime.date), pa.date32()),
        "double": column(st.floats(), pa.float64()),
        "half": column(st.floats(width=16), pa.float16()),
        "flag": column(st.booleans(), pa.bool_()),
        "list": column(st.lists(st.integers(0, 9), max_size=2), pa.list_(pa.int64())),
    }
    batch = pa.RecordBatch.from_arrays(list(made.values()), list(made))
    return batch.slice(draw(st.integers(0, 3)))


def bits(column: pa.Array) -> list[object]:
    """Values to compare: fractions bit by bit, so that -0.0 is not 0.0 and NaN is NaN."""
    values = column.to_pylist()
    if not pa.types.is_floating(column.type):
        return values
    return [value if value is None else struct.pack("d", value) for value in values]


@given(columns())
def test_what_is_packed_comes_out_as_it_was(batch: pa.RecordBatch) -> None:
    out = unpacked(packed(batch))

    assert out.schema.equals(batch.schema, check_metadata=True)
    out.validate(full=True)
    assert [bits(column) for column in out.columns] == [bits(column) for column in batch.columns]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([-128, None, 127], pa.int8()),
        ([-129, 0], pa.int16()),
        ([32767], pa.int16()),
        ([32768], pa.int32()),
        ([-(2**31)], pa.int32()),
        ([2**31], pa.int64()),
        ([None, None], pa.int8()),
    ],
)
def test_integers_take_the_smallest_type_that_holds_them(
    values: list[int | None], kind: pa.DataType
) -> None:
    out = packed(batch_with(n=pa.array(values, pa.int64())))

    assert out.schema.field("n").type == kind
    assert out.column("n").cast(pa.int64()).to_pylist() == values


def test_what_lies_below_a_null_does_not_count() -> None:
    values = pa.py_buffer(struct.pack("3q", 1, 2**60, 3))
    column = pa.Array.from_buffers(pa.int64(), 3, [pa.py_buffer(b"\x05"), values])

    out = packed(batch_with(n=column))

    assert out.schema.field("n").type == pa.int8()
    assert out.column("n").to_pylist() == [1, None, 3]


def test_indices_take_the_smallest_type() -> None:
    column = pa.array([str(number) for number in range(200)] * 2).dictionary_encode()

    out = packed(batch_with(t=column))

    assert out.schema.field("t").type.index_type == pa.int16()
    assert out.column("t").dictionary_decode() == column.dictionary_decode()


def test_row_numbers_are_steps_from_the_first() -> None:
    numbers = pa.array([2**40, 2**40 + 1, 2**40 + 5, 2**40 + 5])

    out = packed(pa.RecordBatch.from_arrays([numbers], [ROW_NUMBER]))

    field = out.schema.field(ROW_NUMBER)
    assert out.column(ROW_NUMBER).to_pylist() == [0, 1, 4, 0]
    assert field.type == pa.int8()
    assert field.metadata == {UNPACKED.encode(): b"int64", FIRST.encode(): str(2**40).encode()}


def test_moments_of_few_distinct_values_are_encoded_by_these() -> None:
    out = packed(batch_with(at=pa.array([NOON] * 50, pa.timestamp("us", tz="UTC"))))

    assert pa.types.is_dictionary(out.schema.field("at").type)
    assert out.column("at").dictionary.to_pylist() == [NOON]


@pytest.mark.parametrize("repeated", [1, 3])
def test_doubles_of_many_distinct_values_stay_as_they_are(repeated: int) -> None:
    column = pa.array([number / 7 for number in range(2000)] * repeated)

    out = packed(batch_with(x=column))

    assert out.schema.field("x").type == pa.float64()
    assert out.column("x").equals(column)


def test_a_column_that_had_many_distinct_values_is_not_tried_again() -> None:
    varied: set[str] = set()
    few = batch_with(x=pa.array([0.5] * 2000), y=pa.array([0.5] * 2000))

    packed(
        batch_with(x=pa.array([number / 7 for number in range(2000)]), y=few.column("y")), varied
    )
    out = packed(few, varied)

    assert out.schema.field("x").type == pa.float64()
    assert pa.types.is_dictionary(out.schema.field("y").type)
    assert unpacked(out).equals(few)


def test_metadata_of_others_is_kept() -> None:
    schema = pa.schema([pa.field("n", pa.int64(), metadata={"unit": "min"})], {"of": "somebody"})
    batch = pa.RecordBatch.from_arrays([pa.array([1], pa.int64())], schema=schema)

    assert unpacked(packed(batch)).schema.equals(schema, check_metadata=True)


def test_a_batch_that_was_not_packed_stays_as_it_is() -> None:
    batch = batch_with(n=[1, 2], t=["a", "b"])

    out = unpacked(batch)

    assert out.schema.equals(batch.schema, check_metadata=True)
    assert out.equals(batch)
