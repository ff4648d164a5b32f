"""A stack whose data are encrypted with a key of the account's own works as the others do.

The local cloud keeps key, alias and policy, and asks nobody's permission to encrypt: who may use
the key for what is shown by tests/infra/test_encryption.py.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end.copies import Copy, copied_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: readings
version: 1.0.0
status: active
servers: [{server: landing, type: s3, location: 's3://landing/input/readings/*', format: csv}]
schema:
  - name: readings
    properties:
      - {name: sensor, logicalType: string, primaryKey: true}
      - {name: celsius, logicalType: number}
"""


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A deployed copy of the project, with one dataset, that asks for a key of its own."""
    copy = copied_project(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("home"))
    shutil.rmtree(copy.project / "datasets")
    for name, steps in (("readings", "write: {format: csv}"), ("elsewhere", "{}")):
        folder = copy.project / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "contract.odcs.yaml").write_text(CONTRACT.replace("readings", name))
        (folder / "pipeline.yaml").write_text(steps)
    configuration = copy.project / "cdk.json"
    app = json.loads(configuration.read_text())
    app["context"] |= {"encryption": "customer", "access_logs": "true", "datasets": "readings"}
    configuration.write_text(json.dumps(app))
    yield copy
    copy.cli("down")


def run(copy: Copy, file: Path, rows: str, dataset: str) -> dict[str, Any]:
    file.write_text(rows)
    ran = copy.cli("run", file, "--dataset", dataset, "--json")
    assert ran.stdout, ran.stderr
    (record,) = json.loads(ran.stdout)
    return dict(record)


def test_files_are_processed_and_failures_kept(encrypted: Copy, tmp_path: Path) -> None:
    # WHEN a good file and a bad one arrive, and one for a dataset that was not chosen
    good = run(encrypted, tmp_path / "good.csv", "sensor,celsius\na,1.5\n", "readings")
    bad = run(encrypted, tmp_path / "bad.csv", "sensor\na\n", "readings")
    other = run(encrypted, tmp_path / "good.csv", "sensor,celsius\na,1.5\n", "elsewhere")
    # THEN the good one is committed
    assert (good["status"], good["rows"]["written"]) == ("SUCCEEDED", 1)
    # AND the others are in the queue
    assert bad["error"]["name"] == "MissingColumnError"
    assert other["error"]["name"] == "UnknownDatasetError"
    letters = json.loads(encrypted.cli("dead-letters", "list", "--json").stdout)
    assert len(letters) == 2


def test_key_is_the_stacks_own(encrypted: Copy) -> None:
    status = encrypted.status()
    kms = encrypted.client("kms")
    key = kms.describe_key(KeyId="alias/LambdaPipelines")["KeyMetadata"]["Arn"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    queue = encrypted.client("sqs").get_queue_attributes(
        QueueUrl=status["dead_letter_queue_url"], AttributeNames=["KmsMasterKeyId"]
    )
    groups = encrypted.client("logs").describe_log_groups()["logGroups"]
    assert {queue["Attributes"]["KmsMasterKeyId"], *(one["kmsKeyId"] for one in groups)} == {key}
