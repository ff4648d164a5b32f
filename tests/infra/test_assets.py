from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aws_cdk import FileSystem

from infra.assets import staged_assets
from infra.layers import LAYERS
from infra.settings import Target
from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_LOCAL_PYTHON, STAGES
from tests.infra.synthesis import ROOT, one_dataset

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("functions", "pipeline", "datasets", "tests/infra", "infra")


@pytest.fixture
def copied_sources(tmp_path: Path) -> Path:
    for folder in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / "sources" / folder, ignore=ignored)
    return tmp_path / "sources"


def hashes(root: Path, build: Path) -> dict[str, str]:
    assets = staged_assets(root=root, build=build, target=Target.AWS, compile_datasets=one_dataset)
    return {stage: FileSystem.fingerprint(str(folder)) for stage, folder in assets.items()}


def moved(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {stage for stage in STAGES if before[stage] != after[stage]}


def edit(file: Path) -> None:
    file.write_text(file.read_text() + "\n# edited\n")


@pytest.mark.parametrize("stage", STAGES)
def test_editing_a_stage_moves_its_asset_alone(
    copied_sources: Path, tmp_path: Path, stage: str
) -> None:
    # GIVEN the assets of all stages
    before = hashes(copied_sources, tmp_path)
    # WHEN one stage's code changes
    edit(copied_sources / "functions" / stage / "core.py")
    # THEN its own asset is another one, and no other is
    assert moved(before, hashes(copied_sources, tmp_path)) == {stage}


def test_editing_shared_code_moves_all_assets(copied_sources: Path, tmp_path: Path) -> None:
    before = hashes(copied_sources, tmp_path)
    edit(copied_sources / "pipeline" / "errors.py")
    assert moved(before, hashes(copied_sources, tmp_path)) == set(STAGES)


def test_editing_tests_infrastructure_and_compile_time_code_moves_none(
    copied_sources: Path, tmp_path: Path
) -> None:
    before = hashes(copied_sources, tmp_path)
    edit(copied_sources / "tests" / "infra" / "conftest.py")
    edit(copied_sources / "infra" / "stack.py")
    edit(copied_sources / "pipeline" / "authoring" / "build.py")
    (copied_sources / "functions" / "clean" / "notes.md").write_text("for us")
    (copied_sources / "functions" / "clean" / "__pycache__").mkdir()
    (copied_sources / "functions" / "clean" / "__pycache__" / "core.pyc").write_text("")
    assert moved(before, hashes(copied_sources, tmp_path)) == set()


def test_equal_sources_give_equal_assets_whatever_the_umask(tmp_path: Path) -> None:
    def built(name: str, umask: int) -> tuple[dict[str, str], set[int]]:
        previous = os.umask(umask)
        try:
            assets = staged_assets(
                root=ROOT,
                build=tmp_path / name,
                target=Target.LOCAL,
                compile_datasets=compile_datasets,
            )
        finally:
            os.umask(previous)
        files = [file for folder in assets.values() for file in folder.rglob("*") if file.is_file()]
        modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
        return {name: FileSystem.fingerprint(str(path)) for name, path in assets.items()}, modes

    assert built("first", 0o022) == built("second", 0o077)


@pytest.mark.parametrize("target", Target)
def test_asset_holds_its_stage_the_shared_code_and_the_datasets(
    tmp_path: Path, target: Target
) -> None:
    assets = staged_assets(root=ROOT, build=tmp_path, target=target, compile_datasets=one_dataset)
    files = {
        str(file.relative_to(assets["clean"]))
        for file in assets["clean"].rglob("*")
        if file.is_file()
    }
    shared = {file for file in files if file.startswith("pipeline/")}
    stage = {str(file.relative_to(ROOT)) for file in (ROOT / "functions/clean").glob("*.py")}
    bootstrap = {"bootstrap"} if target is Target.LOCAL else set()
    assert files - shared == {
        "functions/__init__.py",
        "datasets/flights/plan.json",
        *stage,
        *bootstrap,
    }
    assert {"pipeline/__init__.py", "pipeline/errors.py"} <= shared
    assert not [file for file in shared if not file.endswith(".py") or "authoring" in file]


IMPORTS = """
import importlib, sys
def there(name):
    try:
        return importlib.import_module(name).__name__
    except ModuleNotFoundError:
        return None
print(sys.argv[1:], [there(name) for name in ("duckdb", "pandas", "pyarrow")])
"""
"""Stands for the runtime interface client, and tells what a function can import."""


@pytest.mark.parametrize("stage", STAGES)
def test_local_bootstrap_hides_what_the_function_lacks_in_aws(stage: str, tmp_path: Path) -> None:
    # GIVEN a function's asset, first on the path of its bootstrap
    folder = staged_assets(
        root=ROOT, build=tmp_path, target=Target.LOCAL, compile_datasets=one_dataset
    )[stage]
    (folder / "awslambdaric.py").write_text(IMPORTS)
    environment = {
        "_HANDLER": f"functions.{stage}.handler.lambda_handler",
        "LAMBDA_TASK_ROOT": str(folder),
        ENV_LOCAL_PYTHON: sys.executable,
    }
    # WHEN the local cloud starts it
    said = subprocess.run(
        [folder / "bootstrap"], env=environment, capture_output=True, text=True, check=True
    ).stdout
    # THEN it gets the handler, and the modules of its layers alone
    brought = {layer.module for layer in LAYERS if stage in layer.stages}
    there = [name if name in brought else None for name in ("duckdb", "pandas", "pyarrow")]
    assert said == f"{[environment['_HANDLER']]} {there}\n"


def test_datasets_are_compiled_once_for_all_stages(tmp_path: Path) -> None:
    calls = []

    def counted(source: Path, target: Path) -> None:
        calls.append(source)
        one_dataset(source, target)

    staged_assets(root=ROOT, build=tmp_path, target=Target.AWS, compile_datasets=counted)
    assert calls == [ROOT / "datasets"]


def test_compiler_that_fails_leaves_the_former_assets(tmp_path: Path) -> None:
    def failing(_source: Path, _target: Path) -> None:
        raise ValueError("datasets/flights/pipeline.yaml:3: no such column")

    before = hashes(ROOT, tmp_path)
    with pytest.raises(ValueError, match="no such column"):
        staged_assets(root=ROOT, build=tmp_path, target=Target.AWS, compile_datasets=failing)
    folders = {stage: tmp_path / "assets" / "aws" / stage for stage in STAGES}
    after = {stage: FileSystem.fingerprint(str(folder)) for stage, folder in folders.items()}
    assert before == after
