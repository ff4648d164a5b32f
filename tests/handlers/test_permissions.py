"""What the handlers ask of S3 is what their roles allow, and each permission has a use.

`tests/permissions/grants.py` has the permissions; the infrastructure's tests compare them with the
template from the other side.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import STAGES
from pipeline.errors import ObjectNotVisibleError, ReplayRefusedError
from tests.handlers.cloud import INPUT, OUTPUT, STAGING, Call, Cloud
from tests.handlers.orders import (
    ITEMS_IN_BUCKET,
    Deployments,
    Orders,
    csv,
    order,
    replay_of_quarantine,
)
from tests.handlers.orders import KEY as ORDERS_KEY
from tests.handlers.samples import flight, flights
from tests.permissions.grants import GRANTS
from tests.permissions.policies import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.handlers.conftest import Race

KEY = "input/flights/a.csv"
BUCKETS = {INPUT: "<input>", OUTPUT: "<output>", STAGING: "<staging>"}
UPLOADING = {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}
SAME_ITEM = {"columns": ["code"], "determines": "item", "min_share": 0.7}
Use = tuple[str, str, str]
"""A stage, a place as `grants.py` has it but with one pattern, and an action."""

PERMITTED: set[Use] = {
    (stage, f"{where}{mark}{pattern}", action)
    for stage, grants in GRANTS.items()
    for place, actions in grants.items()
    for where, mark, patterns in [re.split(r"(/|\?)", place, maxsplit=1)]
    for pattern in patterns.split(" ")
    for action in actions
}
UNUSED_HERE: dict[str, Callable[[Use], bool]] = {
    "uploads in parts break off in tests/unit/pipeline/test_uploads.py": (
        lambda use: use[2] == "s3:AbortMultipartUpload"
    ),
    "a note is gone only if another run works it off in this very moment": (
        lambda use: use[1] == "<output>?pending/*.json"
    ),
}


def action(call: Call) -> str:
    """The permission that a request needs."""
    if call.operation == "ListObjectsV2":
        return "s3:ListBucket"
    operation = "PutObject" if call.operation in UPLOADING else call.operation
    return f"s3:{operation}{'Version' if call.version else ''}"


def uses(call: Call) -> set[Use]:
    """Permissions of the stage that cover a request."""
    mark = "?" if call.operation == "ListObjectsV2" else "/"
    place = f"{BUCKETS[call.bucket]}{mark}{call.key}"
    return {
        use
        for use in PERMITTED
        if use[::2] == (call.stage, action(call)) and matches(use[1], place)
    }


def forbidden(parsed: dict[str, Any], **_: Any) -> None:
    """Say of a missing key what S3 says to a role that may not list the whole bucket."""
    if parsed.get("Error", {}).get("Code") in {"NoSuchKey", "NoSuchVersion"}:
        parsed["Error"]["Code"] = "AccessDenied"


@pytest.fixture
def strict(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud whose S3 does not tell a key that is not there from a forbidden one."""
    events = cloud.s3.meta.events
    events.register("after-call.s3.GetObject", forbidden)
    yield cloud
    events.unregister("after-call.s3.GetObject", forbidden)


@pytest.fixture
def busy(strict: Cloud, deploy: Deployments, race: Race) -> Cloud:
    """A cloud after all that handlers may do, and all that they may find missing."""
    cloud = strict
    cloud.run_pipeline(KEY, flights(flight(1), flight(2, month=2), flight(3, month=13)))
    event = cloud.upload(KEY, flights(flight(4)))
    cloud.run(event)
    cloud.run(event)
    unversioned = cloud.upload("input/flights/b.csv", flights(flight(5)))
    del unversioned["detail"]["object"]["version-id"]
    *_, enriched = cloud.states(unversioned, STAGES[:-1])
    race.between(unversioned, enriched)
    cloud.run_stage("write", unversioned, enriched)
    _replay(cloud, deploy)
    _find_faults(cloud, deploy)
    _look_up(cloud, deploy)
    _miss(cloud, deploy)
    return cloud


def _replay(cloud: Cloud, deploy: Deployments) -> None:
    """A replay of a run, and one of its quarantine."""
    deploy()
    event = cloud.upload(ORDERS_KEY, csv(order(1), order(2, day=40), order(3, item="gold")))
    *_, transformed = cloud.states(event, STAGES[:3])
    run = cloud.run({**event, "replay": {"of": "arn", "run": transformed}})
    deploy(Orders(last_day=40))
    cloud.run(replay_of_quarantine(event, run))


def _find_faults(cloud: Cloud, deploy: Deployments) -> None:
    """Values put right by validate and clean, and rows that clean and transform reject."""
    deploy(Orders(options={"salvage": True, "clean": {"dependencies": [SAME_ITEM]}}))
    alike = [order(n, code="c", item="tea") for n in (1, 2, 3)]
    cloud.run_pipeline(ORDERS_KEY, csv(*alike, order(4, code="c", item="tee"), "5,e,1,2,tea,,"))
    for step in (
        {"clean": {"columns": {"code": [{"parse_number": {}}]}}},
        {"transform": [{"cast": {"code": "INTEGER"}}]},
    ):
        deploy(Orders(options=step))
        cloud.run_pipeline(ORDERS_KEY, csv(order(1, code=7), order(2, code="seven")))


def _look_up(cloud: Cloud, deploy: Deployments) -> None:
    """A lookup in the bucket, and the same version of it again."""
    cloud.s3.put_object(Bucket=INPUT, Key="lookups/items/a.csv", Body=b"item,price\ntea,3\n")
    deploy(Orders(options={"enrich": [ITEMS_IN_BUCKET]}))
    event = cloud.upload(ORDERS_KEY, csv(order(1)))
    *_, transformed, enriched, _ = cloud.states(event)
    pinned = {**transformed, "lookup_sources": enriched["lookup_sources"]}
    cloud.run_stage("enrich", event, pinned)
    cloud.empty(INPUT, keep="input/")
    with pytest.raises(ObjectNotVisibleError):
        cloud.run_stage("enrich", event, pinned)


def _miss(cloud: Cloud, deploy: Deployments) -> None:
    """An input, frames and row numbers that are gone when they are wanted."""
    deploy()
    event = cloud.upload("input/orders/gone.csv", csv(order(1), order(2, day=40)))
    runs = [None, *cloud.states(event)]
    replay = replay_of_quarantine(event, runs[-1] or {})
    deploy(Orders(last_day=40))
    merge = cloud.run_stage("validate", replay, None)
    cloud.empty(STAGING, keep="none")
    with pytest.raises(ObjectNotVisibleError):
        cloud.run_stage("clean", replay, merge)
    cloud.empty(OUTPUT, keep="manifests/")
    with pytest.raises(ReplayRefusedError):
        cloud.run_stage("validate", replay, None)
    deploy()
    for bucket in BUCKETS:
        cloud.empty(bucket, keep="none")
    for stage, run in zip(STAGES, runs, strict=False):
        with pytest.raises(ObjectNotVisibleError):
            cloud.run_stage(stage, event, run)


def test_handlers_ask_only_for_what_their_roles_allow(busy: Cloud) -> None:
    assert {call for call in busy.calls if not uses(call)} == set()


def test_every_permission_has_a_use(busy: Cloud) -> None:
    used = {use for call in busy.calls for use in uses(call)}

    unused = PERMITTED - used
    assert {use for use in unused if not any(of(use) for of in UNUSED_HERE.values())} == set()
    # AND each exception is one
    assert all(any(of(use) for use in unused) for of in UNUSED_HERE.values())


def test_no_bucket_is_listed_as_a_whole_and_the_input_is_only_read(busy: Cloud) -> None:
    operations = {call.operation for call in busy.calls}
    assert operations == {"GetObject", "PutObject", "DeleteObject", "ListObjectsV2"}
    listed = {call.key.split("/")[0] for call in busy.calls if call.operation == "ListObjectsV2"}
    assert listed == {"pending", "runs", "input", "lookups", "manifests", "quarantine"}
    read = {call.operation for call in busy.calls if call.bucket == INPUT}
    assert read == {"GetObject", "ListObjectsV2"}
