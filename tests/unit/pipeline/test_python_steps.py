from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline.errors import InvalidPlanError, StepError
from pipeline.plan import ROW_NUMBER
from pipeline.plan_contract import Column
from pipeline.python_steps import PythonSteps
from tests.unit.pipeline.support import batch_with, plan_of

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
import pandas as pd

def twice(frame): return frame["n"] * 2
def added(frame): return frame.assign(m=frame["n"] + 1)
def dropped(frame): return frame[["t"]]
def ordered(frame): return frame.sort_values("n", ascending=False)
def renumbered(frame): return frame.set_axis(list("xyz"))
def raising(frame): raise ValueError("no such thing")
def number(frame): return 42
def mixed(frame): return frame.assign(m=pd.Series([1, "a", 2.5], dtype=object)[: len(frame)])
def unlucky(frame):
    if (frame["n"] > 700).any():
        return frame["t"].map({"a": 1})["no such label"]
    return frame["n"]
def moved(frame): return frame["n"].set_axis(list("xyz"))
def fewer(frame): return frame.head(1)
def fewer_values(frame): return frame["n"].head(1)
"""
BATCH = batch_with(n=[1, 2, 3], t=["a", "b", None])


@pytest.fixture
def steps(tmp_path: Path) -> PythonSteps:
    (tmp_path / "steps.py").write_text(STEPS)
    return PythonSteps(replace(plan_of({"n": "integer"}), folder=tmp_path))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("twice", {"n": [1, 2, 3], "t": ["a", "b", None], "twice": [2, 4, 6]}),
        ("added", {"n": [1, 2, 3], "t": ["a", "b", None], "m": [2, 3, 4]}),
        ("dropped", {"t": ["a", "b", None]}),
        ("ordered", {"n": [1, 2, 3], "t": ["a", "b", None]}),
        ("moved", {"n": [1, 2, 3], "t": ["a", "b", None], "moved": [1, 2, 3]}),
        ("renumbered", {"n": [1, 2, 3], "t": ["a", "b", None]}),
    ],
)
def test_a_step_makes_columns_and_row_numbers_stay_with_their_rows(
    steps: PythonSteps, step: str, expected: dict[str, list[object]]
) -> None:
    made = steps.apply(BATCH, step)

    assert made.to_pydict() == {**expected, ROW_NUMBER: [1, 2, 3]}
    assert made.schema.field(ROW_NUMBER).type == pa.int64()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("raising", r"raising raised ValueError at row 1 \(steps\.py:9\): no such thing"),
        ("mixed", "mixed raised ArrowInvalid on the batch from row 1 to 3, though on none of its"),
        ("number", "number returned int"),
        ("fewer", "fewer made 1 rows of 3"),
        ("fewer_values", "fewer_values made 1 rows of 3"),
    ],
)
def test_a_step_that_fails_is_named(steps: PythonSteps, step: str, message: str) -> None:
    with pytest.raises(StepError, match=message) as raised:
        steps.apply(BATCH, step)

    assert raised.value.step == step
    assert raised.value.remedy


def test_a_failure_names_the_first_row_and_the_line(steps: PythonSteps) -> None:
    # GIVEN a step that fails on rows 701 to 900
    batch = batch_with(n=range(1, 901), t=["a"] * 900)

    with pytest.raises(StepError, match=r"KeyError at row 701 \(steps\.py:14\): 'no such label'"):
        steps.apply(batch, "unlucky")


def test_what_a_step_says_of_masked_values_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def bad(frame): raise ValueError(list(frame['t']))\n")
    columns = (Column("n", "integer"), Column("t", "string", masked=True))
    steps = PythonSteps(replace(plan_of({}), columns=columns, folder=tmp_path))

    with pytest.raises(StepError, match="raised ValueError at row 1") as raised:
        steps.apply(BATCH, "bad")

    assert "'a'" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_memory_that_runs_out_is_not_the_steps_fault(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def large(frame): raise MemoryError\n")
    steps = PythonSteps(replace(plan_of({"n": "integer"}), folder=tmp_path))

    with pytest.raises(MemoryError):
        steps.apply(BATCH, "large")


def test_a_function_that_is_not_there_is_the_plans_fault(steps: PythonSteps) -> None:
    with pytest.raises(InvalidPlanError, match="no function nothing"):
        steps.apply(BATCH, "nothing")


@pytest.mark.parametrize("folder", [True, False])
def test_a_dataset_without_steps_has_none(tmp_path: Path, folder: bool) -> None:
    plan = replace(plan_of({"n": "integer"}), folder=tmp_path if folder else None)

    with pytest.raises(InvalidPlanError, match=r"no steps\.py"):
        PythonSteps(plan).apply(BATCH, "twice")


def test_the_module_is_imported_once(tmp_path: Path) -> None:
    path = tmp_path / "steps.py"
    path.write_text(STEPS)
    steps = PythonSteps(replace(plan_of({"n": "integer"}), folder=tmp_path))
    steps.apply(BATCH, "twice")
    path.unlink()

    assert steps.apply(BATCH, "added").column("m").to_pylist() == [2, 3, 4]
