"""What a merge needs of the quarantine: the numbers of its rows, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import ReplayRefusedError, UnbalancedBooksError
from tests.handlers.cloud import OUTPUT
from tests.handlers.faults import Killed
from tests.handlers.merges import (
    LATE,
    RELAXED,
    ROWS,
    STRICT,
    committed,
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
    from tests.handlers.faults import Faults


def numbers_of(place: str) -> str:
    """Key of the row numbers beside a file of the quarantine."""
    return place.split("/", 3)[3].replace(".jsonl", ".rows")


def test_merge_needs_the_numbers_of_the_rejected_rows_only(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a quarantine whose records nobody can read any more
    deploy(STRICT)
    event, run = committed(cloud, csv(*ROWS, order(6, item="gold")))
    places = run["rejects"]["quarantine"]
    assert [place.rpartition("/")[2] for place in places] == ["validate.jsonl", "enrich.jsonl"]
    for place in places:
        cloud.s3.delete_object(Bucket=OUTPUT, Key=place.split("/", 3)[3])

    # WHEN
    deploy(Orders(last_day=LATE, items={"tea": 3, "gold": 9}))
    cloud.run(replay_of_quarantine(event, run))

    # THEN
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5, 6]
    assert quarantined(cloud, run) == [4]


def test_quarantine_without_row_numbers_is_replayed_with_the_whole_file(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a quarantine of before there were any, or one that was cleared away
    deploy(STRICT)
    event, run = committed(cloud)
    (place,) = run["rejects"]["quarantine"]
    cloud.s3.delete_object(Bucket=OUTPUT, Key=numbers_of(place))
    deploy(RELAXED)

    # WHEN, THEN
    with pytest.raises(ReplayRefusedError, match="row numbers are not in the quarantine") as no:
        cloud.run(replay_of_quarantine(event, run))
    assert f"pipeline quarantine replay {run['run_id']} --whole-file" in no.value.message


def test_stage_that_dies_between_the_two_files_writes_both_again(
    cloud: Cloud, deploy: Deployments, faults: Faults
) -> None:
    # GIVEN a validate that dies before each of its requests in turn
    deploy(STRICT)
    event = cloud.upload(KEY, csv(*ROWS))
    seen, survived = set(), False
    while not survived:
        with faults.killed_at(len(seen) + 1), suppress(Killed):
            cloud.run_stage("validate", event, None)
            survived = True
        left = tuple(key.rpartition("/")[2] for key in cloud.keys("quarantine/"))
        seen.add((len(seen), left))

    # THEN rows are never there without their numbers
    assert {files for _, files in seen} == {
        (),
        ("validate.rows",),
        ("validate.jsonl", "validate.rows"),
    }

    # AND what the retry has written is what a merge goes by
    run = cloud.run(event)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]


def test_count_that_the_quarantine_does_not_bear_out_stops_the_merge(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a quarantine that lacks rows: somebody has put another file's in its place
    deploy(STRICT)
    event, run = committed(cloud)
    _, other = committed(cloud, csv(order(1), order(2, day=LATE)), "input/orders/b.csv")
    (place,), (shorter,) = run["rejects"]["quarantine"], other["rejects"]["quarantine"]
    numbers = cloud.read(f"s3://{OUTPUT}/{numbers_of(shorter)}")
    cloud.s3.put_object(Bucket=OUTPUT, Key=numbers_of(place), Body=numbers)
    deploy(RELAXED)

    # WHEN, THEN
    with pytest.raises(UnbalancedBooksError, match="holds 1 rows, the manifest says 3"):
        cloud.run(replay_of_quarantine(event, run))
