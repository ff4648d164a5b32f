"""A new dataset, from a sample file to its rows, in a copy of the project: drafts change it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.cloud import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = PROJECT / "tests" / "unit" / "pipeline" / "authoring" / "samples"
COPIED = ("cli", "functions", "infra", "pipeline", "requirements", "datasets")
FILES = ("cdk.json", "package.json", "package-lock.json")
SHARED = (".venv", "node_modules")


@dataclass
class Copy:
    """A working copy with a local cloud of its own."""

    project: Path
    home: Path

    def cli(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the copy's command."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        own = {"LAMBDA_PIPELINES_HOME": str(self.home), "PYTHONPATH": str(self.project)}
        return subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", *map(str, arguments)],
            env=kept | own,
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "weather")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy2(PROJECT / name, folder / name)
    for name in SHARED:
        (folder / name).symlink_to(PROJECT / name)
    made = Copy(folder, tmp_path_factory.mktemp("home"))
    yield made
    made.cli("down")


@pytest.mark.parametrize(("file", "rows"), [("penguins.csv", 344), ("seattle-weather.csv", 1_461)])
def test_a_drafted_dataset_takes_its_file(copy: Copy, file: str, rows: int) -> None:
    dataset = f"drafted_{Path(file).stem}"

    drafted = copy.cli("init", SAMPLES / file, "--dataset", dataset)
    assert drafted.returncode == 0, drafted.stderr
    checked = copy.cli("check", dataset)
    assert checked.stderr.splitlines()[-1] == "0 errors, 0 other findings"
    ran = copy.cli("run", SAMPLES / file, "--dataset", dataset, "--json")

    assert ran.returncode == 0, ran.stderr
    (record,) = json.loads(ran.stdout)
    assert record["status"] == "SUCCEEDED"
    assert (record["rows"]["read"], record["rows"]["written"]) == (rows, rows)
