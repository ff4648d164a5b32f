from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline.errors import InvalidPlanError, StepError
from pipeline.plan import ROW_NUMBER
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
        ("raising", "raising raised ValueError: no such thing"),
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
