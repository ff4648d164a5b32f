"""Datasets that do what the real ones do not: refuse unknown keys, filter, write JSON."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_DATASETS_DIR
from pipeline.errors import LookupMissError, StepError, TooManyRejectsError
from tests.conftest import REPOSITORY
from tests.handlers.samples import flight, flights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handlers.cloud import Cloud

KEY = "input/flights/a.csv"
KNOWN, UNKNOWN = flight(1, dest="IAH"), flight(2, dest="BQN")
Deploy = Callable[..., None]


@pytest.fixture
def deploy(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """`deploy(("before", "after"))` deploys flights with changes to its pipeline.yaml."""

    def deployed(*changes: tuple[str, str]) -> None:
        shutil.copytree(REPOSITORY / "datasets/flights", tmp_path / "source/flights")
        steps = tmp_path / "source/flights/pipeline.yaml"
        text = steps.read_text()
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        steps.write_text(text)
        compile_datasets(tmp_path / "source", tmp_path / "compiled")
        monkeypatch.setenv(ENV_DATASETS_DIR, str(tmp_path / "compiled"))

    return deployed


AIRPORTS = "    on: {dest: faa}\n"


def test_rows_without_a_lookup_are_quarantined_by_enrich(cloud: Cloud, deploy: Deploy) -> None:
    # GIVEN a contract's reject, too
    deploy((AIRPORTS, AIRPORTS + "    when_missing: reject\n"))

    # WHEN
    run = cloud.run_pipeline(KEY, flights(flight(3, month=13), KNOWN, UNKNOWN))

    # THEN
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert run["rows"] | {"duplicates": 0, "filtered": 0} == {
        "read": 3,
        "expanded": 0,
        "written": 1,
        "rejected": 1,
        "duplicates": 0,
        "filtered": 0,
        "dropped_by_lookup": 1,
    }
    folder = f"s3://results/quarantine/flights/{run['run_id']}"
    assert run["rejects"]["quarantine"] == [f"{folder}/validate.jsonl", f"{folder}/enrich.jsonl"]
    (record,) = cloud.records(f"{folder}/enrich.jsonl")
    assert (record["row_number"], record["column"], record["rule"]) == (3, "dest", "lookup")
    assert record["value"] == "BQN"
    assert record["raw"]["time_hour"] == "2013-01-01T10:00:00+00:00"
    assert run["lookups"]["airports"] == {"matched": 1, "unmatched": 1, "missing_key": 0}
    assert run["rejects"]["top_rules"] == [
        {"stage": "validate", "column": "month", "rule": "maximum", "rows": 1},
        {"stage": "enrich", "column": "dest", "rule": "lookup", "rows": 1},
    ]


def test_rows_lost_to_a_lookup_alone_show_in_the_outcome(cloud: Cloud, deploy: Deploy) -> None:
    # GIVEN
    deploy((AIRPORTS, AIRPORTS + "    when_missing: reject\n"))

    # WHEN
    run = cloud.run_pipeline(KEY, flights(KNOWN, UNKNOWN))

    # THEN
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"


def test_limit_may_be_a_number_of_rows(cloud: Cloud, deploy: Deploy) -> None:
    # GIVEN as many bad rows as are allowed, and then one more
    deploy(("max_share: 0.5", "max_rows: 1"))
    good = [flight(n) for n in range(1, 8)]
    bad = [flight(n, month=13) for n in (8, 9)]
    assert cloud.run_pipeline(KEY, flights(*good, bad[0]))["rows"]["rejected"] == 1

    # WHEN, THEN
    with pytest.raises(TooManyRejectsError, match=r"2 of 9 rows .* allows 1 row"):
        cloud.run_pipeline(KEY, flights(*good, *bad))


def test_unknown_key_may_stop_the_run(cloud: Cloud, deploy: Deploy) -> None:
    # GIVEN
    deploy((AIRPORTS, AIRPORTS + "    when_missing: fail\n"))

    # WHEN
    with pytest.raises(LookupMissError) as failed:
        cloud.run_pipeline(KEY, flights(KNOWN, UNKNOWN))

    # THEN
    assert failed.value.message.startswith(f"Dataset flights, file s3://landing/{KEY}: Row 2 ")
    assert "BQN" in failed.value.message
    assert failed.value.status_code == 400
    assert cloud.keys("processed/") == cloud.keys("manifests/") == []


def test_expression_that_fails_on_a_value_stops_the_run(cloud: Cloud, deploy: Deploy) -> None:
    # GIVEN
    deploy(("cancelled: dep_time IS NULL", "cancelled: carrier::INTEGER = 1"))

    # WHEN
    with pytest.raises(StepError) as failed:
        cloud.run_pipeline(KEY, flights(KNOWN))

    # THEN the step is named, and the value
    said = failed.value.message
    assert said.startswith(f"Dataset flights, file s3://landing/{KEY}: ")
    assert "derive cancelled failed at row 1" in said
    assert "'UA'" in said


def test_filtered_rows_are_counted(cloud: Cloud, deploy: Deploy) -> None:
    # GIVEN
    deploy(("transform:\n", "transform:\n  - filter: dest = 'IAH'\n"))

    # WHEN
    run = cloud.run_pipeline(KEY, flights(KNOWN, UNKNOWN))

    # THEN
    assert run["outcome"] == "SUCCEEDED"
    assert (run["rows"]["written"], run["rows"]["filtered"]) == (1, 1)


def test_file_of_which_nothing_is_left_is_committed_without_files(
    cloud: Cloud, deploy: Deploy
) -> None:
    # GIVEN an earlier version of the file with output
    deploy(("transform:\n", "transform:\n  - filter: dest = 'IAH'\n"))
    cloud.run_pipeline(KEY, flights(KNOWN))

    # WHEN
    run = cloud.run_pipeline(KEY, flights(UNKNOWN))

    # THEN
    assert (run["outcome"], run["outputs"]) == ("SUCCEEDED", [])
    assert (run["rows"]["read"], run["rows"]["filtered"], run["rows"]["written"]) == (1, 1, 0)
    assert cloud.keys("processed/") == []
    assert cloud.document(run["manifest"])["outputs"] == []


def test_output_as_packed_json_lines_by_carrier_and_tail_number(
    cloud: Cloud, deploy: Deploy
) -> None:
    # GIVEN
    deploy(
        ("format: parquet", "format: json"),
        ("compression: zstd", "compression: gzip"),
        ("partition_by: [month]", "partition_by: [carrier, tailnum, cancelled]"),
    )

    # WHEN
    run = cloud.run_pipeline(KEY, flights(flight(1), flight(2, tailnum="NA", dep_time="")))

    # THEN
    folder = "s3://results/processed/flights/carrier=UA"
    name = f"{run['source_id']}.jsonl.gz"
    assert run["outputs"] == [
        f"{folder}/tailnum=N14228/cancelled=false/{name}",
        f"{folder}/tailnum=__HIVE_DEFAULT_PARTITION__/cancelled=true/{name}",
    ]
    row = json.loads(gzip.decompress(cloud.read(run["outputs"][1])))
    assert (row["flight"], row["dep_time"], row["flight_date"]) == (2, None, "2013-01-01")
    assert row["time_hour"] == "2013-01-01T10:00:00Z"
    assert row.keys().isdisjoint({"carrier", "tailnum", "cancelled", "_row_number"})
