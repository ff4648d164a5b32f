"""Dead letters in the words of a page."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cli.held import filtered
from cli.letter_texts import KINDS, given_up, intention, quarantine_of
from cli.letters import LINEAGE, OTHER, UNDELIVERED
from cli.summary import advice_by_fault, fault_by_status
from console.reading.runbook import runbook_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.entries import Entry
    from cli.letters import Letter
    from cli.replays import ReplayPlan
    from console.reading.letter_actions import LetterAction
    from console.reading.letters import Lying
    from console.reading.runbook import Piece

SHOWN: Final = 200
"""Entries on a page of the list."""
SHOWN_CHARACTERS: Final = 100_000
"""Of a letter, or an event; more than an execution's input can hold in most cases."""


@dataclass(frozen=True)
class LetterView:
    """An entry as the pages tell it; `plan` is there where a replay is spoken of."""

    entry: Entry
    plan: ReplayPlan | None = None

    @property
    def id(self) -> str:
        """Name of the entry, as addresses hold it."""
        return self.entry.plain_id

    @property
    def latest(self) -> Letter:
        """The letter that tells how things stand."""
        return self.entry.latest

    @property
    def cause(self) -> str:
        """What the letter says after the file's address, which stands beside it."""
        return self.latest.text.partition(f"{self.entry.address}: ")[2] or self.latest.text

    @property
    def what(self) -> str:
        """What has happened, in general."""
        said = KINDS[self.latest.kind]
        return f"{said[0].upper()}{said[1:]}"

    @property
    def fault(self) -> str:
        """Whose fault it is."""
        if self.latest.kind == OTHER:
            return "unknown"
        return fault_by_status(self.latest.status_code)

    @property
    def advice(self) -> str:
        """What a person should do next."""
        if self.latest.kind == OTHER:
            return "Read the message below; if it is of no use to anybody, discard it."
        if self.latest.kind == UNDELIVERED:
            return "The upload has not been processed. When the cause is gone, replay it."
        if self.latest.kind == LINEAGE and self.plan and self.plan.refusal:
            return sentence(self.plan.refusal)
        return sentence(advice_by_fault(self.latest.status_code))

    @property
    def intention(self) -> str:
        """What a replay would do."""
        assert self.plan is not None
        return sentence(intention(self.plan))

    @property
    def given_up(self) -> str:
        """What is lost with the letter."""
        return given_up(self.entry)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Rows when it failed: the counts that are not zero."""
        counts = self.latest.rows.items()
        return [(name, count) for name, count in counts if isinstance(count, int) and count]

    @property
    def quarantine(self) -> str | None:
        """Where its rejected rows are."""
        return quarantine_of(self.latest)

    @property
    def has_execution(self) -> bool:
        """Whether there is a page of the failed execution."""
        return self.latest.execution_arn is not None

    @cached_property
    def runbook(self) -> list[list[Piece]]:
        """Paragraphs of the runbook about this error."""
        return runbook_section(self.latest.error)

    @property
    def event(self) -> str | None:
        """What an execution is started with, as JSON; the first part of it, if it is huge."""
        return _document(self.latest.event) if self.latest.event is not None else None

    @property
    def body(self) -> str:
        """The message as it lies in the queue, indented if it is JSON."""
        text = self.latest.message.body
        try:
            return _document(json.loads(text))
        except (ValueError, RecursionError):
            return _cut(text)


def letter_view(plan: ReplayPlan) -> LetterView:
    """Return an entry with what its replay would do."""
    return LetterView(plan.entry, plan)


@dataclass(frozen=True)
class Listing:
    """The list of dead letters: one page of the entries that the filter admits.

    `actions` are the running ones, by the ids of the entries that they work on.
    """

    letters: list[LetterView]
    total: int
    known: int
    page: int
    pages: int
    dataset: str
    error: str
    datasets: list[tuple[str, int]]
    errors: list[tuple[str, int]]
    elsewhere: int
    lying: Lying
    actions: Mapping[str, str]


def listing_of(lying: Lying, running: Sequence[LetterAction], query: Mapping[str, str]) -> Listing:
    """Return the page of the list that an address asks for."""
    entries = _with_held(lying, running)
    dataset, error = query.get("dataset", ""), query.get("error", "")
    admitted = filtered(entries, dataset or None, error or None)
    pages = max(1, -(-len(admitted) // SHOWN))
    asked = query.get("page", "1")
    page = min(int(asked), pages) if asked.isascii() and asked.isdecimal() and int(asked) else 1
    return Listing(
        letters=[LetterView(entry) for entry in admitted[(page - 1) * SHOWN : page * SHOWN]],
        total=len(admitted),
        known=len(entries),
        page=page,
        pages=pages,
        dataset=dataset,
        error=error,
        datasets=_choices((entry.latest.dataset for entry in entries), dataset),
        errors=_choices((entry.latest.error for entry in entries), error),
        elsewhere=max(0, lying.elsewhere - sum(each.held for each in running)),
        lying=lying,
        actions={entry.plain_id: each.id for each in running for entry in each.entries.values()},
    )


def sentence(clause: str) -> str:
    """Return a clause as a sentence."""
    return f"{clause[:1].upper()}{clause[1:]}{'' if clause.endswith(('.', '!', '?')) else '.'}"


def _with_held(lying: Lying, running: Sequence[LetterAction]) -> list[Entry]:
    """Add what our own actions hold: it is out of the reader's sight, and not gone."""
    held = [entry for each in running for entry in each.entries.values()]
    seen = {name for entry in held for name in entry.names}
    others = [entry for entry in lying.entries if not entry.names & seen]
    found = {entry.id: entry for entry in (*held, *others)}
    return sorted(found.values(), key=lambda entry: entry.latest.failed_at, reverse=True)


def _choices(values: Iterable[str | None], chosen: str) -> list[tuple[str, int]]:
    """Return the values with their numbers, by name; the chosen one even if none has it."""
    counts = Counter(value for value in values if value)
    if chosen:
        counts.setdefault(chosen, 0)
    return sorted(counts.items())


def _document(document: Any) -> str:
    return _cut(json.dumps(document, indent=2, ensure_ascii=False))


def _cut(text: str) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}\n… and {len(text) - SHOWN_CHARACTERS:,} more characters"
