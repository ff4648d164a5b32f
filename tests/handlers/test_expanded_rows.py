"""Datasets that make several rows of one: the books, the quarantine, and what can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_DATASETS_DIR
from pipeline.errors import ReplayRefusedError
from tests.handlers.orders import replay_of_quarantine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handlers.cloud import Cloud

KEY = "input/lists/a.csv"
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: lists
version: 1.0.0
status: active
servers: [{server: landing, type: s3, location: 's3://b/k', format: csv}]
schema:
  - name: lists
    properties:
      - {name: id, logicalType: integer, logicalTypeOptions: {maximum: %d}}
      - {name: numbers, logicalType: string}
"""
STEPS = """
transform:
  - explode: {column: numbers, by: ;}
  - cast: {numbers: INTEGER}
  - filter: numbers > 1
"""
FILE = b"id,numbers\n1,1;2;x\n2,3\n30,4;5\n"
"""Three rows of six numbers; `x` is none, 1 is filtered, 30 is more than the contract allows."""


class Lists:
    """Deploys the dataset in one form or another."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._made = 0

    def __call__(self, *, maximum: int = 9) -> None:
        self._made += 1
        source = self._folder / f"source{self._made}"
        (source / "lists").mkdir(parents=True)
        (source / "lists/contract.odcs.yaml").write_text(CONTRACT % maximum)
        (source / "lists/pipeline.yaml").write_text(STEPS + "rejects: {max_share: 1}\n")
        compiled = self._folder / f"compiled{self._made}"
        compile_datasets(source, compiled)
        self._monkeypatch.setenv(ENV_DATASETS_DIR, str(compiled))


@pytest.fixture
def deploy(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lists:
    assert cloud
    return Lists(tmp_path, monkeypatch)


def committed(cloud: Cloud, body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    event = cloud.upload(KEY, body)
    return event, cloud.run(event)


def test_rows_that_were_made_stand_in_the_books(cloud: Cloud, deploy: Lists) -> None:
    # GIVEN
    deploy()

    # WHEN
    _, run = committed(cloud, FILE)

    # THEN the summary, the manifest and the report balance
    rows = {
        "read": 3,
        "expanded": 2,
        "written": 2,
        "rejected": 2,
        "duplicates": 0,
        "filtered": 1,
        "dropped_by_lookup": 0,
    }
    assert run["rows"] == rows
    assert cloud.document(run["manifest"])["run"]["rows"] == rows
    assert cloud.document(run["report"])["rows"] == rows
    by_stage = {record["stage"]: record for record in run["stages"]}
    assert (by_stage["transform"]["rows_in"], by_stage["transform"]["rows_out"]) == (2, 2)
    folder = f"s3://results/quarantine/lists/{run['run_id']}"
    assert run["rejects"]["quarantine"] == [f"{folder}/validate.jsonl", f"{folder}/transform.jsonl"]
    (record,) = cloud.records(f"{folder}/transform.jsonl")
    assert (record["row_number"], record["column"], record["rule"]) == (1, "numbers", "type")
    assert (record["value"], record["raw"]) == ("x", {"id": 1, "numbers": "1;2;x"})
    assert run["rejects"]["top_rules"][1] == {
        "stage": "transform",
        "column": "numbers",
        "rule": "type",
        "rows": 1,
    }


def test_rows_of_which_a_part_was_rejected_cannot_be_merged(cloud: Cloud, deploy: Lists) -> None:
    # GIVEN
    deploy()
    event, run = committed(cloud, FILE)

    # WHEN
    deploy(maximum=99)

    # THEN
    with pytest.raises(ReplayRefusedError) as refused:
        cloud.run(replay_of_quarantine(event, run))
    assert "several rows of one" in str(refused.value)
    assert f"pipeline quarantine replay {run['run_id']} --whole-file" in str(refused.value)


def test_rows_that_were_rejected_before_are_merged_in_all_their_parts(
    cloud: Cloud, deploy: Lists
) -> None:
    # GIVEN rows rejected by the contract alone, of a file whose other rows were exploded
    deploy()
    event, run = committed(cloud, FILE.replace(b"x", b"7"))
    assert (run["rows"]["rejected"], run["rows"]["expanded"]) == (1, 2)

    # WHEN
    deploy(maximum=99)
    merge = cloud.run(replay_of_quarantine(event, run))

    # THEN
    assert (merge["rows"]["read"], merge["rows"]["expanded"], merge["rows"]["written"]) == (1, 1, 2)
    manifest = cloud.document(run["manifest"])
    assert manifest["run"]["rows"] == {
        "read": 3,
        "expanded": 3,
        "written": 5,
        "rejected": 0,
        "duplicates": 0,
        "filtered": 1,
        "dropped_by_lookup": 0,
    }
