"""Rejected rows: found, understood, and brought in after the contract was corrected."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.cloud import PROJECT
from tests.end_to_end.samples import flight, flights, output_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.cloud import Cloud

COPIED = ("cli", "infra", "functions", "pipeline", "datasets", "requirements")
LINKED = ("cdk.json", "package.json", "package-lock.json", "pyproject.toml", "node_modules")
LINES = (
    flight(1),
    flight(2, distance="13000"),
    flight(3, month="13"),
    flight(4, distance="14000"),
    flight(1, distance="15000"),
    flight(6),
    flight(7),
    flight(8),
)
"""Four good rows; two that the corrected contract admits; one month that never will be; and one
row that only the distance kept from being the second with the first one's key."""


@dataclass
class WorkingCopy:
    """A copy of the project, to change a dataset in and deploy from."""

    folder: Path
    cloud: Cloud

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the copy's command in the same cloud."""
        return subprocess.run(
            [sys.executable, "-c", "from cli.main import main; main()", *arguments],
            env=self.cloud.environment() | {"PYTHONPATH": str(self.folder)},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def replace(self, name: str, old: str, new: str) -> None:
        """Edit a file and deploy it."""
        file = self.folder / name
        text = file.read_text("utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), "utf-8")
        deployed = self.cli("up", "--no-console")
        assert deployed.returncode == 0, deployed.stderr


@pytest.fixture
def copy(cloud: Cloud, tmp_path: Path) -> Iterator[WorkingCopy]:
    """A working copy; in the end, what the project itself holds is deployed again."""
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    for name in LINKED:
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    yield WorkingCopy(tmp_path, cloud)
    assert cloud.cli("up", "--no-console").returncode == 0


def asked(cloud: Cloud, *arguments: str) -> Any:
    """Document that a verb prints."""
    ran = cloud.cli("quarantine", *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def statuses(cloud: Cloud, key: str) -> dict[str, str]:
    """Status of every run about a file, by its id."""
    runs = asked(cloud, "list", "--dataset", "flights", "--limit", "1000")
    return {run["run_id"]: run["status"] for run in runs if run["source"]["key"] == key}


def test_rows_that_a_corrected_contract_admits_join_the_output(
    cloud: Cloud, copy: WorkingCopy
) -> None:
    # GIVEN a file of which the contract refuses four rows
    key = "input/flights/merge.csv"
    run = cloud.run(key, flights(*LINES)).output
    run_id = run["run_id"]
    assert statuses(cloud, key) == {run_id: "open"}
    rows = asked(cloud, "show", run_id[:12])
    assert [row["row_number"] for row in rows] == [2, 3, 4, 5]
    assert {row["stage"] for row in rows} == {"validate"}

    # WHEN nothing has changed, THEN there is nothing to merge
    assert asked(cloud, "replay", run_id)["status"] == "ALREADY_PROCESSED"

    # WHEN the contract is corrected
    copy.replace("datasets/flights/contract.odcs.yaml", "maximum: 12500", "maximum: 20000")
    replayed = copy.cli("quarantine", "replay", run_id, "--json")
    assert replayed.returncode == 0, replayed.stderr
    record = json.loads(replayed.stdout)

    # THEN two rows come in; the impossible month, and the key that is taken, do not
    assert (record["recovered"], record["still_rejected"]) == (2, 2)
    assert record["merges"]["run_id"] == run_id
    manifest = json.loads(cloud.read(run["manifest"]))
    addresses = [f"s3://{file['bucket']}/{file['key']}" for file in manifest["outputs"]]
    written = output_table(cloud, addresses).column("flight").to_pylist()
    assert sorted(written) == [1, 2, 4, 6, 7, 8]
    books = manifest["run"]["rows"]
    assert (books["read"], books["written"], books["rejected"]) == (8, 6, 2)

    # AND the rows that were rejected again are the ones to replay next
    after = statuses(cloud, key)
    assert after.pop(run_id) == "replayed"
    [(merge, status)] = after.items()
    assert status == "open"
    assert [row["row_number"] for row in asked(cloud, "show", merge)] == [3, 5]
    refused = cloud.cli("quarantine", "replay", run_id)
    assert refused.returncode == 1
    assert "these rows were replayed before" in refused.stderr


def test_a_whole_file_is_processed_again_where_rows_cannot_be_merged(
    cloud: Cloud, copy: WorkingCopy
) -> None:
    # GIVEN rejected rows, and a dataset that has since begun to publish another column
    key = "input/flights/whole.csv"
    run = cloud.run(key, flights(*LINES)).output
    copy.replace(
        "datasets/flights/pipeline.yaml",
        "cancelled: dep_time IS NULL",
        "cancelled: dep_time IS NULL\n      far: distance > 1000",
    )

    # WHEN the rows alone are replayed, THEN the pipeline says what to type instead
    refused = copy.cli("quarantine", "replay", run["run_id"])
    assert refused.returncode == 1
    assert "ReplayRefusedError" in refused.stdout
    assert f"pipeline quarantine replay {run['run_id']} --whole-file" in refused.stdout

    # WHEN that is typed, THEN the output is replaced
    again = copy.cli("quarantine", "replay", run["run_id"], "--whole-file", "--json")
    assert again.returncode == 0, again.stderr
    outputs = json.loads(again.stdout)["outputs"]
    table = output_table(cloud, outputs)
    assert sorted(table.column("flight").to_pylist()) == [1, 6, 7, 8]
    assert table.column("far").to_pylist() == [True] * 4
    assert statuses(cloud, key)[run["run_id"]] == "superseded"


def test_rows_of_a_failed_run_come_back_with_its_dead_letter(cloud: Cloud) -> None:
    # GIVEN a file that has more bad rows than the dataset allows
    lines = [flight(number, month="13") for number in range(1, 9)]
    failed = cloud.run("input/flights/too many.csv", flights(*lines))
    assert failed.described["error"] == "TooManyRejectsError"

    shown = cloud.cli("quarantine", "show", failed.name)
    refused = cloud.cli("quarantine", "replay", failed.name)

    assert "uncommitted" in shown.stdout
    assert "maximum" in shown.stdout
    assert refused.returncode == 1
    assert "pipeline dead-letters list --dataset flights" in refused.stderr
