"""Dead letters in the console, over queues of moto's and executions of a fake."""

from __future__ import annotations

import html
import json
import re
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from cli.queues import held_messages
from tests.console.conftest import token_of
from tests.unit.cli.fakes import FakeStepFunctions
from tests.unit.cli.moto_target import (
    MotoCloud,
    about,
    letter_body,
    s3_event,
    send,
    send_undelivered,
    source,
    visible,
)
from tests.unit.cli.moto_target import commit as committed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response
    from starlette.testclient import TestClient

    from cli.target import Target

LOOKS = 500


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoCloud]:
    monkeypatch.setattr("cli.queues.LONG_POLL_SECONDS", 0)
    monkeypatch.setattr("console.reading.letters.LEAST_SECONDS", 0)
    monkeypatch.setattr("console.reading.letter_actions.PAUSE_SECONDS", 0)
    with mock_aws():
        yield MotoCloud(FakeStepFunctions())


def asked(client: TestClient, verb: str, *ids: str) -> Response:
    """Answer to the confirmed form."""
    return client.post(f"/dead-letters/{verb}", data={"id": ids, "token": token_of(client)})


def done(client: TestClient, answer: Response) -> str:
    """Words of the action's page once it has ended."""
    assert answer.status_code == 303, answer.text
    for _ in range(LOOKS):
        words = words_of(client.get(answer.headers["location"]))
        if "In progress" not in words:
            return words
        Event().wait(0.02)
    raise AssertionError(f"the action does not end: {words}")


def words_of(answer: Response) -> str:
    body = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_list_names_what_failed_and_takes_nothing_away(
    client: TestClient, target: Target
) -> None:
    # GIVEN letters of three kinds
    send(target, letter_body("first"), "no letter at all")
    send_undelivered(target, s3_event("lost.csv"), ERROR_CODE="NO_PERMISSIONS")

    words = words_of(client.get("/dead-letters"))

    # THEN each is there with its error, and can still be received by anybody
    assert "f.csv StepError Dataset flights: no column `x`." in words
    assert "lost.csv NO_PERMISSIONS" in words
    assert "Unreadable The message is no JSON." in words
    assert len(visible(target)) == 3


def test_the_list_can_be_filtered(client: TestClient, target: Target) -> None:
    send(target, letter_body("first"), letter_body("other", **about("g.csv"), dataset="weather"))

    assert "g.csv" not in words_of(client.get("/dead-letters?dataset=flights"))
    assert "f.csv" not in words_of(client.get("/dead-letters?dataset=weather"))
    assert "No dead letter fits." in words_of(client.get("/dead-letters?error=Nothing"))


def test_an_empty_queue_is_not_read(client: TestClient, target: Target) -> None:
    words = words_of(client.get("/dead-letters"))

    assert "There is no dead letter: nothing waits for you." in words


def test_queues_are_read_again_only_if_they_have_changed(
    client: TestClient, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a list that was read
    send(target, letter_body("first"))
    client.get("/dead-letters")
    read: list[str] = []
    receive = target.cloud.sqs().receive_message

    def counted(**asked_for: Any) -> Any:
        read.append(asked_for["QueueUrl"])
        return receive(**asked_for)

    monkeypatch.setattr(target.cloud.sqs(), "receive_message", counted)

    # WHEN it is asked for again, and again after one more failure
    client.get("/dead-letters")
    before = len(read)
    send(target, letter_body("second", **about("g.csv")))
    words = words_of(client.get("/dead-letters"))

    assert before == 0
    assert read
    assert "g.csv" in words


def test_a_letter_tells_the_cause_and_what_a_replay_would_do(
    client: TestClient, target: Target
) -> None:
    send(target, letter_body("first"))

    words = words_of(client.get("/dead-letters/first"))

    assert "StepError in clean (400: the fault of the data or its definition)" in words
    assert "no column `x`. Correct the step." in words
    assert "The runbook about StepError" in words
    assert "A replay resumes at clean" in words
    assert "read 10, rejected 2" in words


def test_a_replay_that_succeeds_deletes_the_letter(
    client: TestClient, target: Target, cloud: MotoCloud
) -> None:
    send(target, letter_body("first"), letter_body("other", **about("g.csv")))
    shown = words_of(client.get("/dead-letters/replay?id=first"))

    words = done(client, asked(client, "replay", "first"))

    # THEN it was said before, done once, and the other letter is left alone
    assert "Replay 1 dead letter?" in shown
    assert "its letters are deleted" in words
    assert len(cloud.client.executions) == 1
    [left] = visible(target)
    assert json.loads(left)["execution"]["name"] == "other"


def test_a_replay_that_fails_keeps_the_letter(
    client: TestClient, target: Target, cloud: MotoCloud
) -> None:
    cloud.client.ends_as["input/flights/f.csv"] = "FAILED"
    send(target, letter_body("first"))

    words = done(client, asked(client, "replay", "first"))

    assert "Failed again" in words
    assert len(visible(target)) == 1


def test_what_is_replayed_already_is_not_replayed_twice(
    client: TestClient, target: Target, cloud: MotoCloud
) -> None:
    # GIVEN a replay that goes on
    cloud.client.looks_until_end = 5
    send(target, letter_body("first"))
    first = asked(client, "replay", "first")

    # WHEN somebody else clicks, too, and once more when it is over
    second = asked(client, "replay", "first")
    done(client, first)
    third = done(client, asked(client, "replay", "first"))

    assert len(cloud.client.executions) == 1
    assert "Not there" in done(client, second) or second.headers == first.headers
    assert "Not there" in third


def test_a_superseded_version_is_refused(
    client: TestClient, target: Target, cloud: MotoCloud
) -> None:
    committed(target, source(version_id="v2", etag="e2", sequencer="0B"))
    send(target, letter_body("first"))

    shown = words_of(client.get("/dead-letters/replay?id=first"))
    words = done(client, asked(client, "replay", "first"))

    assert "There is nothing to replay" in shown
    assert "Refused" in words
    assert "a newer version" in words
    assert cloud.client.executions == []
    assert len(visible(target)) == 1


def test_a_letter_that_another_command_holds_is_not_lost(
    client: TestClient, target: Target, cloud: MotoCloud
) -> None:
    send(target, letter_body("first"))
    with held_messages(target.cloud.sqs(), [target.dead_letter_queue_url]):
        listed = words_of(client.get("/dead-letters"))
        words = done(client, asked(client, "replay", "first"))

    assert "About 1 more messages are being read by another command" in listed
    assert "another command reads it right now" in words
    assert cloud.client.executions == []
    assert len(visible(target)) == 1


def test_a_discard_is_confirmed_and_deletes_only_what_was_chosen(
    client: TestClient, target: Target
) -> None:
    send(target, letter_body("first"), letter_body("other", **about("g.csv")))

    shown = words_of(client.get("/dead-letters/discard?id=first"))
    words = done(client, asked(client, "discard", "first"))

    assert "This cannot be taken back." in shown
    assert "deleted for good" in words
    [left] = visible(target)
    assert json.loads(left)["execution"]["name"] == "other"


def test_a_queue_that_fails_is_told_on_the_page(
    client: TestClient, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> None:
        raise OSError(5, "the disk is gone", "spool")

    send(target, letter_body("first"))
    monkeypatch.setattr(target.cloud.sqs(), "receive_message", refused)

    assert "spool: the disk is gone" in done(client, asked(client, "replay", "first"))


@pytest.mark.parametrize("verb", ["replay", "discard"])
def test_without_the_token_nothing_happens(client: TestClient, target: Target, verb: str) -> None:
    send(target, letter_body("first"))

    answer = client.post(f"/dead-letters/{verb}", data={"id": "first"})
    rows = client.post("/executions/first/replay-rows", data={"token": "guessed"})

    assert (answer.status_code, rows.status_code) == (403, 403)
    assert len(visible(target)) == 1


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_a_foreign_page_changes_nothing(
    client: TestClient, target: Target, headers: dict[str, str]
) -> None:
    # GIVEN even the right token
    send(target, letter_body("first"))
    form = {"id": "first", "token": token_of(client)}

    for path in ("/dead-letters/replay", "/dead-letters/discard", "/executions/x/replay-rows"):
        assert client.post(path, data=form, headers=headers).status_code == 403

    assert len(visible(target)) == 1


def test_looking_changes_nothing(client: TestClient, target: Target, cloud: MotoCloud) -> None:
    send(target, letter_body("first"))

    for path in ("", "/first", "/replay?id=first", "/discard?id=first"):
        assert client.get(f"/dead-letters{path}").status_code == 200

    assert cloud.client.executions == []
    assert len(visible(target)) == 1


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "x" * 1000, "🐧\n\t'\"", "a/b?c=d#e", "%2e%2e"],
)
def test_hostile_letters_are_shown_as_what_they_are(
    client: TestClient, target: Target, hostile: str
) -> None:
    failure = {"stage": hostile, "error": hostile, "message": hostile, "status_code": None}
    body = letter_body("first", failure=failure, dataset=hostile, rows={hostile: None})
    body["execution"] = {"arn": f"arn:aws:x:{hostile}"}
    body["source"] = {"bucket": hostile, "key": hostile}
    send(target, body, "[" * 100_000, {"failure": None, "event": None})

    listed = client.get("/dead-letters")
    links = re.findall(r'href="(/dead-letters/[^"]+)"', listed.text)

    assert listed.status_code == 200
    assert len(links) == 3
    for link in links:
        one = client.get(html.unescape(link))
        assert one.status_code == 200
        assert "<script>alert" not in one.text
    assert "<script>alert" not in listed.text


def test_an_unknown_letter_or_action_says_what_may_have_happened(client: TestClient) -> None:
    gone, action = client.get("/dead-letters/nothing"), client.get("/dead-letters/actions/nothing")

    assert (gone.status_code, action.status_code) == (404, 404)
    assert "it was replayed or discarded" in words_of(gone)
    assert "Nothing is lost" in words_of(action)


def test_nothing_chosen_is_said(client: TestClient) -> None:
    answer = asked(client, "replay")

    assert answer.status_code == 400
    assert "No dead letter was chosen." in words_of(answer)
