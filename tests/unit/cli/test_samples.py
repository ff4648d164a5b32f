from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.samples import write_samples

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


def test_flights_are_extracted_byte_for_byte(folder: Path) -> None:
    content = (folder / "flights.csv").read_bytes()

    assert len(content) == 31_053_850
    assert content.count(b"\n") == 336_777


def test_weather_is_json_lines_with_numbers_and_nulls(folder: Path) -> None:
    lines = (folder / "weather.jsonl").read_text().splitlines()

    assert len(lines) == 26_115
    first = json.loads(lines[0])
    assert first["origin"] == "EWR"
    assert first["temp"] == 39.02
    assert first["wind_dir"] == 270
    assert first["wind_gust"] is None
    assert first["time_hour"] == "2013-01-01T06:00:00Z"


def test_penguins_timezones_and_countries_are_as_published(folder: Path) -> None:
    penguins = (folder / "penguins.csv").read_text().splitlines()
    zones = (folder / "timezones.tsv").read_text().splitlines()
    countries = json.loads((folder / "countries.json").read_bytes())

    assert penguins[0].startswith("studyName,Sample Number,Species,Region,Island,")
    assert len(penguins) == 1 + 344
    assert zones[0] == "# tzdb timezone descriptions"
    assert "AD\t+4230+00131\tEurope/Andorra" in zones
    assert len(countries) == 250
    assert countries[0]["name"]["common"] == "Aruba"


def test_a_sample_that_is_there_is_kept(folder: Path) -> None:
    before = (folder / "flights.csv").stat().st_mtime_ns

    write_samples(folder)

    assert (folder / "flights.csv").stat().st_mtime_ns == before
