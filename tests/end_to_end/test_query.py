"""Queries as a person types them, on the output of the two example datasets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.cloud import Cloud

READING = {"year": 2013, "month": 1, "day": 1, "hour": 5, "temp": 39.02, "wind_gust": None}
FILE = "queried/flights.csv"
OURS = "flight BETWEEN 7001 AND 7099"
"""The session's cloud holds other tests' flights, too; these numbers are this module's."""


@pytest.fixture(scope="module")
def published(cloud: Cloud) -> Cloud:
    """Two flights of January from Newark with their weather, one of February without."""
    # Readings are by the hour: half past joins none, whatever weather the other tests have sent
    february = {"month": "2", "time_hour": "2013-02-01T10:30:00Z"}
    reading = READING | {"origin": "EWR", "time_hour": "2013-01-01T10:00:00Z"}
    cloud.run("input/weather/queried.jsonl", json.dumps(reading).encode())
    # A first version of the file, with rows that the second one has not
    cloud.run(f"input/flights/{FILE}", flights(*(flight(number) for number in range(7001, 7021))))
    lines = flight(7001), flight(7002, tailnum=""), flight(7003, **february)
    ended = cloud.run(f"input/flights/{FILE}", flights(*lines))
    assert ended.output["rows"]["written"] == 3
    return cloud


def answers(cloud: Cloud, sql: str, *options: str, **settings: str) -> Any:
    dataset = "flights" if "flights" in sql else "weather"
    ran = cloud.cli("query", dataset, sql, "--json", *options, **settings)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_file_that_was_uploaded_again_counts_once(published: Cloud) -> None:
    sql = f"SELECT count(*) AS n, count(tailnum) AS known FROM flights WHERE {OURS}"
    assert answers(published, sql) == [{"n": 3, "known": 2}]


def test_a_partition_is_a_column(published: Cloud) -> None:
    sql = f"SELECT flight, month, cancelled, flight_date FROM flights WHERE month = 2 AND {OURS}"
    assert answers(published, sql) == [
        {"flight": 7003, "month": 2, "cancelled": False, "flight_date": "2013-02-01"}
    ]


def test_datasets_of_two_formats_are_joined(published: Cloud) -> None:
    sql = f"""
        SELECT DISTINCT f.flight, w.temp, w.wind_gust, w.time_hour
        FROM flights f JOIN weather w USING (origin, time_hour)
        WHERE {OURS} ORDER BY flight
    """
    seen = {"temp": 39.02, "wind_gust": None, "time_hour": "2013-01-01T10:00:00+00:00"}
    assert answers(published, sql) == [{"flight": 7001} | seen, {"flight": 7002} | seen]


def test_what_is_not_committed_is_not_counted(published: Cloud) -> None:
    # GIVEN half a run: a torn version over a committed file, and a whole file of nobody's
    s3, bucket = published.client("s3"), published.status["output_bucket"]
    keys = published.objects("output_bucket", "processed/flights/month=2/")
    whole = published.read(f"s3://{bucket}/{keys[0]}")
    torn = [s3.put_object(Bucket=bucket, Key=key, Body=whole[:99])["VersionId"] for key in keys]
    stray = "processed/flights/month=2/stray.parquet"
    s3.put_object(Bucket=bucket, Key=stray, Body=whole)
    try:
        found = answers(published, f"SELECT count(*) AS n FROM flights WHERE {OURS}")
    finally:
        s3.delete_object(Bucket=bucket, Key=stray)
        for key, version in zip(keys, torn, strict=True):
            s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    assert found == [{"n": 3}]


def test_an_answer_is_a_table_or_csv(published: Cloud) -> None:
    sql = f"SELECT flight, tailnum FROM flights WHERE {OURS} ORDER BY flight"

    table = published.cli("query", "flights", sql).stdout.splitlines()
    cut = published.cli("query", "flights", sql, "--csv", "--limit", "2")

    assert [line.rstrip() for line in table] == [
        "flight  tailnum",
        "  7001  N14228",
        "  7002  NULL",
        "  7003  N14228",
    ]
    assert cut.stdout == "flight,tailnum\n7001,N14228\n7002,\n"
    assert "There are more than 2 rows" in cut.stderr


@pytest.mark.parametrize(
    ("dataset", "sql", "said"),
    [
        ("flihgts", "SELECT 1", "there is no dataset flihgts. There are: countries, flights"),
        ("flights", "SELECT mnth FROM flights", '"mnth" not found in FROM clause!'),
        ("flights", "SELECT mnth FROM flights", "(line 1, column 8)"),
        ("flights", "DROP TABLE flights", "only queries are run, one at a time. Write one SELECT"),
    ],
)
def test_mistakes_are_one_line(published: Cloud, dataset: str, sql: str, said: str) -> None:
    ran = published.cli("query", dataset, sql)

    assert ran.returncode == 2
    assert ran.stdout == ""
    (line,) = (line for line in ran.stderr.splitlines() if line.startswith("error: "))
    assert said in line


@pytest.fixture
def production(published: Cloud, tmp_path: Path) -> dict[str, str]:
    """Settings of a profile, as for an AWS account, whose calls end up here."""
    config = tmp_path / "config"
    config.write_text(
        "[profile production]\nregion = us-east-1\naws_access_key_id = test\n"
        f"aws_secret_access_key = test\nendpoint_url = {published.status['endpoint_url']}\n"
    )
    return {"AWS_CONFIG_FILE": str(config), "LAMBDA_PIPELINES_HOME": str(tmp_path / "none")}


def test_in_aws_athena_answers_from_the_stacks_tables(
    published: Cloud, production: dict[str, str]
) -> None:
    # The local cloud's Athena reads what lies at the table's location, by the table's description.
    sql = f"""
        SELECT month, count(*) AS n, avg(dep_delay) AS late, count(tailnum) = 1 AS one
        FROM flights WHERE {OURS} GROUP BY month ORDER BY month
    """

    found = answers(published, sql, "--profile", "production", **production)

    assert found == [
        {"month": 1, "n": 2, "late": 2.0, "one": True},
        {"month": 2, "n": 1, "late": 2.0, "one": True},
    ]


def test_in_aws_csv_files_are_read_as_text(published: Cloud, production: dict[str, str]) -> None:
    sql = "SELECT DISTINCT origin, temp FROM weather__files WHERE temp = '39.02' AND origin = 'EWR'"
    found = answers(published, sql, "--profile", "production", **production)
    assert found == [{"origin": "EWR", "temp": "39.02"}]


def test_results_lie_where_the_workgroup_says(published: Cloud, production: dict[str, str]) -> None:
    answers(published, "SELECT 1 AS flights", "--profile", "production", **production)
    assert published.objects("staging_bucket", "athena/")


@pytest.mark.parametrize(
    ("dataset", "sql", "said"),
    [
        ("flihgts", "SELECT 1", "there is no dataset flihgts. There are: countries, flights"),
        ("flights", "SELECT mnth FROM flights", 'Athena: Binder Error: Referenced column "mnth"'),
        ("flights", "/* */ DROP TABLE flights", "only queries are run, one at a time"),
    ],
)
def test_mistakes_are_one_line_in_aws_too(
    published: Cloud, production: dict[str, str], dataset: str, sql: str, said: str
) -> None:
    ran = published.cli("query", dataset, sql, "--profile", "production", **production)

    assert ran.returncode == 2
    assert said in ran.stderr.splitlines()[-1]
