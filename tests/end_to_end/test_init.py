"""A new dataset, from a sample file to its rows, in a copy of the project: drafts change it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.cloud import PROJECT

if TYPE_CHECKING:
    from tests.end_to_end.copies import Copy

SAMPLES = PROJECT / "tests" / "unit" / "pipeline" / "authoring" / "samples"


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
