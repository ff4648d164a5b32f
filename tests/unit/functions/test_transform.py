"""Transform: derived, renamed, filtered and selected columns, in SQL and in Python."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

from functions.transform.core import TransformState, transform
from pipeline.authoring.build import DatasetError
from pipeline.errors import StepError
from pipeline.frames import batch_of
from tests.unit.functions.readings import COLUMNS, readings

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf


def test_derived_columns_see_their_row_and_each_other(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        COLUMNS,
        """
        transform:
          - derive:
              first: make_date(year, month, 1)
              quarter: quarter(first)
              label: "upper(word) || '-' || year"
              short: length(word) < 3
        """,
    )

    # WHEN
    result = transform(readings(year=[2024, 2023], month=[2, 12], word=["ab", "cde"]), plan)

    # THEN
    derived = result.frame[["first", "quarter", "label", "short"]].to_dict("list")
    assert derived == {
        "first": [dt.date(2024, 2, 1), dt.date(2023, 12, 1)],
        "quarter": [1, 4],
        "label": ["AB-2024", "CDE-2023"],
        "short": [True, False],
    }


def test_derived_column_may_take_the_place_of_another(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "transform: [{derive: {word: 'length(word)'}}]")

    # WHEN
    result = transform(readings(word=["abc", None]), plan)

    # THEN it stands where the old one stood, with the new type
    assert list(result.frame.columns) == ["year", "month", "word"]
    assert result.frame["word"].tolist() == [3, pd.NA]
    assert str(result.frame["word"].dtype) == "int64[pyarrow]"


def test_filter_keeps_rows_for_which_it_is_true(plan_of: PlanOf) -> None:
    # GIVEN a condition that is neither true nor false where the month is missing
    plan = plan_of(COLUMNS, "transform: [{filter: month > 6}]")

    # WHEN
    result = transform(readings(month=[7, 6, None, 12]), plan)

    # THEN
    assert result.frame["month"].tolist() == [7, 12]
    assert result.counts.filtered == 2
    assert result.rejects == []


def test_two_filters_count_together(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "transform: [{filter: month > 2}, {filter: month < 5}]")

    # WHEN
    result = transform(readings(month=[1, 2, 3, 4, 5]), plan)

    # THEN
    assert result.frame["month"].tolist() == [3, 4]
    assert result.counts.filtered == 3


def test_rename_select_and_drop_work_in_the_order_they_are_written(plan_of: PlanOf) -> None:
    # GIVEN names that are exchanged, and steps that use the new ones
    plan = plan_of(
        COLUMNS,
        """
        transform:
          - rename: {year: month, month: year}
          - derive: {sum: 100 * year + month}
          - drop: [year]
          - select: [sum, word, month]
        """,
    )

    # WHEN
    result = transform(readings(year=[1], month=[2], word=["x"]), plan)

    # THEN
    assert result.frame.to_dict("list") == {"sum": [201], "word": ["x"], "month": [1]}
    assert list(result.frame.columns) == ["sum", "word", "month"]


@pytest.mark.parametrize(
    ("transform_yaml", "named", "said"),
    [
        ("{derive: {n: 'word::INTEGER'}}", "derive n", "'x'"),
        ("{filter: 'word::INTEGER > 1'}", "filter", "'x'"),
    ],
)
def test_step_that_fails_on_the_data_is_named(
    plan_of: PlanOf, transform_yaml: str, named: str, said: str
) -> None:
    # GIVEN an expression that binds, and a value that it cannot be computed for
    plan = plan_of(COLUMNS, f"transform: [{transform_yaml}]")

    # WHEN
    with pytest.raises(StepError) as failed:
        transform(readings(month=[1], word=["x"]), plan)

    # THEN
    assert failed.value.step == named
    assert named in str(failed.value)
    assert said in str(failed.value)


def test_misspelt_column_is_an_error_before_anything_runs(plan_of: PlanOf) -> None:
    # WHEN
    with pytest.raises(DatasetError) as refused:
        plan_of(COLUMNS, "transform:\n  - derive:\n      x: yaer + 1\n")

    # THEN with file and line
    assert "pipeline.yaml:3:" in str(refused.value)
    assert "yaer" in str(refused.value)


@pytest.mark.parametrize("rows", [0, 3])
def test_types_are_those_that_the_plan_promises(plan_of: PlanOf, rows: int) -> None:
    # GIVEN an expression of each kind
    plan = plan_of(
        COLUMNS,
        """
        transform:
          - derive:
              a: year + month
              b: year / month
              c: word || 'x'
              d: year > 2000
              e: make_date(year, month, 1)
              f: make_timestamptz(year, month, 1, 0, 0, 0)
              g: make_timestamp(year, month, 1, 0, 0, 0)
              h: year::DECIMAL(9, 2)
              i: month::TINYINT
              j: "CASE WHEN month > 99 THEN 'never' END"
              k: "'constant'"
        """,
    )
    frame = readings(year=[2024] * rows, month=[1] * rows, word=["a"] * rows)

    # WHEN
    result = transform(frame, plan)

    # THEN the table of the query engine, made from the plan, fits the file
    types = {name: str(kind.pyarrow_dtype) for name, kind in result.frame.dtypes.items()}
    promised = {**plan.schemas["transform"], "e": "date32[day]"}
    assert types == promised
    assert promised["h"] == "decimal128(9, 2)"
    assert promised["f"] == "timestamp[us, tz=UTC]"
    assert len(result.frame) == rows


def test_text_may_be_dictionary_encoded(plan_of: PlanOf) -> None:
    # GIVEN text as it travels between the stages
    plan = plan_of(COLUMNS, "transform: [{derive: {w: \"word || '!'\"}}, {filter: word <> 'b'}]")
    batch = pa.RecordBatch.from_pydict(
        {
            "year": pa.array([1, 2, 3], pa.int64()),
            "month": pa.array([1, 2, 3], pa.int64()),
            "word": pa.array(["a", "b", "a"]).dictionary_encode(),
            "_row_number": pa.array([1, 2, 3], pa.int64()),
        }
    )

    # WHEN
    result = transform.arrow(batch, plan, TransformState(plan))

    # THEN
    assert result.frame.column("w").to_pylist() == ["a!", "a!"]
    assert result.frame.column("word").to_pylist() == ["a", "a"]
    assert result.counts.filtered == 1


@pytest.mark.parametrize(("distinct", "encoded"), [(5, True), (2000, False)])
def test_new_text_is_encoded_where_it_repeats(
    plan_of: PlanOf, distinct: int, encoded: bool
) -> None:
    # GIVEN two batches of a file, the second one short
    plan = plan_of(COLUMNS, "transform: [{derive: {label: \"'no. ' || year\"}}]")
    state = TransformState(plan)
    years: list[object] = [n % distinct for n in range(2000)]
    batches = [batch_of(readings(year=years[:count])) for count in (2000, 2)]

    # WHEN
    labels = [transform.arrow(batch, plan, state).frame.column("label") for batch in batches]

    # THEN
    assert [pa.types.is_dictionary(each.type) for each in labels] == [encoded, encoded]
    assert labels[0].to_pylist() == [f"no. {year}" for year in years]
    assert labels[1].to_pylist() == ["no. 0", "no. 1"]


def test_filter_that_keeps_all_rows_keeps_them(plan_of: PlanOf) -> None:
    plan = plan_of(COLUMNS, "transform: [{filter: year > 0}]")

    result = transform(readings(year=[1, 2]), plan)

    assert result.frame["year"].tolist() == [1, 2]
    assert result.counts.filtered == 0
