from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.arrow_types import LOGICAL, arrow_type, column_type
from pipeline.errors import InvalidPlanError
from pipeline.plan_contract import Column

SUPPORTED = [
    pa.string(),
    pa.bool_(),
    pa.date32(),
    pa.time64("us"),
    pa.binary(),
    pa.int8(),
    pa.uint64(),
    pa.float32(),
    pa.float64(),
    pa.timestamp("us"),
    pa.timestamp("us", tz="UTC"),
    pa.timestamp("ns"),
    pa.decimal128(18, 3),
    pa.decimal128(38, 0),
]


@pytest.mark.parametrize("kind", SUPPORTED, ids=str)
def test_a_type_is_found_by_the_name_it_prints_as(kind: pa.DataType) -> None:
    assert arrow_type(str(kind)) == kind


@pytest.mark.parametrize("name", ["struct<a: int32>", "list<item: int64>", "", "INT64"])
def test_other_types_are_refused_with_a_remedy(name: str) -> None:
    with pytest.raises(InvalidPlanError, match="Cast the expression"):
        arrow_type(name)


@pytest.mark.parametrize("logical", LOGICAL)
def test_each_logical_type_can_be_written_into_a_plan(logical: str) -> None:
    assert arrow_type(str(column_type(Column("a", logical)))) == LOGICAL[logical]


def test_only_timestamps_without_timezone_differ() -> None:
    assert column_type(Column("a", "timestamp", timezone=False)) == pa.timestamp("us")
    assert column_type(Column("a", "timestamp")) == pa.timestamp("us", tz="UTC")
    assert column_type(Column("a", "date", timezone=False)) == pa.date32()
