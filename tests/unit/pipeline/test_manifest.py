from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.accounting import RowCounts
from pipeline.errors import ObjectChangedError
from pipeline.manifest import (
    Manifest,
    MergeRecord,
    OutputFile,
    earlier_outcome,
    end_early,
    new_manifest,
    read_manifest,
    superseded,
    write_manifest,
)
from pipeline.storage import read_object
from tests.unit.pipeline.support import plan_of, run_of

if TYPE_CHECKING:
    from pipeline.run import Run
    from pipeline.storage import StoredObject

FILE = OutputFile("b", "processed/things/x.parquet", "v1", "e1", 123, 7)
PLAN = plan_of({"n": "integer"})
MERGE = MergeRecord("m" * 32, "0" * 32, "p", RowCounts(read=1).to_json(), {}, "arn:merge", "2026")


def manifest_of(run: Run) -> Manifest:
    return new_manifest(run, PLAN, [FILE], execution_arn="arn:execution")


def commit(run: Run, bucket: str, replaces: Manifest | None = None) -> StoredObject:
    return write_manifest(manifest_of(run), bucket, replaces=replaces)


def committed(**source: str) -> Manifest:
    return manifest_of(run_of(**source))


def test_what_is_committed_can_be_read(bucket: str) -> None:
    run = run_of()
    run.rows = RowCounts(read=7, written=4, rejected=2, dropped_by_lookup=1)
    written = replace(manifest_of(run), merges=(MERGE,))
    stored = write_manifest(written, bucket, replaces=None)

    found = read_manifest(run, bucket)

    assert found is not None
    assert replace(found, stored=None) == written
    assert found.stored is not None
    assert found.stored.version_id == stored.version_id
    assert found.run_ids == {run.run_id, MERGE.run_id}
    assert found.quarantined_rows == 3
    assert FILE.address == "s3://b/processed/things/x.parquet"


def test_the_document_says_which_execution_committed_when(bucket: str) -> None:
    run = run_of()
    commit(run, bucket)

    found = read_object(bucket, run.manifest_key)
    assert found is not None
    document = json.loads(found[0])
    assert document["manifest_version"] == 2
    assert document["execution_arn"] == "arn:execution"
    assert document["rejected_by"] == PLAN.hash
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
    assert earlier_outcome(run_of(), None) is None


def test_a_run_that_is_committed_already_gets_its_results() -> None:
    before = committed()
    before.run.rows = RowCounts(read=7, written=7)
    before.run.outputs = ["s3://b/k"]
    before.run.report = "s3://b/r"
    before.run.cost, before.run.lineage = {"usd": 0.1}, "s3://b/l"
    before.run.outcome = "SUCCEEDED"
    run = run_of()

    outcome = earlier_outcome(run, before)
    assert outcome == "ALREADY_PROCESSED"
    assert run.outcome is None
    end_early(run, outcome, before)

    assert run.outcome == "ALREADY_PROCESSED"
    assert (run.rows, run.outputs, run.report) == (before.run.rows, ["s3://b/k"], "s3://b/r")
    assert (run.cost, run.lineage) == ({"usd": 0.1}, "s3://b/l")


def test_a_merge_that_is_part_of_the_output_is_already_processed() -> None:
    run = replace(run_of(), run_id=MERGE.run_id)

    assert earlier_outcome(run, replace(committed(), merges=(MERGE,))) == "ALREADY_PROCESSED"
    assert earlier_outcome(run, committed()) is None


def test_cost_and_lineage_of_a_merge_are_not_those_of_the_file_s_own_run() -> None:
    before = replace(committed(), merges=(MERGE,))
    before.run.cost, before.run.lineage = {"usd": 0.1}, "s3://b/l"
    run = replace(run_of(), run_id=MERGE.run_id)

    end_early(run, "ALREADY_PROCESSED", before)

    assert (run.rows, run.cost, run.lineage) == (RowCounts(read=1), None, None)


def test_an_older_version_ends_as_superseded() -> None:
    run = run_of(version_id="v0", sequencer="01")
    newer = committed(version_id="v1", sequencer="02")

    outcome = earlier_outcome(run, newer)
    assert outcome == "SUPERSEDED"
    end_early(run, outcome, newer)

    assert run.outcome == "SUPERSEDED"
    assert run.outputs == []


def test_a_newer_version_goes_on() -> None:
    run = run_of(version_id="v2", sequencer="03")

    assert earlier_outcome(run, committed(version_id="v1", sequencer="02")) is None
