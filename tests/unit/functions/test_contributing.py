"""The example in CONTRIBUTING.md, word for word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from functions.clean.core import clean

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf

TEXT = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text("utf-8")


def test_example_of_a_stage_test_passes(plan_of: PlanOf) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    defined: dict[str, Any] = {"pd": pd, "clean": clean}
    exec(block, defined)
    (test,) = (value for name, value in defined.items() if name.startswith("test_"))
    test(plan_of)


def test_folders_and_files_that_are_named_exist() -> None:
    root = Path(__file__).parents[3]
    for named in re.findall(r"\btests/[\w/.]+\w", TEXT):
        assert (root / named).exists(), named
