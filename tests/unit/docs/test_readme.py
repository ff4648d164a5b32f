"""The README is executed: its commands exist, its links lead somewhere, its dataset compiles."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import typer.main
import yaml

from cli.main import app
from functions.clean.core import clean
from infra import machine
from pipeline import constants
from pipeline.authoring.dataset import compiled_dataset
from pipeline.constants import STAGES, state_name
from pipeline.errors import PipelineError, leaves

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")


def fenced(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_verbs_exist_and_all_are_named() -> None:
    verbs = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert set(re.findall(r"`pipeline ([a-z-]+)", README)) == verbs


def test_diagram_names_the_state_machine_s_states() -> None:
    (diagram,) = fenced("mermaid")
    arrows = re.findall(r"^ +(\S+) --> (\S+)", diagram, re.MULTILINE)
    named = {name for arrow in arrows for name in arrow} - {"[*]"}
    known = {getattr(constants, name) for name in dir(constants) if name.startswith("STATE_")}
    known |= {state_name(stage) for stage in STAGES}
    source = "".join(path.read_text("utf-8") for path in Path(machine.__file__).parent.glob("*.py"))
    for name in named - known:
        assert f'"{name}"' in source, name
    assert {state_name(stage) for stage in STAGES} <= named


def test_errors_named_in_the_table_of_failures_exist() -> None:
    names = {error.__name__ for error in leaves(PipelineError)}
    assert set(re.findall(r"\b\w+Error\b", README)) <= names


def test_dataset_shown_compiles(tmp_path: Path) -> None:
    # GIVEN the contract of the flights example with the steps that the README shows
    folder = tmp_path / "flights"
    shutil.copytree(ROOT / "datasets" / "flights", folder)
    columns, steps = fenced("yaml")
    (folder / "pipeline.yaml").write_text(steps, "utf-8")
    # THEN they fit together, and the columns shown are the contract's own
    assert compiled_dataset(folder).plan is not None
    contract = yaml.safe_load((folder / "contract.odcs.yaml").read_text("utf-8"))
    for shown in yaml.safe_load(columns):
        assert shown in contract["schema"][0]["properties"]


@pytest.mark.parametrize("block", fenced("python"))
def test_python_shown_runs(block: str) -> None:
    plan = compiled_dataset(ROOT / "datasets" / "flights").plan
    exec(block, {"pd": pd, "clean": clean, "plan": plan})
