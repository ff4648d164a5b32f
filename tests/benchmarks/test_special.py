"""Files of unusual shape are the same every time; a cell that differs is seen."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest

from benchmarks.plain_peers import with_duckdb
from benchmarks.special import COLUMNS, write_special
from benchmarks.special_check import differences

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 300


@pytest.fixture(params=COLUMNS)
def dataset(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def duckdb_s(file: Path, dataset: str, folder: Path) -> Path:
    (folder / "written").mkdir(parents=True)
    with_duckdb(COLUMNS[dataset](), file, folder)
    return folder


def test_a_file_is_the_same_every_time(tmp_path: Path, dataset: str) -> None:
    for name in ("one", "two"):
        write_special(tmp_path / name, dataset, ROWS)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_two_of_a_hundred_rows_are_bad(tmp_path: Path, dataset: str) -> None:
    write_special(tmp_path / "file", dataset, 2_000 if dataset == "distinct" else ROWS)
    with (tmp_path / "file").open(newline="", encoding="utf-8") as lines:
        _, *rows = csv.reader(lines)

    assert 0.005 < sum("?" in row for row in rows) / len(rows) < 0.04


def test_the_check_sees_a_changed_cell(tmp_path: Path) -> None:
    # GIVEN two files that differ in one good cell
    write_special(tmp_path / "one.csv", "distinct", ROWS)
    text = (tmp_path / "one.csv").read_text("utf-8")
    (tmp_path / "two.csv").write_text(re.sub(r"p42@", "p43@", text), "utf-8")
    columns = [column.name for column in COLUMNS["distinct"]()]

    # WHEN
    results = [
        duckdb_s(tmp_path / f"{name}.csv", "distinct", tmp_path / name) for name in ("one", "two")
    ]
    again = duckdb_s(tmp_path / "one.csv", "distinct", tmp_path / "again")

    # THEN
    assert differences(again, results[0], columns) == []
    (said,) = differences(results[1], results[0], columns)
    assert said.startswith("accepted: ")
