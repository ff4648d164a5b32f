from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aws_cdk import FileSystem

from infra.packaging.assets import staged_assets
from infra.packaging.layers import LAYERS, Layer
from infra.settings import Target
from pipeline.authoring.build import compile_datasets
from pipeline.constants import CODE_HASH_FILE, ENV_LOCAL_PYTHON, LINEAGE_FUNCTION, STAGES
from tests.infra.synthesis import ROOT, one_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from infra.packaging.assets import DatasetCompiler

FUNCTIONS = (*STAGES, LINEAGE_FUNCTION)
SOURCES = ("functions", "pipeline", "datasets", "requirements", "tests/infra", "infra")


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
    return {stage for stage in FUNCTIONS if before[stage] != after[stage]}


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
    assert moved(before, hashes(copied_sources, tmp_path)) == set(FUNCTIONS)


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
        CODE_HASH_FILE,
        *stage,
        *bootstrap,
    }
    assert {"pipeline/__init__.py", "pipeline/errors.py"} <= shared
    assert not [file for file in shared if not file.endswith(".py") or "authoring" in file]


def code_hashes(
    root: Path,
    build: Path,
    *,
    target: Target = Target.AWS,
    compiler: DatasetCompiler = one_dataset,
) -> dict[str, str]:
    assets = staged_assets(root=root, build=build, target=target, compile_datasets=compiler)
    return {stage: (folder / CODE_HASH_FILE).read_text() for stage, folder in assets.items()}


def test_code_hash_is_of_a_stage_and_equal_wherever_it_is_made(tmp_path: Path) -> None:
    made = code_hashes(ROOT, tmp_path / "first")
    assert all(re.fullmatch("[0-9a-f]{64}", code) for code in made.values())
    assert len(set(made.values())) == len(FUNCTIONS)
    assert made == code_hashes(ROOT, tmp_path / "second", target=Target.LOCAL)


def test_code_hash_moves_with_a_stages_code_alone(copied_sources: Path, tmp_path: Path) -> None:
    before = code_hashes(copied_sources, tmp_path)
    edit(copied_sources / "functions" / "clean" / "core.py")
    assert moved(before, code_hashes(copied_sources, tmp_path)) == {"clean"}


def test_code_hash_moves_with_the_place_of_the_same_code(
    copied_sources: Path, tmp_path: Path
) -> None:
    before = code_hashes(copied_sources, tmp_path)
    (copied_sources / "functions/clean/core.py").rename(copied_sources / "functions/clean/heart.py")
    after = code_hashes(copied_sources, tmp_path)
    assert moved(before, after) == {"clean"}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_code_hash_moves_with_the_lock_files_of_its_layers(
    copied_sources: Path, tmp_path: Path, layer: Layer
) -> None:
    before = code_hashes(copied_sources, tmp_path)
    edit(copied_sources / "requirements" / f"layer-{layer.name}.txt")
    assert moved(before, code_hashes(copied_sources, tmp_path)) == set(layer.stages)


def test_code_hash_does_not_move_with_a_dataset(copied_sources: Path, tmp_path: Path) -> None:
    before = code_hashes(copied_sources, tmp_path)

    def another(_datasets: Path, compiled: Path) -> None:
        (compiled / "flights").mkdir()
        (compiled / "flights" / "plan.json").write_text('{"version": 0}')
        (compiled / "flights" / "steps.py").write_text("")

    assert moved(before, code_hashes(copied_sources, tmp_path, compiler=another)) == set()


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
    folders = {stage: tmp_path / "assets" / "aws" / stage for stage in FUNCTIONS}
    after = {stage: FileSystem.fingerprint(str(folder)) for stage, folder in folders.items()}
    assert before == after
