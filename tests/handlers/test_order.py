"""Which of two versions of a file is the newer one: by S3's sequencer, else by the time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from moto.s3.models import s3_backends

from tests.handlers.cloud import INPUT
from tests.handlers.orders import KEY, Deployments, Shelf, csv, order

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

ACCOUNT = "123456789012"


def both(cloud: Cloud, first: str, second: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Events of two versions of a file, equally old, with these sequencers (none, if empty)."""
    events = []
    for id_, sequencer in ((1, first), (2, second)):
        event = cloud.upload(KEY, csv(order(id_)))
        described = event["detail"]["object"]
        described.pop("sequencer")
        events.append(event)
        if sequencer:
            described["sequencer"] = sequencer
    aged(hours=0)  # a second may have begun between them
    return events[0], events[1]


def aged(hours: int) -> None:
    """Let the first of two versions be older than the second by so much."""
    bucket = s3_backends[ACCOUNT]["aws"].get_bucket(INPUT)
    first, second = bucket.keys.getlist(KEY)
    first.last_modified = second.last_modified - dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0A", "0B"),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
        ("0055aed6dcd90281e5", "0055AED6DCD90281E6"),
        ("0055AED6DCD90281E5", "0055aed6dcd90281e6"),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E50001"),
        ("0055AED6DCD9", "0055AED6DCD90001"),
        ("0055AED6DCD90281E5FF", "0055AED6DCD90281E6"),
    ],
)
def test_older_sequencer_never_replaces_a_newer_one(
    cloud: Cloud, deploy: Deployments, older: str, newer: str
) -> None:
    # GIVEN events that come in the wrong order
    deploy()
    old, new = both(cloud, older, newer)
    shelf = Shelf(cloud, cloud.run(new)["source_id"])

    # WHEN, THEN
    assert cloud.run(old)["outcome"] == "SUPERSEDED"
    assert shelf.rows == [2]
    shelf.assert_tidy()


@pytest.mark.parametrize(
    ("first", "second"),
    [("0A", "0A"), ("0a", "0A"), ("0A", "0A00"), ("", ""), ("0A", ""), ("", "0A")],
)
def test_of_equally_old_versions_the_later_run_stays(
    cloud: Cloud, deploy: Deployments, first: str, second: str
) -> None:
    # GIVEN versions of which nothing says which is newer
    deploy()
    one, other = both(cloud, first, second)

    # WHEN, THEN neither is lost to the other by a guess
    assert cloud.run(other)["outcome"] == "SUCCEEDED"
    last = cloud.run(one)
    assert last["outcome"] == "SUCCEEDED"
    assert Shelf(cloud, last["source_id"]).rows == [1]
    assert cloud.run(one)["outcome"] == "ALREADY_PROCESSED"


@pytest.mark.parametrize(("first", "second"), [("", ""), ("0B", ""), ("", "0A")])
def test_without_sequencers_the_time_decides(
    cloud: Cloud, deploy: Deployments, first: str, second: str
) -> None:
    # GIVEN events that are not both of S3
    deploy()
    old, new = both(cloud, first, second)
    aged(hours=1)
    shelf = Shelf(cloud, cloud.run(new)["source_id"])

    # WHEN, THEN
    assert cloud.run(old)["outcome"] == "SUPERSEDED"
    assert shelf.rows == [2]


def test_sequencer_counts_more_than_the_time(cloud: Cloud, deploy: Deployments) -> None:
    deploy()
    old, new = both(cloud, "0B", "0A")
    aged(hours=1)
    shelf = Shelf(cloud, cloud.run(old)["source_id"])

    assert cloud.run(new)["outcome"] == "SUPERSEDED"
    assert shelf.rows == [1]
