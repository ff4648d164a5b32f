"""How often a request that fails is sent, and what S3's answers do to a stage."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.constants import RETRY_MAX_ATTEMPTS, STAGES
from pipeline.errors import PipelineError, TransientError
from pipeline.request_count import forget_requests, requests_sent
from pipeline.storage import SDK_ATTEMPTS
from pipeline.uploads import PART_BYTES, ObjectWriter
from tests.handlers.cloud import STAGING
from tests.handlers.orders import KEY, Deployments, csv, order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.handlers.cloud import Cloud
    from tests.handlers.faults import Faults

OPERATIONS = {
    "validate": ("GetObject", "PutObject"),
    "clean": ("GetObject", "PutObject"),
    "transform": ("GetObject", "PutObject"),
    "enrich": ("GetObject", "PutObject"),
    "write": ("GetObject", "PutObject", "ListObjectsV2", "DeleteObject"),
}
CASES = [(stage, operation) for stage, asked in OPERATIONS.items() for operation in asked]
ANSWERS = {"SlowDown": (503, "SlowDown"), "InternalError": (500, "InternalError"), "502": (502, "")}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize(("stage", "operation"), CASES)
def test_request_that_fails_is_sent_twice_an_invocation(
    *,
    cloud: Cloud,
    deploy: Deployments,
    faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    operation: str,
    answer: tuple[int, str],
) -> None:
    # GIVEN S3 that fails every request of an operation; one file, so that none is sent for another
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    deploy()
    event = cloud.upload(KEY, csv(order(1)))
    runs = [None, *cloud.states(event, STAGES[: STAGES.index(stage)])]

    # WHEN
    with faults.answering(operation, *answer) as asked, pytest.raises(TransientError):
        cloud.run_stage(stage, event, runs[-1])

    # THEN, with the retries of the state machine, it is sent six times in an execution at most
    (times,) = Counter(asked).values()
    assert times == SDK_ATTEMPTS == 2
    assert times * (RETRY_MAX_ATTEMPTS + 1) == 6


def test_request_that_is_refused_is_sent_once(
    cloud: Cloud, deploy: Deployments, faults: Faults
) -> None:
    deploy()
    event = cloud.upload(KEY, csv(order(1)))

    with (
        faults.answering("PutObject", 400, "InvalidRequest") as asked,
        pytest.raises(PipelineError),
    ):
        cloud.run(event)

    assert len(asked) == 1


def test_stage_that_works_again_after_each_failure_gives_the_same(
    cloud: Cloud, deploy: Deployments, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN each stage's first invocation fails at its writes
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    deploy()
    event = cloud.upload(KEY, csv(order(1), order(2, day=99), order(3, item="gold")))
    run = None
    for stage in STAGES:
        with faults.answering("PutObject", 503), pytest.raises(TransientError):
            cloud.run_stage(stage, event, run)
        run = cloud.run_stage(stage, event, run)

    # THEN
    assert run is not None
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert (run["rows"]["written"], run["rows"]["rejected"]) == (1, 1)
    assert cloud.keys("pending/") == []


# --- What is billed ----------------------------------------------------------------------------


@contextmanager
def http_requests(cloud: Cloud) -> Iterator[Counter[str]]:
    """Requests that reach S3, told by their method and address as S3's price list tells them."""
    seen: Counter[str] = Counter()

    def kind(method: str, url: str) -> str:
        address = urlsplit(url)
        if method in ("DELETE", "PUT"):
            return method.lower()
        if method == "POST":
            return "delete" if "delete" in parse_qs(address.query, True) else "put"
        return "list" if "list-type" in parse_qs(address.query) else "get"

    def note(request: Any, **_: Any) -> None:
        seen[kind(request.method, request.url)] += 1

    cloud.s3.meta.events.register("before-send.s3", note)
    try:
        yield seen
    finally:
        cloud.s3.meta.events.unregister("before-send.s3", note)


def recorded(run: dict[str, Any]) -> Counter[str]:
    """Sum of what the stages say they have sent."""
    total: Counter[str] = Counter()
    for record in run["stages"]:
        total.update(record["requests"])
    return total


def test_records_hold_the_requests_that_s3_has_seen(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a file that replaces an earlier one's output, so that something is deleted, too
    deploy()
    cloud.run_pipeline(KEY, csv(order(1), order(2, day=2)))
    event = cloud.upload(KEY, csv(order(1), order(2, day=99), order(3, item="gold")))

    # WHEN
    with http_requests(cloud) as seen:
        run = cloud.run(event)

    # THEN
    assert recorded(run) == seen
    assert set(seen) == {"get", "put", "list", "delete"}


@pytest.mark.parametrize(
    ("second", "reads", "deletes"),
    [
        pytest.param([order(1), order(2, day=2)], 2, 1, id="the same files"),
        pytest.param([order(1), order(2, day=3)], 3, 2, id="one file more, and one less"),
        pytest.param([order(1), order(2, day=2), order(3, day=3)], 2, 1, id="one file more"),
    ],
)
def test_the_own_note_is_read_only_where_it_names_a_file_to_delete(
    cloud: Cloud,
    deploy: Deployments,
    second: list[dict[str, Any]],
    reads: int,
    deletes: int,
) -> None:
    """The manifest and the frame are read in any case, and the note is deleted."""
    deploy()
    first = cloud.run_pipeline(KEY, csv(order(1), order(2, day=2)))
    assert first["stages"][-1]["requests"]["get"] == 2

    write = cloud.run_pipeline(KEY, csv(*second))["stages"][-1]

    assert (write["requests"]["get"], write["requests"]["delete"]) == (reads, deletes)
    assert cloud.keys("pending/") == []


def test_parts_are_counted_one_by_one(cloud: Cloud) -> None:
    # GIVEN an object of three parts, two of which are on their way at a time, and one given up
    part = bytes(PART_BYTES)
    forget_requests()
    with http_requests(cloud) as seen:
        with ObjectWriter(STAGING, "whole") as whole:
            for _ in range(3):
                whole.write(part)
        given_up = ObjectWriter(STAGING, "given up")
        given_up.write(part)
        given_up.abort()

    # THEN beginning and end of an upload count as its parts do; to give it up costs nothing
    assert seen == Counter(put=(1 + 3 + 1) + (1 + 1), delete=1)
    assert requests_sent() == seen


def test_what_the_sdk_repeats_is_counted_again(
    cloud: Cloud, deploy: Deployments, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    deploy()
    event = cloud.upload(KEY, csv(order(1)))
    usual = cloud.run_stage("validate", event, None)

    with faults.answer_lost_at(1):
        run = cloud.run_stage("validate", event, None)

    assert recorded(run) == recorded(usual) + Counter(put=1)


def test_an_attempt_that_failed_leaves_its_requests_to_nobody(
    cloud: Cloud, deploy: Deployments, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    deploy()
    event = cloud.upload(KEY, csv(order(1)))
    usual = cloud.run_stage("validate", event, None)
    with faults.answering("PutObject", 503), pytest.raises(TransientError):
        cloud.run_stage("validate", event, None)

    run = cloud.run_stage("validate", event, None, attempt=1)

    assert recorded(run) == recorded(usual)
