"""Transform: Python steps, functions of the dataset's `steps.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pytest

from functions.transform.core import TransformState, transform
from pipeline.errors import StepError
from tests.unit.functions.readings import COLUMNS, readings

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf


STEPS = """
import pandas as pd


def doubled(frame):
    return 2 * frame["month"]


def named(frame):
    return frame.assign(word=frame["word"].str.upper(), size=frame["word"].str.len())


def reordered(frame):
    return frame.sort_values("month", ascending=False)["month"]


def shorter(frame):
    return frame[frame["month"] > 1]


def nothing(frame):
    return None


def broken(frame):
    if len(frame):
        raise ValueError("no such month")
    return frame
"""


def test_python_step_adds_a_series_under_its_name(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "transform: [{python: doubled}]", steps=STEPS)

    # WHEN
    result = transform(readings(month=[1, None]), plan)

    # THEN
    assert result.frame["doubled"].tolist() == [2, pd.NA]


def test_python_step_may_return_a_whole_frame(plan_of: PlanOf) -> None:
    # GIVEN a Python step between two in SQL
    plan = plan_of(
        COLUMNS,
        "transform: [{filter: month > 1}, {python: named}, {derive: {half: size / 2}}]",
        steps=STEPS,
    )

    # WHEN
    result = transform(readings(month=[1, 2], word=["a", "bcd"]), plan)

    # THEN
    assert result.frame["word"].tolist() == ["BCD"]
    assert result.frame["half"].tolist() == [1.5]


def test_series_of_a_python_step_is_aligned_by_its_index(plan_of: PlanOf) -> None:
    # GIVEN a step that sorts: pandas puts each value to its row
    plan = plan_of(COLUMNS, "transform: [{python: reordered}]", steps=STEPS)

    # WHEN
    result = transform(readings(month=[1, 3, 2]), plan)

    # THEN
    assert result.frame["reordered"].tolist() == [1, 3, 2]


def test_rows_keep_their_numbers_past_every_step(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(
        COLUMNS,
        """
        transform:
          - filter: month <> 2
          - python: named
          - rename: {year: y}
          - derive: {z: month}
          - select: [z]
        """,
        steps=STEPS,
    )
    numbered = pa.RecordBatch.from_pydict(
        {
            "year": pa.array([1, 1, 1], pa.int64()),
            "month": pa.array([1, 2, 3], pa.int64()),
            "word": pa.array(["a", "b", "c"]),
            "_row_number": pa.array([17, 18, 21], pa.int64()),
        }
    )

    # WHEN
    result = transform.arrow(numbered, plan, TransformState(plan))

    # THEN
    assert result.frame.to_pydict() == {"z": [1, 3], "_row_number": [17, 21]}


def test_step_that_raises_is_named_with_what_it_raised(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "transform: [{python: broken}]", steps=STEPS)

    # WHEN
    with pytest.raises(StepError) as failed:
        transform(readings(month=[1]), plan)

    # THEN with the row, and the line that raised
    line = 1 + STEPS.splitlines().index('        raise ValueError("no such month")')
    said = f"broken raised ValueError at row 1 (steps.py:{line}): no such month."
    assert said in str(failed.value)
    assert failed.value.step == "broken"


def test_categories_come_out_as_text(plan_of: PlanOf) -> None:
    # GIVEN
    steps = "def step(frame):\n    return frame.assign(word=frame['word'].astype('category'))\n"
    plan = plan_of(COLUMNS, "transform: [{python: step}]", steps=steps)

    # WHEN
    result = transform(readings(word=["a", None]), plan)

    # THEN
    assert result.frame["word"].tolist() == ["a", pd.NA]
    assert plan.schemas["transform"]["word"] == "string"


@pytest.mark.parametrize(
    ("step", "said"),
    [("shorter", "made 1 rows of 2"), ("nothing", "returned NoneType")],
)
def test_python_step_must_return_all_rows(plan_of: PlanOf, step: str, said: str) -> None:
    # GIVEN a step that does so only where there are rows
    steps = STEPS + f"\n\ndef step(frame):\n    return {step}(frame) if len(frame) else frame\n"
    plan = plan_of(COLUMNS, "transform: [{python: step}]", steps=steps)

    # WHEN
    with pytest.raises(StepError, match=said) as failed:
        transform(readings(month=[1, 2]), plan)

    # THEN
    assert failed.value.step == "step"


@pytest.mark.parametrize(
    "returned",
    ["frame.drop(columns='word')", "frame.assign(month='soon')"],
    ids=["without a column", "of another type"],
)
def test_python_step_must_keep_to_the_columns_it_showed_at_compile_time(
    plan_of: PlanOf, returned: str
) -> None:
    # GIVEN a step whose columns depend on the data
    steps = f"def step(frame):\n    return {returned} if len(frame) else frame\n"
    plan = plan_of(COLUMNS, "transform: [{python: step}]", steps=steps)

    # WHEN
    with pytest.raises(StepError) as failed:
        transform(readings(month=[1]), plan)

    # THEN
    assert "word" in str(failed.value) or "month" in str(failed.value)
