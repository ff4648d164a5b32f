"""The notice of rejected rows: where the dataset asks for one, and only once."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from functions.write.notice import notice_of_rejects
from pipeline.accounting import RowCounts
from pipeline.run import Source, new_run
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

TELLING = {"rejects": {"max_share": 1, "notify": True}}
BODY = csv(order(1), order(2, day=40), order(3, item="gold"), order(4, day=41))


def told(**changes: Any) -> Orders:
    return Orders(options=TELLING, **changes)


def test_notice_says_what_was_rejected_why_and_what_to_type(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(told())

    run = cloud.run_pipeline(KEY, BODY)

    notice = run["notice"]
    assert notice["subject"] == "Lambda Pipelines: 3 rows of orders were rejected"
    message = notice["message"]
    assert "3 of 4 rows of a file were rejected; the other 1 are published" in message
    assert "  day: maximum (2 rows)\n  item: lookup (1 rows)\n" in message
    assert f"s3://landing/{KEY}" in message
    assert all(place in message for place in run["rejects"]["quarantine"])
    assert f"pipeline quarantine show {run['run_id']}" in message
    assert f"pipeline quarantine replay {run['run_id']}" in message


@pytest.mark.parametrize(
    ("orders", "body"),
    [(Orders(), BODY), (told(), csv(order(1)))],
    ids=["dataset does not ask", "nothing rejected"],
)
def test_no_notice(cloud: Cloud, deploy: Deployments, orders: Orders, body: bytes) -> None:
    deploy(orders)

    assert cloud.run_pipeline(KEY, body)["notice"] is None


def test_duplicate_event_sends_no_second_notice(cloud: Cloud, deploy: Deployments) -> None:
    deploy(told())
    event = cloud.upload(KEY, BODY)
    cloud.run(event)

    assert cloud.run(event)["notice"] is None


def test_who_loses_the_race_sends_no_notice(cloud: Cloud, deploy: Deployments, race: Race) -> None:
    deploy(told())
    event = cloud.upload(KEY, BODY)
    enriched = before_write(cloud, event)
    race.between(event, copy.deepcopy(enriched))

    loser = cloud.run_stage("write", event, enriched)

    assert race.winner["notice"] is not None
    assert loser["notice"] is None


def test_notice_of_a_merge_is_about_the_rows_that_are_left(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(told())
    event = cloud.upload(KEY, BODY)
    run = cloud.run(event)
    deploy(told(last_day=40))

    merge = cloud.run(replay_of_quarantine(event, run))

    assert merge["notice"]["subject"] == "Lambda Pipelines: 2 rows of orders were rejected"
    assert f"pipeline quarantine replay {merge['run_id']}" in merge["notice"]["message"]


@pytest.mark.parametrize("dataset", ["d" * 300, "größe", "日本"])
def test_subject_is_one_that_sns_takes(dataset: str) -> None:
    # ASCII, less than 100 characters:
    # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    run = new_run(Source("b", "k", "v", "e", 1, ""), dataset=dataset, plan_hash="p")
    run.rows = RowCounts(read=10**9, rejected=10**9)

    subject = notice_of_rejects(run)["subject"]

    assert subject.isascii()
    assert len(subject) < 100
