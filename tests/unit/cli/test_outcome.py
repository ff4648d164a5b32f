from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cli.history import state_runs
from cli.outcome import common_address, run_result
from cli.summary import missed_check
from pipeline.checks import Outcome
from tests.unit.cli.events import (
    START,
    at,
    entered,
    exited,
    failed_task,
    lambda_cause,
    summary,
    task,
)

EVENT = {
    "detail": {
        "bucket": {"name": "in"},
        "object": {"key": "input/flights/a b+ü%20.csv", "etag": "e1", "version-id": "v1"},
    }
}


def described(status: str = "SUCCEEDED", **more: Any) -> Any:
    return {
        "executionArn": "arn:aws:states:us-east-1:000000000000:execution:machine:run-1",
        "name": "run-1",
        "status": status,
        "startDate": START,
        "stopDate": at(6.5),
        "input": json.dumps(EVENT),
    } | more


def test_a_good_run_is_told_by_the_executions_output() -> None:
    rows = {"read": 10, "written": 9, "rejected": 1}
    run = summary(
        outcome="SUCCEEDED_WITH_REJECTS",
        rows=rows,
        outputs=["s3://out/processed/flights/1.parquet"],
        rejects={
            "quarantine": ["s3://out/quarantine/flights/r/validate.jsonl"],
            "top_rules": [{"column": "month", "rule": "maximum", "rows": 1}],
        },
        lookups={"airports": {"matched": 8, "unmatched": 1, "missing_key": 0}},
        repairs={"counts": [], "files": [], "sample": []},
        report="s3://out/reports/flights/r.json",
    )

    record = run_result(described(output=json.dumps(run)), []).as_json()

    assert record == {
        "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:machine:run-1",
        "status": "SUCCEEDED_WITH_REJECTS",
        "dataset": "flights",
        "source": {"bucket": "in", "key": "input/flights/a b+ü%20.csv", "version_id": "v1"},
        "rows": rows | {"expanded": 0, "duplicates": 0, "filtered": 0, "dropped_by_lookup": 0},
        "outputs": ["s3://out/processed/flights/1.parquet"],
        "quarantine": "s3://out/quarantine/flights/r/validate.jsonl",
        "report": "s3://out/reports/flights/r.json",
        "duration_s": 6.5,
        "top_rules": [{"column": "month", "rule": "maximum", "rows": 1}],
        "lookups": {"airports": {"matched": 8, "unmatched": 1, "missing_key": 0}},
        "repairs": {"counts": [], "files": [], "sample": []},
        "checks": [],
        "cost_usd": None,
    }


def test_rules_over_the_file_are_told_where_they_do_not_hold() -> None:
    # GIVEN the entries of two rules, as validate makes them
    missed = Outcome("", "nullValues", ("sex",), "warning", 11, 0.11, passed=False, expected="< 10")
    kept = replace(missed, columns=("species",), rows=0, share=0.0, passed=True)
    run = summary(outcome="SUCCEEDED", checks=[missed.to_json(), kept.to_json()])

    result = run_result(described(output=json.dumps(run)), [])

    assert [found["columns"] for found in result.checks] == [["sex"]]
    assert missed_check(result.checks[0]) == "nullValues of sex: 11 rows, < 10"


def test_a_failed_run_has_the_error_that_the_state_machine_recorded() -> None:
    failure = {
        "stage": "clean",
        "error": "StepError",
        "message": "flights: no column `x`.",
        "status_code": 400,
    }
    events = [
        entered("Validate", 0),
        *task(0, result=summary(("validate", 10, 9))),
        exited("Validate", 1),
        entered("Clean", 1),
        *failed_task(1, "StepError", lambda_cause("StepError", "...", "line 3")),
        exited("Clean", 2),
        entered("Failed", 2, {"failure": failure}, kind="Fail"),
        {"type": "ExecutionFailed", "timestamp": at(2)},
    ]

    result = run_result(described("FAILED", error="StepError", cause="..."), state_runs(events))

    assert result.status == "FAILED"
    assert result.as_json()["error"] == {
        "stage": "clean",
        "name": "StepError",
        "message": "flights: no column `x`.",
        "status_code": 400,
    }
    assert result.error
    assert result.error.trace == ["line 3"]
    assert result.rows["read"] == 10
    assert not result.is_good


def test_a_failed_run_has_the_counts_of_the_stage_that_failed() -> None:
    # GIVEN a run that read ten rows, and of which the second stage knew more when it failed
    told = {"rows": {"read": 10, "rejected": 1, "duplicates": 4}, "rejects": {"quarantine": ["q"]}}
    message = json.dumps({"message": "flights: no column `x`.", "run": told})
    events = [
        entered("Validate", 0),
        *task(0, result=summary(("validate", 10, 9), dataset="flights")),
        exited("Validate", 1),
        entered("Clean", 1),
        *failed_task(1, "StepError", lambda_cause("StepError", message)),
        exited("Clean", 2),
    ]

    result = run_result(described("FAILED", error="StepError", cause=message), state_runs(events))

    assert (result.rows["read"], result.rows["duplicates"]) == (10, 4)
    assert result.quarantine == "q"
    assert result.error
    assert result.error.message == "flights: no column `x`."


COST = {"usd": 0.000912, "currency": "USD", "region": "eu-central-1", "as_of": "2026-11-23"}


def test_a_run_that_has_done_its_work_tells_its_cost() -> None:
    run = summary(outcome="SUCCEEDED", cost=COST)

    record = run_result(described(output=json.dumps(run)), []).as_json()

    assert record["cost_usd"] == 0.000912
    assert record["cost"] == COST


def test_a_run_without_work_does_not_tell_the_cost_of_the_run_before() -> None:
    run = summary(outcome="ALREADY_PROCESSED", cost=COST)

    record = run_result(described(output=json.dumps(run)), []).as_json()

    assert record["cost_usd"] is None
    assert "cost" not in record


def test_only_a_merge_says_that_it_is_one() -> None:
    merges = {"run_id": "r", "manifest_etag": "e", "rows": 3}
    run = summary(outcome="SUCCEEDED", merges=merges)

    assert run_result(described(output=json.dumps(run)), []).as_json()["merges"] == merges


def test_a_run_that_no_catch_saw_has_the_engines_error() -> None:
    states = state_runs([entered("Write", 0), {"type": "ExecutionTimedOut", "timestamp": at(5)}])

    error = run_result(described("TIMED_OUT"), states).error

    assert error
    assert (error.stage, error.name, error.status_code) == ("write", "TIMED_OUT", 500)
    assert error.message == "the execution ended as TIMED_OUT"


def test_the_dataset_of_a_run_that_failed_at_once_comes_from_the_key() -> None:
    assert run_result(described("FAILED", error="EmptyFileError"), []).dataset == "flights"


def test_an_execution_that_was_not_started_by_an_event_is_no_trouble() -> None:
    result = run_result(described("FAILED", input="[]", error="InvalidEventError"), [])

    assert result.source == {"bucket": None, "key": None, "version_id": None}
    assert result.dataset is None


def test_a_running_execution_has_no_error() -> None:
    running = described("RUNNING")
    del running["stopDate"]

    result = run_result(running, [])

    assert result.error is None
    assert result.duration_s == 0.0


@pytest.mark.parametrize(
    ("addresses", "common"),
    [
        ([], None),
        (["s3://b/q/r/validate.jsonl"], "s3://b/q/r/validate.jsonl"),
        (["s3://b/q/r/validate.jsonl", "s3://b/q/r/enrich.jsonl"], "s3://b/q/r/"),
    ],
)
def test_several_addresses_are_told_by_their_folder(addresses: list[str], common: str) -> None:
    assert common_address(addresses) == common
