from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.history import failed_run, prose, run_summary, state_runs, unfolded
from tests.unit.cli.events import (
    at,
    entered,
    exited,
    failed_plain_function,
    failed_task,
    lambda_cause,
    plain_function,
    summary,
    task,
)

Success = Callable[..., list[dict[str, Any]]]
BOTH_SUCCESSES = pytest.mark.parametrize("succeeded", [task, plain_function])
BOTH_FAILURES = pytest.mark.parametrize("failed", [failed_task, failed_plain_function])


@BOTH_SUCCESSES
def test_a_stage_that_succeeded_reports_its_rows_and_seconds(succeeded: Success) -> None:
    run = summary(("validate", 10, 9))
    events = [entered("Validate", 0), *succeeded(0, result=run), exited("Validate", 0.7)]

    [state] = state_runs(events)

    assert state.stage == "validate"
    assert state.status == "succeeded"
    assert state.seconds(at(99)) == 0.7
    assert state.stage_report()["rows_in"] == 10
    assert state.stage_report()["rows_out"] == 9


def test_a_stage_that_runs_has_no_rows_and_counts_on() -> None:
    [state] = state_runs([entered("Clean", 1), {"type": "TaskScheduled", "timestamp": at(1)}])

    assert state.status == "running"
    assert state.seconds(at(4)) == 3.0
    assert state.stage_report() == {}


@BOTH_FAILURES
def test_a_stage_between_two_attempts_is_retrying(failed: Success) -> None:
    [state] = state_runs([entered("Clean", 0), *failed(0, "StorageThrottledError")])

    assert state.status == "retrying"
    assert state.attempts[0].error == "StorageThrottledError"
    assert state.attempts[0].seconds == 0.5


@BOTH_FAILURES
def test_a_retried_stage_that_got_through_has_succeeded(failed: Success) -> None:
    events = [
        entered("Clean", 0),
        *failed(0, "StorageThrottledError"),
        *task(2, result=summary(("clean", 9, 9))),
        exited("Clean", 3),
    ]

    [state] = state_runs(events)

    assert state.status == "succeeded"
    assert state.retries == 1


@BOTH_FAILURES
def test_an_error_that_was_caught_stays_visible_in_its_stage(failed: Success) -> None:
    events = [
        entered("Clean", 0),
        *failed(0, "StepError", lambda_cause("StepError", "no column `x`")),
        exited("Clean", 0.6),
        entered("SendToDeadLetterQueue", 0.7),
    ]

    clean, queue = state_runs(events)

    assert clean.status == "caught"
    assert queue.status == "running"
    assert queue.stage is None


def test_a_stage_in_which_the_execution_died_has_failed() -> None:
    events = [
        entered("Write", 0),
        {"type": "TaskScheduled", "timestamp": at(0)},
        {"type": "ExecutionTimedOut", "timestamp": at(5)},
    ]

    [state] = state_runs(events)

    assert state.status == "failed"
    assert state.seconds(at(99)) == 5.0


@pytest.mark.parametrize("kind", ["TaskTimedOut", "LambdaFunctionTimedOut"])
def test_a_timeout_has_a_name_even_if_the_event_gives_none(kind: str) -> None:
    [state] = state_runs([entered("Clean", 0), {"type": kind, "timestamp": at(5)}])

    assert state.attempts[-1].error == "States.Timeout"


@pytest.mark.parametrize(
    "document",
    [
        summary(("write", 9, 9)),
        {"Payload": summary(("write", 9, 9)), "StatusCode": 200},
        {"event": {}, "run": summary(("write", 9, 9))},
        {"event": {}, "current": {"stage": "done", "run": summary(("write", 9, 9))}},
    ],
    ids=["bare", "of an optimised task", "in a request", "in the state"],
)
def test_the_run_summary_is_found_wherever_a_state_keeps_it(document: Any) -> None:
    assert run_summary(document)["dataset"] == "flights"


@pytest.mark.parametrize("document", [None, "text", {}, {"current": None}, {"rows": 3}])
def test_anything_else_holds_no_run_summary(document: Any) -> None:
    assert run_summary(document) == {}


def test_a_cause_is_unfolded_to_its_message_and_trace() -> None:
    cause = lambda_cause("StepError", "no column `x`", '  File "core.py", line 3\n')

    assert unfolded(cause) == ("no column `x`", ['  File "core.py", line 3'])
    assert unfolded("plain words") == ("plain words", [])
    assert unfolded("[1]") == ("[1]", [])


def test_a_message_that_carries_a_run_is_told_in_its_words() -> None:
    # GIVEN the JSON document of docs/adr/0006, as Lambda hands it on
    run = {"run_id": "r", "rows": {"read": 100, "rejected": 80}}
    document = json.dumps({"message": "80 of 100 rows break the contract.", "run": run})
    cause = lambda_cause("TooManyRejectsError", document, "line 3")

    assert unfolded(cause) == ("80 of 100 rows break the contract.", ["line 3"])
    assert unfolded(document) == ("80 of 100 rows break the contract.", [])
    assert failed_run(cause) == failed_run(document) == run


@pytest.mark.parametrize("text", ["plain words", "[1]", "{}", '{"message": 3}', '{"run": "x"}', ""])
def test_a_message_without_a_run_tells_none(text: str) -> None:
    assert failed_run(text) == {}


@given(st.text())
def test_prose_is_what_it_was(text: str) -> None:
    assert prose("It says: " + text) == "It says: " + text
    assert prose(json.dumps({"message": "It says: " + text, "run": {}})) == "It says: " + text
