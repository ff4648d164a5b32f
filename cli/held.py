"""All dead letters, with their messages held while somebody looks at them or does them again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cli.entries import Entry, entries_of, entry_named
from cli.letters import letter_of
from cli.queues import HeldMessages, held_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.target import Target


def failure_queues(target: Target) -> tuple[str, str]:
    """Return the URLs of the queues that failures end in."""
    return target.dead_letter_queue_url, target.undelivered_events_queue_url


@contextmanager
def held_entries(
    target: Target, queues: Sequence[str] | None = None
) -> Iterator[tuple[HeldMessages, list[Entry]]]:
    """All entries, the latest first, whose messages are held until the block ends.

    Of all queues of failures, unless some are named.
    """
    urls = failure_queues(target) if queues is None else queues
    with held_messages(target.cloud.sqs(), urls) as held:
        yield held, entries_in(held)


def entries_in(held: HeldMessages) -> list[Entry]:
    """Return what the held messages are about, the latest failure first."""
    return entries_of(map(letter_of, held.messages))


def filtered(entries: Sequence[Entry], dataset: str | None, error: str | None) -> list[Entry]:
    """Return the entries of a dataset and with an error; None admits all."""
    return [
        entry
        for entry in entries
        if dataset in (None, entry.latest.dataset) and error in (None, entry.latest.error)
    ]


def chosen(held: HeldMessages, entries: Sequence[Entry], ids: Sequence[str] | None) -> list[Entry]:
    """Return the named entries, each once, or all; the other messages are given back at once."""
    found = [entry_named(entries, name) for name in ids] if ids else entries
    kept = list({entry.id: entry for entry in found}.values())
    keep_only(held, kept)
    return kept


def keep_only(held: HeldMessages, entries: Sequence[Entry]) -> None:
    """Give all messages back but those of some entries."""
    kept = {message.id for entry in entries for message in entry.messages}
    held.give_back([message for message in held.messages if message.id not in kept])
