from __future__ import annotations

import csv
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.data import FAULTS, KEY, TEXTS, write_departures

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = 3_000


@pytest.fixture(scope="module")
def samples(flights_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of published files, of which the flights are the first of the year only."""
    folder = tmp_path_factory.mktemp("samples")
    with flights_csv.open(encoding="utf-8") as lines:
        (folder / "flights.csv").write_text("".join(islice(lines, PUBLISHED + 1)), "utf-8")
    return folder


@pytest.fixture(scope="module")
def departures(samples: Path) -> list[dict[str, str]]:
    file = samples / "departures.csv"
    write_departures(file, 2 * PUBLISHED, samples=samples)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_years_follow_one_another(departures: list[dict[str, str]]) -> None:
    years = [(row["year"], row["time_hour"][:4]) for row in departures]

    first, second = years[:PUBLISHED], years[PUBLISHED:]
    assert set(first) == {("2013", "2013")}
    assert set(second) <= {("2014", "2014"), ("2014", "2013")}  # one fault is a time of 2013
    assert len(second) == PUBLISHED


def test_a_smaller_file_is_the_beginning_of_a_larger_one(samples: Path) -> None:
    small, large = samples / "small.csv", samples / "large.csv"
    write_departures(small, 100, samples=samples)
    write_departures(large, PUBLISHED + 100, samples=samples)

    assert large.read_bytes().startswith(small.read_bytes())
    assert small.read_bytes().count(b"\n") == 101


def test_two_rows_of_a_hundred_break_the_contract(departures: list[dict[str, str]]) -> None:
    keys: set[tuple[str, ...]] = set()
    broken = 0
    for row in departures:
        key = tuple(row[name] for name in KEY)
        broken += key in keys or any(row[name] == text for name, text in FAULTS)
        keys.add(key)

    assert broken / len(departures) == pytest.approx(0.02, abs=0.005)


def test_json_lines_hold_the_same_rows(samples: Path, departures: list[dict[str, str]]) -> None:
    file = samples / "departures.jsonl"
    write_departures(file, 2 * PUBLISHED, samples=samples)

    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert rows == [
        {name: as_json(name, text) for name, text in row.items() if text} for row in departures
    ]
    assert "late" in {row["dep_delay"] for row in rows}


def as_json(name: str, text: str) -> Any:
    if text == "NA":
        return None
    return text if name in TEXTS or text == "late" else int(text)
