from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.accounting import RowCounts
from pipeline.frames import (
    ArrowResult,
    StageResult,
    batch_of,
    frame_of,
    stage_core,
    with_columns,
)
from pipeline.plan import ROW_NUMBER, Plan
from tests.unit.pipeline.support import batch_with, plan_of

PLAN = plan_of({"n": "integer"})


class Memory:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows = 0


@stage_core(state=Memory)
def doubled(batch: pa.RecordBatch, _plan: Plan, state: Memory) -> ArrowResult:
    """Double the numbers."""
    state.rows += batch.num_rows
    twice = with_columns(batch, {"n": pc.multiply(batch.column("n"), 2)})
    return StageResult(twice, counts=RowCounts(read=state.rows))


def test_a_core_takes_and_returns_data_frames() -> None:
    result = doubled(pd.DataFrame({"n": [1, 2]}), PLAN)

    assert result.frame["n"].tolist() == [2, 4]
    assert list(result.frame.columns) == ["n"]
    assert result.counts.read == 2


def test_a_core_forgets_between_files_and_remembers_with_a_state() -> None:
    frame, memory = pd.DataFrame({"n": [1, 2]}), Memory(PLAN)

    assert [doubled(frame, PLAN).counts.read for _ in range(2)] == [2, 2]
    assert [doubled(frame, PLAN, memory).counts.read for _ in range(2)] == [2, 4]


def test_a_core_keeps_its_arrow_function_and_its_name() -> None:
    batch = batch_with(n=[1])

    assert doubled.arrow(batch, PLAN, Memory(PLAN)).frame.column("n").to_pylist() == [2]
    assert doubled.__name__ == "doubled"
    assert doubled.__doc__ == "Double the numbers."


@pytest.mark.parametrize("dtype", ["str", "object", "string", "category", "string[pyarrow]"])
def test_text_of_any_pandas_kind_comes_as_text(dtype: str) -> None:
    batch = batch_of(pd.DataFrame({"t": pd.Series(["a", None], dtype=dtype)}))

    column = batch.column("t")
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    assert plain.type == pa.string()
    assert plain.to_pylist() == ["a", None]


def test_columns_of_nothing_but_nulls_are_text() -> None:
    assert batch_of(pd.DataFrame({"t": [None, None]})).schema.field("t").type == pa.string()


def test_rows_are_numbered_from_one_whatever_the_index() -> None:
    batch = batch_of(pd.DataFrame({"n": [1, 2]}, index=[7, 9]))

    assert batch.column(ROW_NUMBER).to_pylist() == [1, 2]
    assert batch.schema.metadata is None


def test_row_numbers_of_the_frame_are_kept() -> None:
    batch = batch_of(pd.DataFrame({"n": [1, 2], ROW_NUMBER: [5, 7]}))

    assert batch.column(ROW_NUMBER).to_pylist() == [5, 7]


def test_a_frame_is_arrow_backed_and_plain() -> None:
    frame = frame_of(batch_with(t=pa.array(["a", None]).dictionary_encode(), n=pa.array([1, None])))

    assert frame.dtypes.astype(str).to_dict() == {"t": "string[pyarrow]", "n": "int64[pyarrow]"}
    assert frame["n"].isna().tolist() == [False, True]


def test_columns_are_replaced_in_place_and_appended_where_new() -> None:
    batch = with_columns(batch_with(a=[1], b=[2]), {"c": pa.array([3]), "a": pa.array([4])})

    assert batch.to_pylist() == [{"a": 4, "b": 2, ROW_NUMBER: 1, "c": 3}]
    assert batch.schema.names == ["a", "b", ROW_NUMBER, "c"]
