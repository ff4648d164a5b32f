"""Good files in every form: typed, partitioned, queryable data out, and nothing lost."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from tests.handlers.cloud import EXECUTION, INPUT, Cloud
from tests.handlers.samples import flight, flights, json_lines, reading

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 2000


@pytest.fixture(scope="module")
def sample(flights_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first flights of the year, every tenth one of them moved to February."""
    with flights_csv.open() as file:
        header, *rows = itertools.islice(file, ROWS + 1)
    rows = [row.replace("2013,1,", "2013,2,", int(n % 10 == 0)) for n, row in enumerate(rows)]
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    path.write_text("".join([header, *rows]))
    return path


def test_flights_come_out_whole(
    cloud: Cloud, ask: Callable[..., list[tuple[Any, ...]]], sample: Path
) -> None:
    # WHEN
    run = cloud.run_pipeline("input/flights/2013/first.csv", sample.read_bytes())

    # THEN the summary says what a count over the file says
    assert run["outcome"] == "SUCCEEDED"
    assert run["rows"] == {
        "read": ROWS,
        "expanded": 0,
        "written": ROWS,
        "rejected": 0,
        "duplicates": 0,
        "filtered": 0,
        "dropped_by_lookup": 0,
    }
    # AND the files hold the rows
    question = (
        "SELECT month, count(*), sum(distance), sum(dep_delay), sum(flight), count(tailnum), "
        "count(*) FILTER (dep_time IS NULL), max(carrier) FROM {} GROUP BY month ORDER BY month"
    )
    expected = ask(question.format("sample"), sample=sample)
    assert ask(question.format("written"), written=cloud.table(run["outputs"])) == expected
    assert [month for month, *_ in expected] == [1, 2]
    # AND what was made of them
    ((cancelled,),) = ask("SELECT count(*) FROM sample WHERE dep_time IS NULL")
    assert ask("SELECT count(*) FROM written WHERE cancelled") == [(cancelled,)]
    ((unmatched,),) = ask(
        "SELECT count(*) FROM sample WHERE dest NOT IN (SELECT faa FROM airports)",
        airports=Path("datasets/flights/lookups/airports.csv").resolve(),
    )
    assert run["lookups"]["airports"]["unmatched"] == unmatched > 0


def test_parquet_is_what_a_query_engine_expects(cloud: Cloud, sample: Path) -> None:
    # WHEN
    run = cloud.run_pipeline("input/flights/first.csv", sample.read_bytes())

    # THEN Hive-style partitions, one file for each, named after the source object alone
    names = [address.removeprefix("s3://results/") for address in run["outputs"]]
    assert names == [
        f"processed/flights/month={month}/{run['source_id']}.parquet" for month in (1, 2)
    ]
    # AND plain types, without the partition's column and without row numbers
    file = pq.ParquetFile(io.BytesIO(cloud.read(run["outputs"][0])))
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert "month" not in types
    assert "_row_number" not in types
    assert types.items() >= {
        ("year", "int64"),
        ("carrier", "string"),
        ("time_hour", "timestamp[us, tz=UTC]"),
        ("flight_date", "date32[day]"),
        ("cancelled", "bool"),
        ("speed_mph", "double"),
        ("plane_seats", "int64"),
        ("processed_date", "timestamp[us, tz=UTC]"),
        ("status", "string"),
    }
    assert list(types)[-2:] == ["processed_date", "status"]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_rows_are_stamped_with_the_executions_start(cloud: Cloud) -> None:
    # WHEN
    run = cloud.run_pipeline("input/flights/a.csv", flights(flight()))

    # THEN
    (row,) = cloud.table(run["outputs"]).to_pylist()
    assert row["processed_date"].isoformat() == "2026-01-31T12:00:00.250000+00:00"
    assert row["status"] == "processed"


def test_books_balance_at_every_stage(cloud: Cloud) -> None:
    # GIVEN a file with a reject and two readings of the same hour
    body = json_lines(reading(9), reading(9), reading(10, temp=999), reading(11), "?")

    # WHEN
    states = list(cloud.states(cloud.upload("input/weather/day.jsonl", body)))

    # THEN
    assert [(s["stage"], s["rows_in"], s["rows_out"]) for s in states[-1]["stages"]] == [
        ("validate", 5, 3),
        ("clean", 3, 2),
        ("transform", 2, 2),
        ("enrich", 2, 2),
        ("write", 2, 2),
    ]
    for state in states:
        rows = state["rows"]
        lost = sum(rows.values()) - rows["read"] - rows["written"] - rows["expanded"]
        assert rows["read"] == state["stages"][-1]["rows_out"] + lost
    assert states[-1]["rows"] == {
        "read": 5,
        "expanded": 0,
        "written": 2,
        "rejected": 2,
        "duplicates": 1,
        "filtered": 0,
        "dropped_by_lookup": 0,
    }


def test_gzip_gives_the_same_rows(cloud: Cloud, sample: Path) -> None:
    # GIVEN the same bytes plain, packed, and packed in two members, under any name
    plain = sample.read_bytes()
    bodies = {
        "plain.csv": plain,
        "packed.csv.gz": gzip.compress(plain),
        "packed.csv": gzip.compress(plain[:777]) + gzip.compress(plain[777:]),
    }

    # WHEN
    tables = [
        cloud.table(cloud.run_pipeline(f"input/flights/{name}", body)["outputs"])
        for name, body in bodies.items()
    ]

    # THEN
    assert tables[0].num_rows == ROWS
    assert tables[1] == tables[0]
    assert tables[2] == tables[0]


@pytest.fixture(scope="module")
def readings(weather_csv: Path) -> list[dict[str, Any]]:
    """The first readings of the real weather, typed."""
    texts = ("origin", "time_hour")
    with weather_csv.open(newline="") as file:
        return [
            {
                name: None if cell == "NA" else cell if name in texts else json.loads(cell)
                for name, cell in row.items()
            }
            for row in itertools.islice(csv.DictReader(file), 300)
        ]


def test_json_lines_and_arrays_give_the_same_csv(
    cloud: Cloud, readings: list[dict[str, Any]]
) -> None:
    # GIVEN
    bodies = {
        "lines.jsonl": json_lines(*readings),
        "array.json": json.dumps(readings).encode(),
        "indented.json": json.dumps(readings, indent=2).encode(),
        "packed.json.gz": gzip.compress(json.dumps(readings).encode()),
    }

    # WHEN
    runs = [cloud.run_pipeline(f"input/weather/{name}", body) for name, body in bodies.items()]

    # THEN
    texts = {cloud.read(run["outputs"][0]) for run in runs}
    assert len(texts) == 1
    rows = list(csv.DictReader(io.StringIO(texts.pop().decode(), newline="")))
    assert len(rows) == len(readings)
    for row, reading_ in zip(rows, readings, strict=True):
        assert row["origin"] == reading_["origin"]
        assert row["time_hour"] == reading_["time_hour"]
        assert row["observed_at"] == reading_["time_hour"]
        for name in ("temp", "humid", "wind_dir", "wind_gust", "pressure", "visib"):
            assert (float(row[name]) if row[name] else None) == reading_[name]
        assert row["processed_date"] == "2026-01-31T12:00:00.250000Z"


def test_report_manifest_and_summary_tell_the_same(cloud: Cloud) -> None:
    # GIVEN
    key = "input/flights/a.csv"

    # WHEN
    run = cloud.run_pipeline(key, flights(flight(1), flight(2, month=13), flight(3)))

    # THEN
    report, manifest = cloud.document(run["report"]), cloud.document(run["manifest"])
    assert run["manifest"] == f"s3://results/manifests/flights/{run['source_id']}.json"
    assert run["report"] == f"s3://results/reports/flights/{run['run_id']}.json"
    assert report["rows"] == manifest["run"]["rows"] == run["rows"]
    assert report["outcome"] == run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert report["execution_arn"] == manifest["execution_arn"] == EXECUTION["arn"]
    assert report["source"]["bucket"] == INPUT
    assert report["source"]["key"] == key
    assert [output["rows"] for output in manifest["outputs"]] == [2]
    # AND the manifest pins the versions of the files
    (output,) = manifest["outputs"]
    head = cloud.s3.head_object(
        Bucket=output["bucket"], Key=output["key"], VersionId=output["version_id"]
    )
    assert head["ContentLength"] == output["bytes"]
    assert head["ETag"].strip('"') == output["etag"]


def test_the_uploaded_file_is_not_touched(cloud: Cloud) -> None:
    # GIVEN
    body = flights(flight())
    event = cloud.upload("input/flights/a.csv", body)

    # WHEN
    cloud.run(event)

    # THEN
    assert cloud.read("s3://landing/input/flights/a.csv") == body
    versions = cloud.s3.list_object_versions(Bucket=INPUT)
    assert [version["VersionId"] for version in versions["Versions"]] == [
        event["detail"]["object"]["version-id"]
    ]
