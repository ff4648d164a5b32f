"""Merges that are refused, or overtaken by another run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.errors import ObjectChangedError, ReplayRefusedError
from tests.handlers.cloud import OUTPUT
from tests.handlers.merges import (
    LATE,
    RELAXED,
    ROWS,
    STRICT,
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
    before_write,
    csv,
    order,
    replay_of_quarantine,
)

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud
    from tests.handlers.conftest import Race


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (Orders(last_day=LATE, dialect={"delimiter": ";"}), "row numbers may not be the same"),
        (Orders(last_day=LATE, format="json"), "row numbers may not be the same"),
        (
            Orders(last_day=LATE, options={"write": {"format": "parquet"}}),
            "publishes other columns, types, partitions",
        ),
        (
            Orders(last_day=LATE, options={"transform": [{"derive": {"x": "quantity + 1"}}]}),
            "publishes other columns, types, partitions",
        ),
        (
            Orders(last_day=LATE, columns={"code": {"logicalType": "number"}}),
            "publishes other columns, types, partitions",
        ),
    ],
)
def test_rows_of_another_kind_are_not_merged(
    cloud: Cloud, deploy: Deployments, changed: Orders, reason: str
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    before = shelf_of(cloud, run).manifest
    deploy(changed)

    # WHEN
    with pytest.raises(ReplayRefusedError, match=reason) as refused:
        cloud.run(replay_of_quarantine(event, run))

    # THEN it says what to do instead, and nothing is touched
    assert f"pipeline quarantine replay {run['run_id']} --whole-file" in refused.value.message
    assert refused.value.status_code == 400
    assert shelf_of(cloud, run).manifest == before


def test_nothing_is_merged_into_nothing(cloud: Cloud, deploy: Deployments) -> None:
    deploy()
    event = cloud.upload(KEY, csv(*ROWS))

    with pytest.raises(ReplayRefusedError, match="Nothing of this file is published"):
        cloud.run({**event, "replay": {"quarantine": "0" * 32}})


@pytest.mark.parametrize("asked", ["0" * 32, "quarantine", "orders", "validate.jsonl", OUTPUT])
def test_quarantine_that_is_not_the_files_is_not_replayed(
    cloud: Cloud, deploy: Deployments, asked: str
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)

    # WHEN
    other = cloud.run({**event, "replay": {"quarantine": asked}})

    # THEN
    assert other["outcome"] == "SUPERSEDED"
    assert quarantined(cloud, run) == [2, 4, 5]


def test_rejected_rows_of_an_older_version_are_superseded(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(STRICT)
    event, run = committed(cloud)
    cloud.run_pipeline(KEY, csv(order(8)))
    deploy(RELAXED)

    late = cloud.run(replay_of_quarantine(event, run))

    assert late["outcome"] == "SUPERSEDED"
    assert shelf_of(cloud, run).rows == [8]


@pytest.mark.parametrize("named", [True, False], ids=["version named", "version not named"])
def test_row_numbers_of_one_version_are_not_looked_up_in_another(
    cloud: Cloud, deploy: Deployments, named: bool
) -> None:
    # GIVEN a committed version, and a newer one that no run has committed
    deploy(STRICT)
    event, run = committed(cloud)
    newer = cloud.upload(KEY, csv(order(11), order(12), order(13), order(14), order(15)))
    if not named:
        newer = event
        del newer["detail"]["object"]["version-id"], newer["detail"]["object"]["etag"]
    deploy(RELAXED)

    # WHEN the quarantine is replayed with an event that leads to the newer one
    with pytest.raises(ReplayRefusedError, match="another version of the object"):
        cloud.run(replay_of_quarantine(newer, run))

    # THEN
    assert shelf_of(cloud, run).rows == [1, 3]


def test_of_two_merges_at_once_one_commits(cloud: Cloud, deploy: Deployments, race: Race) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    race.between(asked, enriched)

    # WHEN
    loser = cloud.run_stage("write", asked, enriched)

    # THEN the rows are there once, in the winner's versions
    assert race.winner["outcome"] == loser["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert len(manifest_of(cloud, run)["merges"]) == 1
    assert_books_balance(cloud, run)


@pytest.mark.parametrize("at", ["before the last stage", "at the commit"])
@pytest.mark.parametrize("other", ["newer version", "whole file"])
def test_merge_that_is_overtaken_leaves_nothing(
    cloud: Cloud, deploy: Deployments, race: Race, other: str, at: str
) -> None:
    # GIVEN a merge before its last stage, and another run of the object that is faster
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    faster = cloud.upload(KEY, csv(order(8))) if other == "newer version" else event
    faster_enriched = before_write(cloud, faster)
    if at == "at the commit":
        race.between(faster, faster_enriched)
    else:
        cloud.run_stage("write", faster, faster_enriched)

    # WHEN
    late = cloud.run_stage("write", asked, enriched)

    # THEN
    assert late["outcome"] == "SUPERSEDED"
    assert late["outputs"] == []
    assert shelf_of(cloud, run).rows == ([8] if other == "newer version" else [1, 2, 3, 5])
    assert_books_balance(cloud, run)


def test_run_of_an_older_version_does_not_undo_a_merge(cloud: Cloud, deploy: Deployments) -> None:
    deploy(STRICT)
    old = cloud.upload(KEY, csv(order(8)))
    old_enriched = before_write(cloud, old)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))

    deploy(STRICT)
    assert cloud.run_stage("write", old, old_enriched)["outcome"] == "SUPERSEDED"

    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert_books_balance(cloud, run)


def test_late_event_of_an_older_version_does_not_hide_a_merges_files(
    cloud: Cloud, deploy: Deployments, race: Race
) -> None:
    # GIVEN a merge that has published its files and is about to commit
    deploy(RELAXED)
    old = cloud.upload(KEY, csv(order(8)))
    old_enriched = before_write(cloud, old)
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    race.between(old, old_enriched)

    # WHEN an execution of the version before finds itself superseded
    merge = cloud.run_stage("write", asked, enriched)

    # THEN
    assert race.winner["outcome"] == "SUPERSEDED"
    assert merge["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert_books_balance(cloud, run)


def test_older_version_that_is_broken_is_superseded_whatever_notes_there_are(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a note of a run that is under way, and an older version that could not be processed
    deploy(STRICT)
    old = cloud.upload(KEY, b"")
    _, run = committed(cloud)
    place = f"pending/orders/{run['source_id']}/{'0' * 32}.json"
    cloud.s3.put_object(Bucket=OUTPUT, Key=place, Body=b"{}")

    # WHEN, THEN nobody is told of a file that is not wanted any more
    assert cloud.run(old)["outcome"] == "SUPERSEDED"


def test_newer_version_that_loses_to_a_merge_tries_again(
    cloud: Cloud, deploy: Deployments, race: Race
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    newer = cloud.upload(KEY, csv(order(8)))
    newer_enriched = before_write(cloud, newer)
    race.between(asked, enriched)

    # WHEN
    with pytest.raises(ObjectChangedError):
        cloud.run_stage("write", newer, newer_enriched)

    # THEN until the retry the merge stands, and then the newer version
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert cloud.run_stage("write", newer, newer_enriched)["outcome"] == "SUCCEEDED"
    assert shelf_of(cloud, run).rows == [8]
    assert_books_balance(cloud, run)


def test_merge_of_which_no_row_joins_adds_no_file(cloud: Cloud, deploy: Deployments) -> None:
    deploy(STRICT)
    event, run = committed(cloud)
    before = manifest_of(cloud, run)["outputs"]
    deploy(Orders(last_day=33))

    merge = cloud.run(replay_of_quarantine(event, run))

    assert (merge["rows"]["written"], merge["outputs"]) == (0, [])
    assert manifest_of(cloud, run)["outputs"] == before
    assert quarantined(cloud, run) == [2, 4, 5]
    assert_books_balance(cloud, run)


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_merge_into_text_files(cloud: Cloud, deploy: Deployments, format_: str) -> None:
    # GIVEN outputs without partitions
    write = {"write": {"format": format_}}
    deploy(Orders(options=write))
    event, run = committed(cloud)

    # WHEN
    deploy(Orders(options=write, last_day=LATE))
    cloud.run(replay_of_quarantine(event, run))

    # THEN the merge's file lies beside the run's
    outputs = manifest_of(cloud, run)["outputs"]
    assert [output["rows"] for output in outputs] == [2, 2]
    texts = [cloud.read(f"s3://{OUTPUT}/{output['key']}").decode() for output in outputs]
    assert all("tea" in text for text in texts)
