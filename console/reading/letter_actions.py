"""Dead letters done again or given up, by their ids."""

from __future__ import annotations

import time
from abc import abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cli.held import entries_in, failure_queues, held_entries, keep_only
from cli.outcome import NOT_STARTED, RUNNING
from cli.replaying import Replay, Replayer
from cli.replays import ReplayPlan, replay_plan
from cli.view import NoView
from console.reading.actions import Action, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cli.entries import Entry
    from cli.queues import HeldMessages
    from cli.target import Target
    from console.reading.letters import LetterBox

LETTERS: Final = "letters"
FOLLOWED_SECONDS: Final = 3600.0
"""A replay that still runs after that goes on alone; its letters stay."""
READS: Final = 5
PAUSE_SECONDS: Final = 1.5
"""Between two looks for a letter that somebody else's reading hides for a moment."""

NOT_THERE: Final = (
    "This letter is not in its queue: it has been replayed or discarded elsewhere, or another "
    "command reads it right now. In the second case try again in two minutes."
)


class LetterAction(Action):
    """Holds the messages of the named letters while it works on them, and no others."""

    about = LETTERS

    def __init__(self, target: Target, box: LetterBox, names: Sequence[str]) -> None:
        super().__init__(list(dict.fromkeys(names)))
        self._target = target
        self._box = box
        self._held: HeldMessages | None = None
        self.entries: dict[str, Entry] = {}
        self.is_looking = True

    @property
    def held(self) -> int:
        """How many messages this action keeps out of sight."""
        return len(self._held.messages) if self._held else 0

    def run(self) -> None:
        """Work; afterwards the queues are worth another look."""
        try:
            super().run()
        finally:
            self._held = None
            self._box.forget()

    def outcomes(self) -> list[Outcome]:
        """Return what became of each letter so far."""
        return [self._outcome(name) for name in self.names]

    def _outcome(self, name: str) -> Outcome:
        entry = self.entries.get(name)
        if entry is not None:
            return self._outcome_of(entry)
        if self.trouble:
            return Outcome(name, "bad", "Not done", "Nothing was done about this letter.", name)
        if self.is_looking:
            return Outcome(name, "busy", "Looking", "The letter is taken out of its queue.", name)
        return Outcome(name, "notice", "Not there", NOT_THERE, name)

    @abstractmethod
    def _outcome_of(self, entry: Entry) -> Outcome:
        """Say what became of a letter that was found."""

    @contextmanager
    def _taken(self) -> Iterator[HeldMessages]:
        """Hold the messages of `entries`, which are looked for again if others hide some."""
        with held_entries(self._target, ()) as (held, _):
            self._held = held
            for attempt in range(READS):
                if attempt:
                    time.sleep(PAUSE_SECONDS)
                with self._box.lock:
                    for queue_url in failure_queues(self._target):
                        held.read(queue_url)
                    self.entries = named_among(entries_in(held), self.names)
                    keep_only(held, list(self.entries.values()))
                if len(self.entries) == len(self.names) or not held.elsewhere:
                    break
            self.is_looking = False
            yield held


class LetterReplay(LetterAction):
    """Runs again what failed; the letters of what succeeds are deleted."""

    title = "Replay"

    def __init__(self, target: Target, box: LetterBox, names: Sequence[str]) -> None:
        super().__init__(target, box, names)
        self._plans: dict[str, ReplayPlan] = {}
        self._replays: list[Replay] = []

    def work(self) -> None:
        """Plan each replay, then run those that are not refused to their end."""
        with self._taken() as held:
            for entry in unique(self.entries.values()):
                self._plans[entry.id] = replay_plan(self._target, entry)
                held.extend_if_due()
            accepted = [plan for plan in self._plans.values() if plan.refusal is None]
            replayer = Replayer(self._target, held, view=NoView(), replays=self._replays)
            if accepted:
                replayer.replay(accepted, timeout_seconds=FOLLOWED_SECONDS)

    def _outcome_of(self, entry: Entry) -> Outcome:
        replay = next((r for r in self._replays if r.plan.entry.id == entry.id), None)
        if replay is not None:
            return replay_outcome(entry, replay, trouble=self.trouble)
        plan = self._plans.get(entry.id)
        if plan is not None and plan.refusal:
            return _about(entry, "notice", "Refused", f"Nothing was started: {plan.refusal}.")
        if self.trouble:
            return _about(entry, "bad", "Not started", "The letter is kept.")
        return _about(entry, "busy", "Preparing", "It is decided where the run resumes.")


class LetterDiscard(LetterAction):
    """Deletes letters for good."""

    title = "Discard"

    def __init__(self, target: Target, box: LetterBox, names: Sequence[str]) -> None:
        super().__init__(target, box, names)
        self._are_deleted: dict[str, bool] = {}

    def work(self) -> None:
        """Delete the messages of each entry."""
        with self._taken() as held:
            for entry in unique(self.entries.values()):
                self._are_deleted[entry.id] = not held.delete(entry.messages)
                held.extend_if_due()

    def _outcome_of(self, entry: Entry) -> Outcome:
        is_deleted = self._are_deleted.get(entry.id)
        if is_deleted:
            return _about(entry, "good", "Discarded", "Its letters are deleted for good.")
        if is_deleted is False:
            words = "Some of its letters could not be deleted. Discard it again."
            return _about(entry, "bad", "Not discarded", words)
        if self.trouble:
            return _about(entry, "bad", "Not discarded", "The letter is kept.")
        return _about(entry, "busy", "Deleting", "Its letters are being deleted.")


def named_among(entries: Sequence[Entry], names: Sequence[str]) -> dict[str, Entry]:
    """Return the entry that each name means; names that mean none are left out."""
    return {name: entry for name in names for entry in entries if name in entry.names}


def unique(entries: Iterable[Entry]) -> list[Entry]:
    """Return each entry once, as two names may mean the same one."""
    return list({entry.id: entry for entry in entries}.values())


def replay_outcome(entry: Entry, replay: Replay, *, trouble: str | None) -> Outcome:
    """Say how far a replay is, and what became of the letters."""
    arn = replay.followed.arn
    execution = arn.rsplit(":", 1)[-1] if arn else None
    result = replay.followed.result
    if result is None and trouble:
        words = "The console has lost sight of it; the letter is kept."
        return _about(entry, "bad", "Unknown", words, execution)
    if execution is None:
        return _about(entry, "busy", "Waiting", "It waits for its turn.")
    if result is None:
        words = "The run goes on; the letter is held until it has ended."
        return _about(entry, "busy", "Running", words, execution)
    kind, status, words = _ended(replay)
    return Outcome(entry.address, kind, status, words, entry.plain_id, execution, result)


def _ended(replay: Replay) -> tuple[str, str, str]:
    """Kind, status and words of a replay whose execution is not followed any more."""
    result = replay.result
    if replay.deleted:
        return "good", "Succeeded", "The run succeeded, and its letters are deleted."
    if result.is_good and not replay.settled:
        return "busy", "Succeeded", "The run succeeded; its letters are being deleted."
    if result.is_good:
        words = "The run succeeded, but not all of its letters could be deleted. Discard them."
        return "notice", "Succeeded", words
    if result.status in (RUNNING, NOT_STARTED):
        words = "It still runs after an hour, and goes on. The letter is kept: if the run succeeds,"
        return "notice", "Still running", f"{words} discard it."
    words = "The run failed again. Its letters are kept, with a new one beside them."
    return "bad", "Failed again", words


def _about(
    entry: Entry, kind: str, status: str, words: str, execution: str | None = None
) -> Outcome:
    return Outcome(entry.address, kind, status, words, entry.plain_id, execution)
