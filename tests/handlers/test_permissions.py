"""What the handlers ask of S3 is what their roles allow, and each permission has a use.

The table repeats the grants in `infra/stack.py` in the words of IAM; the infrastructure's tests
compare it with the template from the other side.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pipeline.constants import STAGES
from tests.handlers.cloud import INPUT, OUTPUT, STAGING, Call, Cloud
from tests.handlers.orders import KEY as ORDERS_KEY
from tests.handlers.orders import Deployments, Orders, csv, order, replay_of_quarantine
from tests.handlers.samples import flight, flights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.handlers.conftest import Race

KEY = "input/flights/a.csv"
Grant = tuple[str, str, str]

ALLOWED: dict[str, set[Grant]] = {
    stage: {
        ("s3:PutObject", STAGING, rf"runs/[0-9a-f]{{32}}/{stage}\.arrows"),
        ("s3:PutObject", OUTPUT, rf"quarantine/[^/]+/[0-9a-f]{{32}}/{stage}\.jsonl"),
    }
    for stage in STAGES[:-1]
}
ALLOWED["validate"] |= {
    ("s3:GetObject", INPUT, "input/.+"),
    ("s3:GetObjectVersion", INPUT, "input/.+"),
    ("s3:GetObject", OUTPUT, "manifests/.+"),
    ("s3:GetObject", OUTPUT, "quarantine/.+"),
    ("s3:ListBucket", OUTPUT, "pending/.+"),
    ("s3:ListBucket", STAGING, "runs/.+"),
    ("s3:PutObject", STAGING, r"runs/[0-9a-f]{32}/settled\.arrows"),
}
ALLOWED["clean"].add(("s3:GetObject", STAGING, r"runs/[0-9a-f]{32}/settled\.arrows"))
ALLOWED["write"] = {
    ("s3:GetObject", OUTPUT, "manifests/.+"),
    ("s3:PutObject", OUTPUT, "manifests/.+"),
    ("s3:PutObject", OUTPUT, "processed/.+"),
    ("s3:GetObject", OUTPUT, "pending/.+"),
    ("s3:PutObject", OUTPUT, "pending/.+"),
    ("s3:DeleteObject", OUTPUT, "pending/.+"),
    ("s3:ListBucket", OUTPUT, "pending/.+"),
    ("s3:PutObject", OUTPUT, "reports/.+"),
    ("s3:DeleteObject", OUTPUT, "processed/.+"),
    ("s3:DeleteObjectVersion", OUTPUT, "processed/.+"),
}
for previous, stage in pairwise(STAGES):
    ALLOWED[stage].add(("s3:GetObject", STAGING, rf"runs/[0-9a-f]{{32}}/{previous}\.arrows"))

UNUSED_HERE = {
    # Clean and transform reject no rows.
    ("s3:PutObject", OUTPUT, rf"quarantine/[^/]+/[0-9a-f]{{32}}/{stage}\.jsonl")
    for stage in ("clean", "transform")
}


def action(call: Call) -> str:
    """The permission that a request needs."""
    uploading = {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
    if call.operation == "ListObjectsV2":
        return "s3:ListBucket"
    operation = "PutObject" if call.operation in uploading else call.operation
    return f"s3:{operation}{'Version' if call.version else ''}"


def grants_used(calls: list[Call]) -> Iterator[tuple[Call, set[Grant]]]:
    """Each request with the grants of its stage that cover it."""
    for call in calls:
        yield (
            call,
            {
                grant
                for grant in ALLOWED[call.stage]
                if grant[:2] == (action(call), call.bucket) and re.fullmatch(grant[2], call.key)
            },
        )


@pytest.fixture
def busy(cloud: Cloud, deploy: Deployments, race: Race) -> Cloud:
    """A cloud after all that handlers may do.

    Rejects, replacement, repetition, a lost race; a replay of a run and one of a quarantine.
    """
    cloud.run_pipeline(KEY, flights(flight(1), flight(2, month=2), flight(3, month=13)))
    event = cloud.upload(KEY, flights(flight(4)))
    cloud.run(event)
    cloud.run(event)
    unversioned = cloud.upload("input/flights/b.csv", flights(flight(5)))
    del unversioned["detail"]["object"]["version-id"]
    *_, enriched = cloud.states(unversioned, STAGES[:-1])
    race.between(unversioned, enriched)
    cloud.run_stage("write", unversioned, enriched)
    deploy()
    event = cloud.upload(ORDERS_KEY, csv(order(1), order(2, day=40), order(3, item="gold")))
    *_, transformed = cloud.states(event, STAGES[:3])
    run = cloud.run({**event, "replay": {"of": "arn", "run": transformed}})
    deploy(Orders(last_day=40))
    cloud.run(replay_of_quarantine(event, run))
    return cloud


def test_handlers_ask_only_for_what_their_roles_allow(busy: Cloud) -> None:
    refused = {call for call, grants in grants_used(busy.calls) if not grants}
    assert refused == set()


def test_every_permission_has_a_use(busy: Cloud) -> None:
    used = {(call.stage, grant) for call, grants in grants_used(busy.calls) for grant in grants}
    granted = {(stage, grant) for stage, grants in ALLOWED.items() for grant in grants}
    assert {grant for _, grant in granted - used} == UNUSED_HERE


def test_no_bucket_is_listed_as_a_whole_and_the_input_is_only_read(busy: Cloud) -> None:
    operations = {call.operation for call in busy.calls}
    assert operations == {"GetObject", "PutObject", "DeleteObject", "ListObjectsV2"}
    listed = {call.key.split("/")[0] for call in busy.calls if call.operation == "ListObjectsV2"}
    assert listed == {"pending", "runs"}
    assert {call.operation for call in busy.calls if call.bucket == INPUT} == {"GetObject"}
