"""Messages of queues, held while somebody looks at them and given back afterwards.

A queue can only be read by taking its messages out of everybody else's sight for a while. Whatever
ends the reading, Control-C included, puts back at once what was not deleted; and if even that
fails, the messages come back by themselves.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

HOLD_SECONDS: Final = 120
BATCH: Final = 10
"""Most messages that one request of SQS may be about."""
VISIBLE: Final = "ApproximateNumberOfMessages"
HIDDEN: Final = "ApproximateNumberOfMessagesNotVisible"
LONG_POLL_SECONDS: Final = 1
"""Without waiting, SQS asks only some of its servers, and an empty answer proves nothing."""


@dataclass(frozen=True)
class Message:
    """One message; `receipt` is valid until the message is received again."""

    queue_url: str
    id: str
    body: str
    receipt: str
    sent_at: datetime
    attributes: dict[str, str]


class HeldMessages:
    """Messages of some queues that nobody else sees meanwhile; use `held_messages`."""

    def __init__(self, client: SQSClient) -> None:
        self._client = client
        self._held: dict[tuple[str, str], Message] = {}
        self._extended = time.monotonic()
        self._elsewhere: dict[str, int] = {}

    @property
    def messages(self) -> list[Message]:
        """Every message that is held."""
        return list(self._held.values())

    @property
    def elsewhere(self) -> int:
        """About how many messages somebody else held when the queues were read."""
        return sum(self._elsewhere.values())

    def read(self, queue_url: str) -> None:
        """Take all messages of a queue, page by page until it is empty.

        Read again, it takes what has come since, or come back.
        """
        while page := self._page(queue_url):
            for message in page:
                self._held[queue_url, message.id] = message
            self.extend_if_due()
        self._elsewhere[queue_url] = self._in_flight_elsewhere(queue_url)

    def extend_if_due(self) -> None:
        """Hold all for longer, if half of the time is over; call it again and again.

        A message for which that fails is no longer ours, and another command may see it.
        """
        if time.monotonic() - self._extended > HOLD_SECONDS / 2:
            self._change_visibility(self.messages, HOLD_SECONDS)
            self._extended = time.monotonic()

    def delete(self, messages: Iterable[Message]) -> list[Message]:
        """Delete messages for good; return those that are still there."""
        kept: list[Message] = []
        for queue_url, batch in _batches(messages):
            answer = self._client.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message.receipt}
                    for n, message in enumerate(batch)
                ],
            )
            failed = _failed(batch, answer)
            kept += failed
            for message in batch:
                if message not in failed:
                    self._held.pop((queue_url, message.id), None)
        return kept

    def give_back(self, messages: Iterable[Message] | None = None) -> None:
        """Let others see messages again at once; all of them, if none are named."""
        given = self.messages if messages is None else list(messages)
        try:
            failed = self._change_visibility(given, 0)
        except (BotoCoreError, ClientError):
            failed = given
        for message in given:
            self._held.pop((message.queue_url, message.id), None)
        if failed:
            say(f"{len(failed)} messages are back in their queue in {HOLD_SECONDS} seconds.")

    def _change_visibility(self, messages: Iterable[Message], seconds: int) -> list[Message]:
        """Hide messages for so long from now on; return those for which it failed."""
        failed: list[Message] = []
        for queue_url, batch in _batches(messages):
            answer = self._client.change_message_visibility_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
                    for n, message in enumerate(batch)
                ],
            )
            failed += _failed(batch, answer)
        return failed

    def _page(self, queue_url: str) -> list[Message]:
        answer = self._client.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HOLD_SECONDS,
            WaitTimeSeconds=LONG_POLL_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        return [_message(queue_url, received) for received in answer.get("Messages", [])]

    def _in_flight_elsewhere(self, queue_url: str) -> int:
        """Return about how many messages somebody else holds: SQS counts with a delay."""
        _, hidden = message_counts(self._client, queue_url)
        ours = sum(1 for message in self.messages if message.queue_url == queue_url)
        return max(0, hidden - ours)


def message_counts(client: SQSClient, queue_url: str) -> tuple[int, int]:
    """Return about how many messages of a queue can be seen, and are hidden by a reader."""
    answer = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[VISIBLE, HIDDEN])
    visible, hidden = (int(answer["Attributes"].get(name, 0)) for name in (VISIBLE, HIDDEN))
    return visible, hidden


@contextmanager
def held_messages(client: SQSClient, queue_urls: Sequence[str]) -> Iterator[HeldMessages]:
    """All messages of the queues; those not deleted are given back at the end."""
    held = HeldMessages(client)
    try:
        for queue_url in queue_urls:
            held.read(queue_url)
        yield held
    finally:
        held.give_back()


def _message(queue_url: str, received: MessageTypeDef) -> Message:
    sent = int(received.get("Attributes", {}).get("SentTimestamp", 0))
    attributes = received.get("MessageAttributes", {})
    return Message(
        queue_url=queue_url,
        id=received["MessageId"],
        body=received["Body"],
        receipt=received["ReceiptHandle"],
        sent_at=datetime.fromtimestamp(sent / 1000, UTC),
        attributes={name: value.get("StringValue", "") for name, value in attributes.items()},
    )


def _batches(messages: Iterable[Message]) -> Iterator[tuple[str, list[Message]]]:
    """Yield messages of one queue, so many at a time as a request may name."""
    by_queue: dict[str, list[Message]] = {}
    for message in messages:
        by_queue.setdefault(message.queue_url, []).append(message)
    for queue_url, mine in by_queue.items():
        for first in range(0, len(mine), BATCH):
            yield queue_url, mine[first : first + BATCH]


def _failed(batch: Sequence[Message], answer: Any) -> list[Message]:
    """Return the messages of a batch that the service refused, though the request went well."""
    return [batch[int(entry["Id"])] for entry in answer.get("Failed", [])]
