"""The rejected rows of a run done again, and merged into the output of its file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from cli.follow import Followed, Follower
from cli.outcome import RUNNING
from cli.quarantine import replay_event, states
from cli.quarantine_replays import named_run, refusal_of
from cli.quarantine_texts import merge_outcome
from cli.replaying import started
from cli.view import NoView
from console.reading.actions import Action, Outcome
from console.reading.letter_actions import FOLLOWED_SECONDS

if TYPE_CHECKING:
    from cli.outcome import RunResult
    from cli.quarantine import QuarantineState
    from cli.target import Target

ROWS: Final = "rows"


@dataclass(frozen=True)
class RowsPlan:
    """What a replay of a run's rejected rows would do; `refusal` says why it is refused."""

    state: QuarantineState
    refusal: str | None

    @property
    def label(self) -> str:
        """Address of the run's file; the run's id, where no report names the file."""
        source = self.state.as_json()["source"]
        named = source["bucket"] and source["key"]
        return f"s3://{source['bucket']}/{source['key']}" if named else self.state.run.run_id


def rows_plan(target: Target, name: str) -> RowsPlan:
    """Return what would become of the rows that an execution has rejected.

    Raises
    ------
    CliError
        If there is no such execution, or it has rejected none.
    """
    [state] = states(target, [named_run(target, name)])
    return RowsPlan(state, refusal_of(state, whole_file=False))


class RowsReplay(Action):
    """Runs the rows again that one execution has rejected."""

    about = ROWS
    title = "Replay of rejected rows"

    def __init__(self, target: Target, name: str) -> None:
        super().__init__([name])
        self._target = target
        self._plan: RowsPlan | None = None
        self._followed: Followed | None = None

    def work(self) -> None:
        """Start the merge, unless it is refused, and follow it to its end."""
        self._plan = plan = rows_plan(self._target, self.names[0])
        if plan.refusal:
            return
        assert plan.state.manifest is not None  # only an uncommitted run has none, and is refused
        event = replay_event(plan.state.manifest, plan.state.run.run_id)
        find = partial(started, self._target, event)
        source = plan.state.as_json()["source"]
        self._followed = Followed(plan.label, plan.state.run.dataset, source, find)
        follower = Follower(self._target, timeout_seconds=FOLLOWED_SECONDS)
        follower.follow([self._followed], NoView())

    def outcomes(self) -> list[Outcome]:
        """Return what became of the rows so far."""
        plan, followed = self._plan, self._followed
        if plan is None:
            return [Outcome(self.names[0], *self._before_it_began())]
        if plan.refusal:
            words = f"Nothing was started: {plan.refusal}."
            return [Outcome(plan.label, "notice", "Refused", words)]
        arn = followed.arn if followed else None
        execution = arn.rsplit(":", 1)[-1] if arn else None
        result = followed.result if followed else None
        if result is None:
            return [Outcome(plan.label, *self._on_its_way(), execution=execution)]
        told = _ended(plan, result)
        return [Outcome(plan.label, *told, execution=execution, result=result)]

    def _before_it_began(self) -> tuple[str, str, str]:
        if self.trouble:
            return "bad", "Not started", "No row was run again."
        return "busy", "Preparing", "The rejected rows are looked for."

    def _on_its_way(self) -> tuple[str, str, str]:
        if self.trouble:
            return (
                "bad",
                "Unknown",
                "The console has lost sight of it; if it was started, it goes on.",
            )
        return "busy", "Running", "The rejected rows run through all stages again."


def _ended(plan: RowsPlan, result: RunResult) -> tuple[str, str, str]:
    """Kind, status and words of a merge that is not followed any more."""
    if result.status == RUNNING:
        return "notice", "Still running", "It still runs after an hour, and goes on."
    if not result.is_good:
        return (
            "bad",
            "Failed",
            "The run failed: the rows are still rejected, and a dead letter lies.",
        )
    words = " ".join(line.plain.strip() for line in merge_outcome(plan.state, result))
    kind = "good" if result.rows["written"] and not result.rows["rejected"] else "notice"
    return kind, result.status.replace("_", " ").capitalize(), f"{words[0].upper()}{words[1:]}"
