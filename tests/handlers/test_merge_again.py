"""Merges after a merge: under the same contract, under another one, and the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.handlers.cloud import OUTPUT
from tests.handlers.merges import (
    RELAXED,
    STRICT,
    TOO_LATE,
    assert_books_balance,
    committed,
    manifest_of,
    quarantined,
    shelf_of,
)
from tests.handlers.orders import (
    KEY,
    Deployments,
    Orders,
    csv,
    order,
    replay_of_quarantine,
)

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud


def test_merge_again_is_already_processed(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))
    before = cloud.s3.list_object_versions(Bucket=OUTPUT)["Versions"]

    # WHEN
    again = cloud.run(replay_of_quarantine(event, run))

    # THEN nothing is written
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert cloud.s3.list_object_versions(Bucket=OUTPUT)["Versions"] == before


def test_merge_under_the_plan_that_rejected_is_already_processed(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(STRICT)
    event, run = committed(cloud)

    again = cloud.run(replay_of_quarantine(event, run))

    assert again["outcome"] == "ALREADY_PROCESSED"
    assert [stage["stage"] for stage in again["stages"]] == ["validate"]
    assert quarantined(cloud, run) == [2, 4, 5]


def test_second_correction_takes_the_rest(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a merge that left a row behind
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    first = cloud.run(replay_of_quarantine(event, run))
    assert quarantined(cloud, run) == [4]

    # WHEN the contract is corrected again; the rows are now in the quarantine of the merge
    deploy(Orders(last_day=TOO_LATE))
    second = cloud.run(replay_of_quarantine(event, first))

    # THEN
    assert second["outcome"] == "SUCCEEDED"
    assert (second["rows"]["read"], second["rows"]["written"]) == (1, 1)
    assert shelf_of(cloud, run).rows == [1, 2, 3, 4, 5]
    assert quarantined(cloud, run) == []
    merges = manifest_of(cloud, run)["merges"]
    assert [merge["quarantine_of"] for merge in merges] == [run["run_id"], first["run_id"]]
    assert_books_balance(cloud, run)
    # AND nothing is left to do for either
    for earlier in (run, first, second):
        assert cloud.run(replay_of_quarantine(event, earlier))["outcome"] == "ALREADY_PROCESSED"


def test_duplicate_of_the_original_event_changes_nothing_after_a_merge(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))
    merged = shelf_of(cloud, run).manifest

    # WHEN S3 sends the event once more, and the functions are the old ones
    deploy(STRICT)
    again = cloud.run(event)

    # THEN
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert again["rows"]["written"] == 4
    assert shelf_of(cloud, run).manifest == merged


@pytest.mark.parametrize("how", ["newer version", "whole file"])
def test_whole_run_replaces_the_merges_files_too(
    cloud: Cloud, deploy: Deployments, how: str
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))

    # WHEN
    if how == "newer version":
        event = cloud.upload(KEY, csv(order(8)))
    whole = cloud.run(event)

    # THEN
    assert whole["outcome"] in {"SUCCEEDED", "SUCCEEDED_WITH_REJECTS"}
    assert shelf_of(cloud, run).rows == ([8] if how == "newer version" else [1, 2, 3, 5])
    assert manifest_of(cloud, run)["merges"] == []
    assert not [key for key in cloud.keys("processed/") if "-" in key.rpartition("/")[2]]
    assert_books_balance(cloud, run)
