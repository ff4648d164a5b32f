"""How often a request that fails is sent, and what S3's answers do to a stage."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pipeline.constants import RETRY_MAX_ATTEMPTS, STAGES
from pipeline.errors import PipelineError, TransientError
from pipeline.storage import SDK_ATTEMPTS
from tests.handlers.orders import KEY, Deployments, csv, order

if TYPE_CHECKING:
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
