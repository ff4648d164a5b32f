"""The same file again, a newer one, an older one, two at once: one output, and the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.write import commit
from pipeline.errors import ObjectChangedError
from pipeline.manifest import write_manifest
from tests.handlers.cloud import INPUT, OTHER_EXECUTION, OUTPUT
from tests.handlers.samples import flight, flights

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud
    from tests.handlers.conftest import Race

KEY = "input/flights/a.csv"
JANUARY = flights(flight(1), flight(2))
FEBRUARY = flights(flight(3, month=2), flight(4, month=2), flight(5))


def flown(cloud: Cloud) -> list[int]:
    """Flight numbers in all current files of the dataset."""
    files = [f"s3://{OUTPUT}/{key}" for key in cloud.keys("processed/flights/")]
    return sorted(cloud.table(files).column("flight").to_pylist())


def test_same_event_again_is_already_processed(cloud: Cloud) -> None:
    # GIVEN
    event = cloud.upload(KEY, flights(flight(1), flight(2), flight(3, month=13)))
    first = cloud.run(event)
    before = cloud.s3.list_object_versions(Bucket=OUTPUT)["Versions"]

    # WHEN
    again = cloud.run(event)

    # THEN the first stage ends the run, with what the first run has to say
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert [stage["stage"] for stage in again["stages"]] == ["validate"]
    for name in ("run_id", "rows", "outputs", "rejects", "lookups", "report", "manifest"):
        assert again[name] == first[name]
    # AND nothing is written
    assert cloud.s3.list_object_versions(Bucket=OUTPUT)["Versions"] == before


def test_write_invoked_again_after_its_commit_writes_nothing(cloud: Cloud) -> None:
    # GIVEN a write that committed, whose answer was lost
    event = cloud.upload(KEY, JANUARY)
    *_, enriched, written = cloud.states(event)

    # WHEN the state machine tries again, and when another execution comes as far
    retried = cloud.run_stage("write", event, enriched)
    other = cloud.run_stage("write", event, enriched, execution=OTHER_EXECUTION)

    # THEN the first one tells what it did, the other one that it was done
    assert (retried["outcome"], other["outcome"]) == ("SUCCEEDED", "ALREADY_PROCESSED")
    for again in (retried, other):
        assert (again["rows"], again["outputs"]) == (written["rows"], written["outputs"])
    assert len(cloud.s3.list_object_versions(Bucket=OUTPUT, Prefix="processed/")["Versions"]) == 1


def test_stage_invoked_again_gives_the_same_result(cloud: Cloud) -> None:
    # GIVEN
    event = cloud.upload(KEY, flights(flight(1), flight(2), flight(2)))
    first = list(cloud.states(event, ["validate", "clean", "transform", "enrich"]))

    # WHEN each is retried after its success
    again = list(cloud.states(event, ["validate", "clean", "transform", "enrich"]))

    # THEN
    for name in ("rows", "data", "rejects", "lookups"):
        assert again[-1][name] == first[-1][name]
    assert cloud.run(event)["rows"]["written"] == 2


def test_newer_version_replaces_the_output(cloud: Cloud) -> None:
    # GIVEN
    first = cloud.run_pipeline(KEY, FEBRUARY)
    assert flown(cloud) == [3, 4, 5]

    # WHEN the new version has no row for February any more
    second = cloud.run_pipeline(KEY, JANUARY)

    # THEN its files are in the place of the old ones
    assert second["run_id"] != first["run_id"]
    assert second["source_id"] == first["source_id"]
    assert second["outputs"] == first["outputs"][:1]
    assert flown(cloud) == [1, 2]
    assert len(cloud.keys("manifests/")) == 1
    # AND who reads by the old manifest's versions still can
    hidden = cloud.s3.list_object_versions(Bucket=OUTPUT, Prefix="processed/flights/month=2/")
    assert len(hidden["Versions"]) == len(hidden["DeleteMarkers"]) == 1


def test_other_object_with_the_same_content_has_its_own_output(cloud: Cloud) -> None:
    # WHEN
    runs = [cloud.run_pipeline(f"input/flights/{name}.csv", JANUARY) for name in "ab"]

    # THEN
    assert runs[0]["outputs"] != runs[1]["outputs"]
    assert flown(cloud) == [1, 1, 2, 2]


def test_older_version_that_comes_late_is_superseded(cloud: Cloud) -> None:
    # GIVEN
    old = cloud.upload(KEY, FEBRUARY)
    new = cloud.upload(KEY, JANUARY)
    cloud.run(new)

    # WHEN
    late = cloud.run(old)

    # THEN
    assert late["outcome"] == "SUPERSEDED"
    assert flown(cloud) == [1, 2]


def test_older_version_that_is_overtaken_is_superseded_at_the_end(cloud: Cloud) -> None:
    # GIVEN an older run that has come as far as the last stage
    old = cloud.upload(KEY, FEBRUARY)
    *_, enriched = cloud.states(old, ["validate", "clean", "transform", "enrich"])
    cloud.run_pipeline(KEY, JANUARY)

    # WHEN
    late = cloud.run_stage("write", old, enriched)

    # THEN
    assert late["outcome"] == "SUPERSEDED"
    assert flown(cloud) == [1, 2]


def test_file_overwritten_before_it_was_read_is_superseded(cloud: Cloud) -> None:
    # GIVEN an event that names no version, as from a bucket without versioning
    old = cloud.upload(KEY, FEBRUARY)
    del old["detail"]["object"]["version-id"]
    new = cloud.upload(KEY, JANUARY)

    # WHEN
    late = cloud.run(old)

    # THEN
    assert late["outcome"] == "SUPERSEDED"
    assert cloud.keys("") == []
    # AND the new file's own execution processes it
    assert cloud.run(new)["outcome"] == "SUCCEEDED"


def test_event_without_a_version_is_the_run_of_the_version_that_was_read(cloud: Cloud) -> None:
    # GIVEN the same object announced twice, once without its version
    event = cloud.upload(KEY, JANUARY)
    first = cloud.run(event)
    del event["detail"]["object"]["version-id"]

    # WHEN
    again = cloud.run(event)

    # THEN
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert again["run_id"] == first["run_id"]


BEFORE_WRITE = ["validate", "clean", "transform", "enrich"]


def test_of_two_runs_of_one_event_exactly_one_commits(cloud: Cloud, race: Race) -> None:
    # GIVEN a duplicate event, both executions at the last stage
    event = cloud.upload(KEY, JANUARY)
    *_, enriched = cloud.states(event, BEFORE_WRITE)
    race.between(event, enriched)

    # WHEN
    loser = cloud.run_stage("write", event, enriched)

    # THEN the winner's files are the current ones, in the versions that its manifest names
    assert race.winner["outcome"] == "SUCCEEDED"
    assert flown(cloud) == [1, 2]
    pinned = {
        (output["key"], output["version_id"])
        for output in cloud.document(race.winner["manifest"])["outputs"]
    }
    listed = cloud.s3.list_object_versions(Bucket=OUTPUT, Prefix="processed/")
    assert {(found["Key"], found["VersionId"]) for found in listed["Versions"]} == pinned
    assert "DeleteMarkers" not in listed
    # AND the loser tells the same story
    assert loser["outcome"] == "SUCCEEDED"
    assert (loser["rows"], loser["outputs"]) == (race.winner["rows"], race.winner["outputs"])


def test_commit_whose_answer_was_lost_is_not_undone(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a manifest that is written, but the answer is lost: the SDK writes again, and is
    # told that the condition does not hold any more
    def written_twice(*arguments: Any, **named: Any) -> None:
        write_manifest(*arguments, **named)
        write_manifest(*arguments, **named)

    monkeypatch.setattr(commit, "write_manifest", written_twice)
    first = cloud.upload(KEY, JANUARY)

    # WHEN
    run = cloud.run(first)

    # THEN the run is the one that committed, and its files are there
    assert run["outcome"] == "SUCCEEDED"
    assert flown(cloud) == [1, 2]
    pinned = cloud.document(run["manifest"])["outputs"]
    assert [output["rows"] for output in pinned] == [2]
    for output in pinned:
        cloud.s3.head_object(Bucket=OUTPUT, Key=output["key"], VersionId=output["version_id"])


def test_older_run_gives_way_to_a_newer_one_that_commits_first(cloud: Cloud, race: Race) -> None:
    # GIVEN
    old = cloud.upload(KEY, FEBRUARY)
    *_, old_enriched = cloud.states(old, BEFORE_WRITE)
    new = cloud.upload(KEY, JANUARY)
    *_, new_enriched = cloud.states(new, BEFORE_WRITE)
    race.between(new, new_enriched)

    # WHEN
    loser = cloud.run_stage("write", old, old_enriched)

    # THEN
    assert loser["outcome"] == "SUPERSEDED"
    assert loser["outputs"] == []
    assert flown(cloud) == [1, 2]


def test_newer_run_tries_again_after_an_older_one_committed(cloud: Cloud, race: Race) -> None:
    # GIVEN
    old = cloud.upload(KEY, FEBRUARY)
    *_, old_enriched = cloud.states(old, BEFORE_WRITE)
    new = cloud.upload(KEY, JANUARY)
    *_, new_enriched = cloud.states(new, BEFORE_WRITE)
    race.between(old, old_enriched)

    # WHEN
    with pytest.raises(ObjectChangedError):
        cloud.run_stage("write", new, new_enriched)

    # THEN until the retry the older output stands, whole
    assert flown(cloud) == [3, 4, 5]
    # AND then the newer one
    assert cloud.run_stage("write", new, new_enriched)["outcome"] == "SUCCEEDED"
    assert flown(cloud) == [1, 2]


def test_changed_plan_processes_the_same_version_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a run, and then a deployment that changes the dataset
    event = cloud.upload(KEY, JANUARY)
    first = cloud.run(event)
    from pipeline import plan, runtime

    def redeployed(*arguments: Any) -> Any:
        from dataclasses import replace

        return replace(plan.load_plan(*arguments), hash="0" * 16)

    monkeypatch.setattr(runtime, "load_plan", redeployed)

    # WHEN
    second = cloud.run(event)

    # THEN
    assert second["outcome"] == "SUCCEEDED"
    assert second["run_id"] != first["run_id"]
    assert second["outputs"] == first["outputs"]
    assert flown(cloud) == [1, 2]


def test_failed_run_leaves_the_earlier_output(cloud: Cloud) -> None:
    # GIVEN
    cloud.run_pipeline(KEY, FEBRUARY)

    # WHEN the next version is broken
    with pytest.raises(Exception, match="no rows"):
        cloud.run_pipeline(KEY, JANUARY.splitlines()[0])

    # THEN
    assert flown(cloud) == [3, 4, 5]
    assert cloud.read(f"s3://{INPUT}/{KEY}") == JANUARY.splitlines()[0]
