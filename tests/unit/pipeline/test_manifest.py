from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from pipeline.accounting import RowCounts
from pipeline.errors import ObjectChangedError
from pipeline.manifest import (
    Manifest,
    OutputFile,
    earlier_outcome,
    read_manifest,
    superseded,
    write_manifest,
)
from pipeline.storage import StoredObject, read_object
from tests.unit.pipeline.support import run_of

if TYPE_CHECKING:
    from pipeline.run import Run

FILE = OutputFile("b", "processed/things/x.parquet", "v1", "e1", 123, 7)
STORED = StoredObject("b", "m", "v", "e", 1)


def commit(run: Run, bucket: str, replaces: Manifest | None = None) -> StoredObject:
    return write_manifest(
        run, [FILE], bucket=bucket, execution_arn="arn:execution", replaces=replaces
    )


def committed(**source: str) -> Manifest:
    return Manifest(run_of(**source), (FILE,), STORED)


def test_what_is_committed_can_be_read(bucket: str) -> None:
    run = run_of()
    run.rows = RowCounts(read=7, written=7)
    stored = commit(run, bucket)

    assert read_manifest(run, bucket) == Manifest(run, (FILE,), stored)
    assert FILE.address == "s3://b/processed/things/x.parquet"


def test_the_document_says_which_execution_committed_when(bucket: str) -> None:
    run = run_of()
    commit(run, bucket)

    found = read_object(bucket, run.manifest_key)
    assert found is not None
    document = json.loads(found[0])
    assert document["manifest_version"] == 1
    assert document["execution_arn"] == "arn:execution"
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(document["committed_at"])
    assert abs(age.total_seconds()) < 60


def test_nothing_is_committed_at_first(bucket: str) -> None:
    assert read_manifest(run_of(), bucket) is None


def test_of_two_first_commits_one_wins(bucket: str) -> None:
    commit(run_of(), bucket)

    with pytest.raises(ObjectChangedError):
        commit(run_of(version_id="v2"), bucket)

    found = read_manifest(run_of(), bucket)
    assert found is not None
    assert found.run.run_id == run_of().run_id


def test_of_two_commits_over_the_same_manifest_one_wins(bucket: str) -> None:
    commit(run_of(), bucket)
    before = read_manifest(run_of(), bucket)
    commit(run_of(version_id="v2"), bucket, before)

    with pytest.raises(ObjectChangedError):
        commit(run_of(version_id="v3"), bucket, before)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("0A", "0B", True),
        ("0B", "0A", False),
        ("0A", "0A", False),
        ("0A", "0A1", True),
        ("0A", "0A0", False),
        ("0B", "0A1", False),
        ("", "0B", False),
        ("0A", "", False),
    ],
)
def test_a_newer_commit_of_the_same_object_supersedes(
    ours: str, theirs: str, expected: bool
) -> None:
    assert superseded(run_of(sequencer=ours), committed(sequencer=theirs)) is expected


def test_nothing_committed_supersedes_nothing() -> None:
    assert not superseded(run_of(), None)
    assert not earlier_outcome(run_of(), None)


def test_a_run_that_is_committed_already_gets_its_results() -> None:
    before = committed()
    before.run.rows = RowCounts(read=7, written=7)
    before.run.outputs = ["s3://b/k"]
    before.run.report = "s3://b/r"
    before.run.outcome = "SUCCEEDED"
    run = run_of()

    assert earlier_outcome(run, before)
    assert run.outcome == "ALREADY_PROCESSED"
    assert (run.rows, run.outputs, run.report) == (before.run.rows, ["s3://b/k"], "s3://b/r")


def test_an_older_version_ends_as_superseded() -> None:
    run = run_of(version_id="v0", sequencer="01")

    assert earlier_outcome(run, committed(version_id="v1", sequencer="02"))
    assert run.outcome == "SUPERSEDED"
    assert run.outputs == []


def test_a_newer_version_goes_on() -> None:
    run = run_of(version_id="v2", sequencer="03")

    assert not earlier_outcome(run, committed(version_id="v1", sequencer="02"))
    assert run.outcome is None
