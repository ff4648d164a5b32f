from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import queues
from cli.queues import Message, held_messages
from tests.unit.cli.moto_target import send, visible

if TYPE_CHECKING:
    from cli.target import Target


def test_all_messages_are_held_and_given_back(target: Target) -> None:
    # GIVEN more messages than one request may receive
    sent = [json.dumps({"n": n}) for n in range(25)]
    send(target, *sent)

    with held_messages(target.cloud.sqs(), [target.dead_letter_queue_url]) as held:
        # THEN all are there, and nobody else sees one of them
        assert sorted(message.body for message in held.messages) == sorted(sent)
        assert visible(target) == []

    assert sorted(visible(target)) == sorted(sent)


def test_control_c_gives_them_back(target: Target) -> None:
    send(target, {"n": 1}, {"n": 2})

    with (
        pytest.raises(KeyboardInterrupt),
        held_messages(target.cloud.sqs(), [target.dead_letter_queue_url]),
    ):
        raise KeyboardInterrupt

    assert len(visible(target)) == 2


def test_deleted_messages_are_gone_and_the_others_stay(target: Target) -> None:
    send(target, {"n": 1}, {"n": 2})

    with held_messages(target.cloud.sqs(), [target.dead_letter_queue_url]) as held:
        first = next(message for message in held.messages if message.body == '{"n": 1}')
        assert held.delete([first]) == []

    assert visible(target) == ['{"n": 2}']


def test_what_the_service_would_not_delete_is_told(target: Target) -> None:
    # GIVEN an answer that is fine as a whole, but refuses the second message
    send(target, {"n": 1}, {"n": 2})
    client = target.cloud.sqs()

    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Successful"] = [{"Id": "0"}]
        parsed["Failed"] = [{"Id": "1", "Code": "InternalError", "SenderFault": False}]

    client.meta.events.register("after-call.sqs.DeleteMessageBatch", refuse)
    with held_messages(client, [target.dead_letter_queue_url]) as held:
        both = held.messages
        assert held.delete(both) == [both[1]]
        assert held.messages == [both[1]]


def test_messages_that_cannot_be_given_back_come_by_themselves(
    target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a message that another command has deleted meanwhile
    send(target, {"n": 1})
    client = target.cloud.sqs()

    with held_messages(client, [target.dead_letter_queue_url]) as held:
        client.delete_queue(QueueUrl=target.dead_letter_queue_url)
        assert held.messages

    assert "1 messages are back in their queue in 120 seconds" in capsys.readouterr().err


def test_messages_stay_held_for_as_long_as_somebody_works(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(target, *({"n": n} for n in range(12)))
    client = target.cloud.sqs()
    clock = itertools.count(0, 40)  # seconds from one look at the clock to the next
    monkeypatch.setattr(queues.time, "monotonic", lambda: next(clock))
    asked: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.extend(entry["VisibilityTimeout"] for entry in params["Entries"])

    client.meta.events.register("provide-client-params.sqs.ChangeMessageVisibilityBatch", note)
    with held_messages(client, [target.dead_letter_queue_url]) as held:
        asked.clear()
        held.extend_if_due()
        held.extend_if_due()
        assert asked == [120] * 12


def test_messages_in_other_hands_are_counted(target: Target) -> None:
    send(target, {"n": 1}, {"n": 2}, {"n": 3})
    client = target.cloud.sqs()
    client.receive_message(QueueUrl=target.dead_letter_queue_url, MaxNumberOfMessages=2)

    with held_messages(client, [target.dead_letter_queue_url]) as held:
        assert (len(held.messages), held.elsewhere) == (1, 2)


def test_one_queue_does_not_answer_for_another(target: Target) -> None:
    send(target, {"n": 1})
    send(target, {"n": 2}, undelivered=True)
    both = [target.dead_letter_queue_url, target.undelivered_events_queue_url]

    with held_messages(target.cloud.sqs(), both) as held:
        assert [message.queue_url for message in held.messages] == both
        assert all(isinstance(message, Message) for message in held.messages)
        held.delete(held.messages)

    assert visible(target) == []
