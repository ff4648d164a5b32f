"""What the product is measured against makes the same of a file; what does not is found out.

Those peers that the development environment has packages for; `make bench-quick` has them all.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest
import yaml

from benchmarks.check import differences
from benchmarks.data import write_departures
from benchmarks.peers import departures
from benchmarks.systems import PRODUCT, VALIDATORS
from benchmarks.workplace import WARM_SHARE, Workplace
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.systems import Case

ROWS = 2_000
IN_ONE_PROCESS = next(one for one in PRODUCT if one.name == "one_process")
VALIDATE = next(one for one in VALIDATORS if one.name == "validate")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace that finds its files: growing each by itself would take seconds."""
    folder = tmp_path_factory.mktemp("workplace")
    data = folder / "data"
    data.mkdir()
    grown = data / f"departures-{ROWS}.csv"
    write_departures(grown, ROWS, samples=folder / "samples")
    lines = grown.read_text("utf-8").splitlines(keepends=True)
    rows = [json.dumps(members(row)) + "\n" for row in csv.DictReader(lines)]
    for count in (ROWS, ROWS // WARM_SHARE):
        (data / f"departures-{count}.csv").write_text("".join(lines[: count + 1]), "utf-8")
        (data / f"departures-{count}.jsonl").write_text("".join(rows[:count]), "utf-8")
    return Workplace(folder, data)


def members(row: dict[str, str]) -> dict[str, int | str | None]:
    """A row as JSON has it: what is empty is left out, NA is null, numbers are numbers."""
    return {
        name: None if cell == "NA" else int(cell) if cell.lstrip("-").isdigit() else cell
        for name, cell in row.items()
        if cell
    }


@pytest.fixture(scope="module")
def case(place: Workplace) -> Case:
    return place.case("departures", ROWS, ".csv")


@pytest.fixture(scope="module")
def product(place: Workplace, case: Case) -> Path:
    """What the product's five stages leave."""
    return IN_ONE_PROCESS.measure(case, place.empty_folder("product")).result


@pytest.fixture(scope="module")
def duckdb_peer(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_by("peers.duckdb", case.file, tmp_path_factory.mktemp("duckdb"))


def made_by(module: str, file: Path, folder: Path) -> Path:
    """The folder of what a peer or a validator makes of a file."""
    command = [sys.executable, "-m", f"benchmarks.{module}", str(file), str(folder)]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    return folder


def test_the_naive_stages_give_the_products_rows(case: Case, product: Path, tmp_path: Path) -> None:
    assert differences(made_by("peers.stages", case.file, tmp_path), product) == []


def test_duckdb_gives_the_products_rows(duckdb_peer: Path, product: Path) -> None:
    assert differences(duckdb_peer, product) == []


def test_duckdb_gives_the_products_rows_of_json_lines(place: Workplace, tmp_path: Path) -> None:
    case = place.case("departures", ROWS, ".jsonl")
    product = IN_ONE_PROCESS.measure(case, place.empty_folder("json")).result

    assert differences(made_by("peers.duckdb", case.file, tmp_path), product) == []


def test_a_validator_gives_the_rows_of_the_stage_validate(
    place: Workplace, case: Case, tmp_path: Path
) -> None:
    product = VALIDATE.measure(case, place.empty_folder("validate")).result

    assert differences(made_by("validators.duckdb", case.file, tmp_path), product) == []


@pytest.mark.parametrize("name", ["seed", "limit"])
def test_copies_have_every_cell_of_the_file(
    name: str, case: Case, product: Path, tmp_path: Path
) -> None:
    assert differences(made_by(f"peers.{name}", case.file, tmp_path), product) == []


@pytest.fixture
def changed(duckdb_peer: Path, tmp_path: Path) -> Callable[..., Path]:
    """The peer's result with its accepted or its rejected rows selected in another way."""

    def change(*, accepted: str = "*", rejected: str = "*") -> Path:
        for file in duckdb_peer.rglob("*.parquet"):
            select = rejected if file.name == "rejected.parquet" else accepted
            target = tmp_path / file.relative_to(duckdb_peer)
            target.parent.mkdir(parents=True, exist_ok=True)
            rows = f"WITH rows AS (FROM read_parquet('{file}', hive_partitioning=false))"
            duckdb.execute(f"COPY ({rows} SELECT {select} FROM rows) TO '{target}'")
        return tmp_path

    return change


def differing(result: Path, reference: Path) -> list[str]:
    """What differs, without the figures: `accepted: speed_mph`."""
    return [": ".join(line.split(": ")[:2]) for line in differences(result, reference)]


FIRST = "row_number() OVER () = 1"
LAST_DIGIT = f"CASE WHEN {FIRST} THEN speed_mph * (1 + 4e-16) ELSE speed_mph END"
NEXT_MINUTE = "coalesce(lead(minute) OVER (), (SELECT minute FROM rows LIMIT 1))"


@pytest.mark.parametrize(
    ("accepted", "found"),
    [
        (f"* REPLACE ({LAST_DIGIT} AS speed_mph)", ["speed_mph", "whole rows"]),
        (f"* REPLACE ({NEXT_MINUTE} AS minute)", ["whole rows"]),
        ("* EXCLUDE plane_seats", ["whole rows", "plane_seats"]),
        ("* REPLACE (day::DOUBLE AS day)", ["day", "whole rows"]),
    ],
    ids=["a digit", "a value in another row", "no column", "a type"],
)
def test_a_difference_in_accepted_rows_is_named(
    accepted: str, found: list[str], changed: Callable[..., Path], product: Path
) -> None:
    result = changed(accepted=accepted)

    assert differing(result, product) == [f"accepted: {name}" for name in found]


@pytest.mark.parametrize(
    ("rejected", "found"),
    [
        (f"* REPLACE (CASE WHEN {FIRST} THEN 'X' ELSE dest END AS dest)", ["dest"]),
        ("* REPLACE (row_number + 1 AS row_number)", ["row_number"]),
        ("* REPLACE ('carrier' AS broken)", ["broken"]),
    ],
)
def test_a_difference_in_rejected_rows_is_named(
    rejected: str, found: list[str], changed: Callable[..., Path], product: Path
) -> None:
    result = changed(rejected=rejected)

    assert differing(result, product) == [f"rejected: {name}" for name in (*found, "whole rows")]


def test_a_row_too_few_is_found(changed: Callable[..., Path], product: Path) -> None:
    result = changed(accepted="DISTINCT ON (hour) *")

    assert "accepted: rows" in differing(result, product)


def test_a_cell_that_a_copy_lost_is_named(case: Case, product: Path, tmp_path: Path) -> None:
    with case.file.open(encoding="utf-8", newline="") as lines:
        header, first, *others = csv.reader(lines)
    first[header.index("dest")] = "ZZZ"
    with (tmp_path / "copy.csv").open("w", encoding="utf-8", newline="") as copy:
        csv.writer(copy).writerows([header, first, *others])

    assert differing(tmp_path, product) == ["cells: dest", "cells: whole rows"]


def test_the_peers_keep_the_contracts_rules() -> None:
    """What the peers know of the contract is what the contract says."""
    folder = REPOSITORY / "benchmarks" / "datasets" / "departures"
    contract = yaml.safe_load((folder / "contract.odcs.yaml").read_text("utf-8"))
    columns = contract["schema"][0]["properties"]
    options = {one["name"]: one.get("logicalTypeOptions", {}) for one in columns}
    key = {one["name"]: one["primaryKeyPosition"] for one in columns if one.get("primaryKey")}
    (origin,) = (one["quality"] for one in columns if one["name"] == "origin")

    assert tuple(options) == departures.COLUMNS
    assert {
        name: (rules["minimum"], rules["maximum"])
        for name, rules in options.items()
        if "minimum" in rules
    } == departures.RANGES
    assert {
        name: rules["pattern"] for name, rules in options.items() if "pattern" in rules
    } == departures.PATTERNS
    assert {one["name"] for one in columns if not one.get("required")} == departures.OPTIONAL
    assert tuple(sorted(key, key=key.__getitem__)) == departures.KEY
    assert tuple(origin[0]["arguments"]["validValues"]) == departures.ORIGINS
    assert tuple(contract["customProperties"][0]["value"]) == departures.MISSING
