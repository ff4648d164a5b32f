"""A lookup in the input bucket: a run without it says what to upload, a run with it reads it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.copies import Copy

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
servers: [{server: landing, type: s3, location: 's3://landing/input/visits/*', format: csv}]
schema:
  - name: visits
    properties:
      - {name: code, logicalType: string}
      - {name: n, logicalType: integer}
"""
STEPS = """\
enrich:
  - lookup: places
    prefix: lookups/places/
    columns: {code: string, place: string}
    on: {code: code}
    add: [place]
write: {sort_by: [-n]}
"""
QUIET_SECONDS = 5


@pytest.fixture(scope="module")
def visits(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset in the copy of the project; a file for it."""
    dataset = copy.project / "datasets" / "visits"
    dataset.mkdir()
    (dataset / "contract.odcs.yaml").write_text(CONTRACT)
    (dataset / "pipeline.yaml").write_text(STEPS)
    file = tmp_path_factory.mktemp("visits") / "visits.csv"
    file.write_text("code,n\nA,1\nB,2\nC,3\n")
    return file


def ran(copy: Copy, file: Path) -> dict[str, Any]:
    (record,) = json.loads(copy.cli("run", file, "--dataset", "visits", "--json").stdout)
    return dict(record)


def test_the_newest_table_is_read_and_its_upload_starts_nothing(copy: Copy, visits: Path) -> None:
    # GIVEN a run without a table, which says what to do
    failed = ran(copy, visits)["error"]
    assert (failed["stage"], failed["name"]) == ("enrich", "LookupNotFoundError")
    status = copy.status()
    wanted = f"aws s3 cp places.csv s3://{status['input_bucket']}/lookups/places/places.csv"
    assert wanted in failed["message"]

    # WHEN two versions of it are uploaded
    s3 = copy.client("s3")
    before = json.loads(copy.cli("executions", "--json").stdout)
    for name in ("Aalen", "Aachen"):
        body = f"code;place\nA;{name}\nB;Berlin\n".encode()
        s3.put_object(Bucket=status["input_bucket"], Key="lookups/places/places.csv", Body=body)
    time.sleep(QUIET_SECONDS)

    # THEN no execution has begun, and the next run reads the newer one
    assert len(json.loads(copy.cli("executions", "--json").stdout)) == len(before)
    record = ran(copy, visits)
    assert record["status"] == "SUCCEEDED"
    asked = copy.cli("query", "visits", "SELECT code, place, n FROM visits", "--json")
    assert json.loads(asked.stdout) == [
        {"code": "C", "place": None, "n": 3},
        {"code": "B", "place": "Berlin", "n": 2},
        {"code": "A", "place": "Aachen", "n": 1},
    ]
