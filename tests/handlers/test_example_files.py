"""The real files of the smaller example datasets, against what Python's own readers say of them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from cli.samples import write_samples

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

SPECIES = re.compile(r"(?P<common>.+) \((?P<scientific>.+)\)")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files by name."""
    folder = tmp_path_factory.mktemp("samples")
    return {file.name: file.read_bytes() for file in write_samples(folder)}


def written(cloud: Cloud, run: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows of a run's output files, without the partition that the files' folders name."""
    files = (pq.ParquetFile(io.BytesIO(cloud.read(address))) for address in run["outputs"])
    return [row for file in files for row in file.read().to_pylist()]


def number(text: str) -> float | None:
    return None if text == "NA" else float(text)


def test_penguins(cloud: Cloud, samples: dict[str, bytes]) -> None:
    raw = list(csv.DictReader(io.StringIO(samples["penguins.csv"].decode(), newline="")))

    run = cloud.run_pipeline("input/penguins/penguins.csv", samples["penguins.csv"])

    assert run["outcome"] == "SUCCEEDED"
    assert run["rows"]["read"] == run["rows"]["written"] == len(raw) == 344
    made = {(row["study"], row["individual"]): row for row in written(cloud, run)}
    for bird in raw:
        row = made[bird["studyName"], bird["Individual ID"]]
        names = SPECIES.fullmatch(bird["Species"])
        assert names is not None
        assert (row["species"], row["scientific_name"]) == names.groups()
        assert row["clutch_complete"] is (bird["Clutch Completion"] == "Yes")
        assert row["egg_date"].isoformat() == bird["Date Egg"]
        assert row["culmen_length_mm"] == number(bird["Culmen Length (mm)"])
        assert row["body_mass_g"] == number(bird["Body Mass (g)"])
        assert row["delta_15_n"] == number(bird["Delta 15 N (o/oo)"])
        assert (row["sex"] or "NA").upper() == bird["Sex"]
        assert f"{row['age']}, {row['nest_stage']}" == bird["Stage"]
        assert (row["station"], row["source_file"]) == ("Palmer", "penguins.csv")


def test_penguins_are_sorted(cloud: Cloud, samples: dict[str, bytes]) -> None:
    run = cloud.run_pipeline("input/penguins/penguins.csv", samples["penguins.csv"])

    order = [(row["species"], row["egg_date"], row["sample_number"]) for row in written(cloud, run)]
    assert order == sorted(order)


def test_timezones(cloud: Cloud, samples: dict[str, bytes]) -> None:
    lines = samples["timezones.tsv"].decode().splitlines()
    zones = [line.split("\t") for line in lines if not line.startswith("#")]

    run = cloud.run_pipeline("input/timezones/zone1970.tsv", samples["timezones.tsv"])

    # THEN there is a row for each country of each zone, and the books say so
    expected = Counter((code, zone[2]) for zone in zones for code in zone[0].split(","))
    rows = written(cloud, run)
    assert Counter((row["country"], row["zone"]) for row in rows) == expected
    assert run["rows"]["read"] == len(zones)
    assert run["rows"]["expanded"] == len(expected) - len(zones)
    assert run["rows"]["rejected"] == run["rows"]["dropped_by_lookup"] == 0
    # AND every line without comments was completed, which is told
    short = sum(len(zone) == 3 for zone in zones)
    assert sum(count["cells"] for count in run["repairs"]["counts"]) == short
    # AND places are where an atlas has them
    places = {row["zone"]: (row["latitude"], row["longitude"]) for row in rows}
    assert places["Antarctica/Troll"] == (-72.0114, 2.5350)  # -720041+0023206
    assert places["America/New_York"] == (40.7142, -74.0064)  # +404251-0740023
    assert places["Europe/Andorra"] == (42.5, 1.5167)  # +4230+00131
    assert {row["country_name"] for row in rows if row["country"] == "CI"} == {"Côte d’Ivoire"}


def test_countries(cloud: Cloud, samples: dict[str, bytes]) -> None:
    raw = {country["cca2"]: country for country in json.loads(samples["countries.json"])}

    run = cloud.run_pipeline("input/countries/countries.json", samples["countries.json"])

    assert run["outcome"] == "SUCCEEDED"
    assert run["rows"]["read"] == run["rows"]["written"] == len(raw)
    rows = {row["code"]: row for row in written(cloud, run)}
    assert rows.keys() == raw.keys()
    for code, country in raw.items():
        row = rows[code]
        assert row["name"] == country["name"]["common"]
        assert row["german_name"] == country["translations"]["deu"]["common"]
        assert (row["number"] or "") == country["ccn3"]
        assert row["independent"] is country["independent"]
        assert (row["latitude"], row["longitude"]) == tuple(country["latlng"])
        assert row["area_km2"] == (None if code == "SJ" else country["area"])
        assert row["capital"] == next(iter(country["capital"]), None)
        assert row["neighbours"] == len(country["borders"])
        assert (row["currency_codes"] or "").split(",") == (list(country["currencies"]) or [""])
        assert row["language_codes"].split(",") == (list(country["languages"]) or [""])
    regions = {address.split("region=")[1].split("/")[0] for address in run["outputs"]}
    assert regions == {country["region"] for country in raw.values()}
