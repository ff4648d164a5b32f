"""Entries of the dead letters' list: letters about the same work on the same file are one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError, NotFoundError
from cli.paths import command

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cli.letters import Letter
    from cli.queues import Message

MINIMUM_PREFIX: Final = 6
SHOWN_PREFIX: Final = 8
PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Entry:
    """All letters about the same work on the same version of an object, the oldest first."""

    letters: tuple[Letter, ...]

    @property
    def latest(self) -> Letter:
        """The letter that tells how things stand."""
        return self.letters[-1]

    @property
    def id(self) -> str:
        """Name of the latest failed execution, by which the entry is called."""
        return self.latest.name

    @property
    def plain_id(self) -> str:
        """The id; the message's, where the letter names its execution as no execution is named."""
        return self.id if PLAIN_ID.fullmatch(self.id) else self.latest.message.id

    @property
    def names(self) -> set[str]:
        """Everything by which the entry is found: names, ARNs, ids of messages."""
        told = {letter.name for letter in self.letters}
        told |= {letter.message.id for letter in self.letters}
        return told | {letter.execution_arn for letter in self.letters if letter.execution_arn}

    @property
    def messages(self) -> list[Message]:
        """The messages to delete when the matter is settled."""
        return [letter.message for letter in self.letters]

    @property
    def address(self) -> str:
        """`s3://bucket/key` of the file, or what stands for it."""
        letter = self.latest
        return f"s3://{letter.bucket}/{letter.key}" if letter.key else f"the message {self.id}"


def entries_of(letters: Iterable[Letter]) -> list[Entry]:
    """Return the letters by what they are about, the latest failure first.

    A version is known by its id; where a letter does not name that, by its ETag.
    """
    by_version: dict[tuple[Any, ...], list[Letter]] = {}
    versions: dict[tuple[Any, ...], Any] = {}
    ordered = sorted(letters, key=lambda letter: letter.failed_at)
    for letter in ordered:
        if letter.version_id and letter.etag:
            versions[letter.bucket, letter.key, letter.etag] = letter.version_id
    for letter in ordered:
        if letter.key is None:
            by_version.setdefault((letter.name,), []).append(letter)
            continue
        about = (letter.bucket, letter.key)
        version = letter.version_id or versions.get((*about, letter.etag), letter.etag)
        by_version.setdefault((*about, version, letter.quarantine), []).append(letter)
    entries = [Entry(tuple(group)) for group in by_version.values()]
    return sorted(entries, key=lambda entry: entry.latest.failed_at, reverse=True)


def entry_named(entries: Sequence[Entry], name: str) -> Entry:
    """Return the entry of an execution's name or ARN, a message's id, or a prefix of one.

    Raises
    ------
    CliError
        If there is none, or more than one.
    """
    for entry in entries:
        if name in entry.names:
            return entry
    if len(name) < MINIMUM_PREFIX:
        raise NotFoundError(
            f"there is no dead letter {name}",
            f"Give its name, or the first {MINIMUM_PREFIX} characters of it at least",
        )
    found = [entry for entry in entries if any(known.startswith(name) for known in entry.names)]
    if len(found) > 1:
        ids = ", ".join(entry.id for entry in found)
        raise CliError(f"{name} is the beginning of several dead letters", f"Name one: {ids}")
    if not found:
        listing = command("dead-letters list")
        raise NotFoundError(f"there is no dead letter {name}", f"List: {listing}")
    return found[0]


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return for each id its shortest beginning that no other one has."""
    shortened = {}
    for name in ids:
        length = SHOWN_PREFIX
        while length < len(name) and sum(other.startswith(name[:length]) for other in ids) > 1:
            length += 1
        shortened[name] = name[:length]
    return shortened
