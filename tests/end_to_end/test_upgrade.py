"""A stack that lives: what a deployment changes is what was said, and nobody's data go with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.cloud import client_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.copies import Copy

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: readings
version: {version}
status: active
servers: [{{server: landing, type: s3, location: 's3://landing/input/readings/*', format: csv}}]
schema:
  - name: readings
    properties:
      - {{name: sensor, logicalType: string, primaryKey: true}}
      - {{name: celsius, logicalType: number, logicalTypeOptions: {{maximum: {maximum}}}}}
"""
STEPS = """\
rejects: {{max_rows: 0}}
transform:
  - derive: {{{derived}}}
write: {{format: csv}}
"""
DIFF = """\
eval "$(pipeline env)"
export PATH="$PWD/.venv/bin:$PATH"
npx cdk diff --context target=local --no-color --no-notices 2>&1
"""
"""What an operator types to see what a deployment would change."""


class Readings:
    """The dataset in the copy of the project, in one version or another."""

    def __init__(self, copy: Copy, files: Path) -> None:
        self.copy = copy
        self.files = files
        self.folder = copy.project / "datasets" / "readings"
        self.folder.mkdir()

    def version(self, number: int, *, maximum: int, derived: str) -> None:
        contract = CONTRACT.format(version=f"{number}.0.0", maximum=maximum)
        (self.folder / "contract.odcs.yaml").write_text(contract)
        (self.folder / "pipeline.yaml").write_text(STEPS.format(derived=derived))

    def run(self, name: str, rows: str) -> dict[str, Any]:
        file = self.files / name
        file.write_text(f"sensor,celsius\n{rows}")
        ran = self.copy.cli("run", file, "--dataset", "readings", "--json")
        (record,) = json.loads(ran.stdout)
        return dict(record)

    def objects(self, prefix: str) -> dict[str, bytes]:
        status = self.copy.status()
        s3, bucket = client_of(status, "s3"), status["output_bucket"]
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        keys = [item["Key"] for item in listed]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@pytest.fixture(scope="module")
def readings(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> Readings:
    return Readings(copy, tmp_path_factory.mktemp("readings"))


def columns(readings: Readings, record: dict[str, Any]) -> list[str]:
    """Return the columns of the one file of a run's output."""
    (address,) = record["outputs"]
    key = address.removeprefix("s3://").partition("/")[2]
    header = readings.objects(key)[key].decode().splitlines()[0]
    return header.replace('"', "").split(",")


def test_data_live_through_an_upgrade_and_a_rollback(readings: Readings) -> None:
    # GIVEN the first version, with a good file and one that its contract refuses
    readings.version(1, maximum=40, derived="kelvin: celsius + 273.15")
    first = readings.run("first.csv", "a,20\n")
    refused = readings.run("hot.csv", "b,55\n")
    assert (first["status"], refused["error"]["name"]) == ("SUCCEEDED", "TooManyRejectsError")
    before, buckets = readings.objects("processed/readings/"), readings.copy.status()

    # THEN what is deployed is what would be deployed
    assert "There were no differences" in readings.copy.shell(DIFF)

    # WHEN the second version is deployed over it, by the run of another file
    readings.version(2, maximum=60, derived="fahrenheit: celsius * 9 / 5 + 32")
    diff = readings.copy.shell(DIFF)
    assert "[~] AWS::Lambda::Function" in diff
    assert "Bucket" not in diff.partition("Resources")[2]
    second = readings.run("second.csv", "c,30\n")

    # THEN it makes the new columns, in the same buckets, and what was there is there
    assert columns(readings, second)[:3] == ["sensor", "celsius", "fahrenheit"]
    assert readings.copy.status() == buckets
    after = readings.objects("processed/readings/")
    assert before.items() <= after.items()
    # AND what the old contract refused is replayed under the new one
    replayed = readings.copy.cli("dead-letters", "replay", refused["execution_arn"], "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert len(readings.objects("processed/readings/")) == 3

    # WHEN the first version is put back, and its file comes again
    readings.version(1, maximum=40, derived="kelvin: celsius + 273.15")
    again = readings.run("first.csv", "a,20\n")

    # THEN it takes the place of its own output, and is read as of old
    assert again["outputs"] == first["outputs"]
    assert columns(readings, again)[:3] == ["sensor", "celsius", "kelvin"]
    assert len(readings.objects("processed/readings/")) == 3
