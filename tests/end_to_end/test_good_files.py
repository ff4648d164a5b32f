from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pytest

from tests.end_to_end.samples import flight, flights, output_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.cloud import Cloud

    Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def records(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """What `pipeline run --json` says about both real files, in one command."""
    files = json.loads(cloud.cli("samples", "--into", cloud.home / "data", "--json").stdout)
    ran = cloud.cli("run", *files, "--json")
    assert ran.returncode == 0, ran.stderr
    return {record["dataset"]: record for record in json.loads(ran.stdout)}


def test_all_flights_come_out(
    cloud: Cloud, records: dict[str, dict[str, Any]], flights_csv: Path, ask: Ask
) -> None:
    record = records["flights"]
    [(read,)] = ask("SELECT count(*) FROM published_flights", published_flights=flights_csv)

    assert record["status"] == "SUCCEEDED"
    assert record["rows"]["read"] == record["rows"]["written"] == read == 336_776
    assert record["quarantine"] is None
    assert record["source"]["key"] == "input/flights/flights.csv"
    assert len(record["outputs"]) == 12
    assert json.loads(cloud.read(record["report"]))["rows"] == record["rows"]


@pytest.mark.parametrize(
    "question",
    [
        "SELECT carrier, count(*), sum(distance), sum(dep_delay) FROM {} GROUP BY 1 ORDER BY 1",
        "SELECT origin, max(tailnum), min(epoch(time_hour)) FROM {} GROUP BY 1 ORDER BY 1",
        "SELECT day, count(*) FILTER (dep_time IS NULL) FROM {} GROUP BY 1 ORDER BY 1",
    ],
)
def test_their_values_are_those_of_the_file(
    cloud: Cloud,
    records: dict[str, dict[str, Any]],
    flights_csv: Path,
    ask: Ask,
    question: str,
) -> None:
    output = output_table(cloud, records["flights"]["outputs"])

    written = ask(question.format("processed_flights"), processed_flights=output)

    assert written == ask(question.format("published_flights"), published_flights=flights_csv)


def test_weather_comes_out_but_for_what_the_contract_forbids(
    cloud: Cloud, records: dict[str, dict[str, Any]], weather_csv: Path, ask: Ask
) -> None:
    # GIVEN the one reading of the year with a wind beyond any on earth
    record = records["weather"]
    [(read, impossible)] = ask(
        "SELECT count(*), count(*) FILTER (wind_speed > 254) FROM published_weather",
        published_weather=weather_csv,
    )

    assert impossible == 1
    assert record["status"] == "SUCCEEDED_WITH_REJECTS"
    assert record["rows"]["read"] == read
    assert record["rows"]["rejected"] == impossible
    assert record["rows"]["written"] == read - impossible
    [rejected] = cloud.read(record["quarantine"]).splitlines()
    assert json.loads(rejected)["column"] == "wind_speed"
    [output] = record["outputs"]
    table = pa.csv.read_csv(pa.BufferReader(cloud.read(output)))
    assert table.num_rows == read - impossible


def test_the_same_file_again_replaces_its_output(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "again.csv"
    file.write_bytes(flights(flight(1), flight(2)))

    first, second = (
        json.loads(cloud.cli("run", file, "--dataset", "flights", "--json").stdout)[0]
        for _ in range(2)
    )

    assert first["execution_arn"] != second["execution_arn"]
    assert first["outputs"] == second["outputs"]
    assert output_table(cloud, second["outputs"]).num_rows == 2


def test_a_gzipped_file_is_read(cloud: Cloud) -> None:
    ended = cloud.run("input/flights/small.csv.gz", gzip.compress(flights(flight(3))))

    assert ended.output["outcome"] == "SUCCEEDED"
    assert ended.output["rows"]["written"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "a b+ü%20.csv",
        "+.csv",
        "%.csv",
        "%2F.csv",
        "飛行機 ✈.csv",
        "2013/01/deep.csv",
        "a=b&c;d,e'f(g)!h.csv",
    ],
)
def test_any_name_is_a_name(cloud: Cloud, name: str) -> None:
    ended = cloud.run(f"input/flights/{name}", flights(flight(4)))

    assert ended.status == "SUCCEEDED", ended.described
    assert ended.output["source"]["key"] == f"input/flights/{name}"
    assert ended.output["rows"]["written"] == 1
