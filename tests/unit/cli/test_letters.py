from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.entries import Entry, entries_of, entry_named, short_ids
from cli.errors import CliError
from cli.letter_texts import entries_table, entry_details, entry_details_record, entry_record
from cli.letters import Letter, letter_of
from cli.queues import Message
from cli.replays import ReplayPlan
from tests.unit.cli.moto_target import (
    EXECUTION,
    INPUT,
    about,
    letter_body,
    run_so_far,
    s3_event,
    uncaught_body,
)

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def message(body: Any, minute: int = 0, **attributes: str) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    sent = START + timedelta(minutes=minute)
    return Message("http://queue", f"message-{minute}", text, "receipt", sent, attributes)


def letter(body: Any, minute: int = 0, **attributes: str) -> Letter:
    return letter_of(message(body, minute, **attributes))


def entries(*bodies: Any) -> list[Entry]:
    """Entries of letters that came one minute after the other."""
    return entries_of(letter(body, minute) for minute, body in enumerate(bodies))


def test_a_letter_of_today_is_read_as_it_stands() -> None:
    found = letter(letter_body())

    assert (found.kind, found.stage, found.error) == ("failed", "clean", "StepError")
    assert (found.dataset, found.run_id, found.status_code) == ("flights", "r" * 32, 400)
    assert (found.bucket, found.key, found.version_id) == (INPUT, "input/flights/f.csv", "v1")
    assert found.rows == {"read": 10, "rejected": 2}
    assert found.name == "first-failure"
    assert found.run == run_so_far("validate")
    assert found.event == s3_event()
    assert found.failed_at == START


def test_a_letter_of_the_first_schema_is_read_from_its_run_and_event() -> None:
    body = letter_body(schema_version="1")
    for later in ("dataset", "source", "run_id", "rows", "rejects"):
        del body[later]

    found = letter(body)

    assert (found.dataset, found.run_id) == ("flights", "r" * 32)
    assert (found.bucket, found.key, found.version_id) == (INPUT, "input/flights/f.csv", "v1")
    assert found.rows["read"] == 10


def test_a_failure_in_the_first_stage_has_only_its_event() -> None:
    failure = {"stage": "validate", "error": "EmptyFileError", "message": "no", "status_code": 400}
    body = letter_body(schema_version="1", failure=failure, run={})
    del body["dataset"], body["source"], body["rows"]

    found = letter(body)

    assert (found.dataset, found.key) == ("flights", "input/flights/f.csv")
    assert found.etag == "e1"
    assert found.rows == {}


def test_an_uncaught_failure_has_its_event_as_text() -> None:
    found = letter(uncaught_body())

    assert (found.kind, found.error) == ("uncaught", "ABORTED")
    assert found.key == "input/flights/f.csv"
    assert found.event == s3_event()


def test_an_event_that_was_not_delivered_says_why() -> None:
    found = letter(
        s3_event(),
        ERROR_CODE="NO_PERMISSIONS",
        ERROR_MESSAGE="not authorized to perform states:StartExecution",
        TARGET_ARN="arn:machine",
    )

    assert (found.kind, found.error) == ("undelivered", "NO_PERMISSIONS")
    assert "not authorized to perform states:StartExecution (target arn:machine)" in found.text
    assert found.name == "message-0"
    assert found.execution_arn is None


def test_an_uncaught_failure_that_could_not_be_told_is_a_letter_all_the_same() -> None:
    # GIVEN the event that EventBridge could not hand to the queue or the topic
    event = {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": f"{EXECUTION}:stopped",
            "status": "TIMED_OUT",
            "input": json.dumps(s3_event()),
        },
    }

    found = letter(event, ERROR_CODE="SDK_CLIENT_ERROR")

    assert (found.kind, found.error, found.name) == ("uncaught", "TIMED_OUT", "stopped")
    assert found.event == s3_event()
    assert len(entries(uncaught_body(), event)) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("A run of Lambda Pipelines ended with status ABORTED", "no JSON"),
        ("[1]", "no JSON object"),
        ("{}", "neither a dead letter nor an event"),
        (letter_body(schema_version="3"), "schema version 3"),
        (letter_body(schema_version=None), "schema version None"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_cannot_be_read_is_shown_by_its_message(body: Any, said: str) -> None:
    found = letter(body)

    assert (found.kind, found.error, found.name) == ("other", "Unreadable", "message-0")
    assert said in found.text
    assert found.event is None


@given(
    body=st.text()
    | ANY_JSON.map(json.dumps)
    | st.fixed_dictionaries(
        {"schema_version": st.sampled_from(["1", "2", 2])},
        optional={
            name: ANY_JSON
            for name in ("execution", "failure", "event", "run", "source", "rows", "rejects")
        },
    ).map(json.dumps)
)
def test_no_message_breaks_the_list(body: str) -> None:
    [entry] = entries_of([letter(body)])
    plan = ReplayPlan(entry, {})

    assert json.dumps(entry_record(entry, None), default=str)
    assert json.dumps(entry_details_record(plan), default=str)
    assert entries_table([entry]).row_count == 1
    assert list(entry_details(plan))


def test_letters_about_one_version_are_one_entry_named_after_the_latest() -> None:
    [entry] = entries(letter_body("first"), letter_body("second"))

    assert entry.id == "second"
    assert [each.name for each in entry.letters] == ["first", "second"]


def test_another_version_is_another_entry_and_the_latest_comes_first() -> None:
    newer = about("f.csv", "v2") | {"event": s3_event(etag="e2")}

    found = entries(letter_body("first"), letter_body("second", **newer))

    assert [entry.id for entry in found] == ["second", "first"]


def test_a_letter_without_a_version_belongs_to_the_one_with_its_etag() -> None:
    other_content = uncaught_body("other", event=json.dumps(s3_event(etag="e2")))

    found = entries(letter_body("failed"), uncaught_body("stopped"), other_content)

    assert [entry.id for entry in found] == ["other", "stopped"]
    assert found[1].names >= {"failed", "stopped"}


def test_a_merge_of_rejected_rows_is_another_matter_than_the_file() -> None:
    merge = s3_event() | {"replay": {"of": "arn", "quarantine": "q" * 32}}

    found = entries(letter_body("failed"), letter_body("merge", event=merge))

    assert len(found) == 2
    assert found[0].latest.quarantine == "q" * 32


def test_letters_about_no_file_are_entries_of_their_own() -> None:
    nothing = {"source": {"bucket": None, "key": None}, "event": {"hello": 1}, "run": {}}

    assert len(entries(letter_body("a", **nothing), letter_body("b", **nothing))) == 2


@pytest.mark.parametrize(
    "name", ["first-failure", f"{EXECUTION}:first-failure", "message-0", "first-f", "second"]
)
def test_any_of_its_names_finds_an_entry(name: str) -> None:
    found = entries(letter_body("first-failure"), letter_body("second"))

    assert entry_named(found, name).id == "second"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("run-", "first 6 characters"),
        ("unknown-one", "there is no dead letter unknown-one. List: pipeline dead-letters list"),
        ("run-00", "several dead letters. Name one: run-0002, run-0001"),
    ],
)
def test_a_name_that_means_none_or_several_is_told(name: str, said: str) -> None:
    found = entries(letter_body("run-0001"), letter_body("run-0002", **about("g.csv")))

    with pytest.raises(CliError) as refused:
        entry_named(found, name)
    assert said in str(refused.value)


def test_shown_ids_are_as_short_as_they_may_be() -> None:
    assert short_ids(["abcdefgh-1", "abcdefgh-2", "12345678-9", "x"]) == {
        "abcdefgh-1": "abcdefgh-1",
        "abcdefgh-2": "abcdefgh-2",
        "12345678-9": "12345678",
        "x": "x",
    }


def test_the_record_has_the_documented_fields() -> None:
    [entry] = entries(letter_body("first"), letter_body("second"))

    assert entry_record(entry, "clean") == {
        "id": "second",
        "kind": "failed",
        "execution_arn": f"{EXECUTION}:second",
        "execution_arns": [f"{EXECUTION}:first", f"{EXECUTION}:second"],
        "dataset": "flights",
        "source": {"bucket": INPUT, "key": "input/flights/f.csv", "version_id": "v1"},
        "run_id": "r" * 32,
        "stage": "clean",
        "error": "StepError",
        "message": "Dataset flights: no column `x`. Correct the step.",
        "status_code": 400,
        "rows": {"read": 10, "rejected": 2},
        "failed_at": START + timedelta(minutes=1),
        "letters": 2,
        "resumes_from": "clean",
    }


def test_the_details_say_what_failed_and_what_to_type() -> None:
    [entry] = entries(letter_body())

    said = "\n".join(str(line) for line in entry_details(ReplayPlan(entry, {}, "clean")))

    assert "Dataset flights: no column `x`. Correct the step." in said
    assert "  rows        read 10, rejected 2 when it failed" in said
    assert "  quarantine  s3://results/quarantine/flights/r/clean.jsonl" in said
    assert "  history     pipeline show first-failure" in said
    assert "  replay      resumes at clean (" in said
    assert "pipeline dead-letters replay first-failure" in said
    assert '"detail-type": "Object Created"' in said


def lineage_event() -> dict[str, Any]:
    event = s3_event()
    event["detail"]["bucket"]["name"] = "results"
    event["detail"]["object"]["key"] = "lineage/flights/0123abcd.json"
    return event


def test_lineage_event_that_its_function_could_not_send_says_why() -> None:
    # A record as Lambda sends it to a destination (developer guide, "Retain records")
    found = letter(
        {
            "version": "1.0",
            "timestamp": "2026-01-31T12:00:00.000Z",
            "requestContext": {
                "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
                "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:lineage:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": lineage_event(),
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "responsePayload": {
                "errorType": "LineageNotSentError",
                "errorMessage": "The receiver answered 503.",
            },
        }
    )

    assert (found.kind, found.error) == ("lineage", "LineageNotSentError")
    assert (found.dataset, found.run_id) == ("flights", "0123abcd")
    assert found.text.endswith("the run itself is done: The receiver answered 503.")


def test_lineage_event_that_eventbridge_could_not_hand_over_is_no_upload() -> None:
    found = letter(lineage_event(), ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="not allowed")

    assert (found.kind, found.error) == ("lineage", "NO_PERMISSIONS")
    assert "not allowed" in found.text


def test_record_of_somebody_elses_function_is_shown_as_it_is() -> None:
    found = letter({"requestPayload": {"detail": {}}, "responsePayload": {"errorMessage": "no"}})

    assert (found.kind, found.event) == ("other", None)
