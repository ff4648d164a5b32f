"""Carries out replays of dead letters: a few at a time, each to its end, and lets go of letters."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from cli.entries import short_ids
from cli.follow import Followed, Follower
from cli.view import View, chosen_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.outcome import RunResult
    from cli.queues import HeldMessages
    from cli.replays import ReplayPlan
    from cli.target import Target

AT_ONCE: Final = 10


def started(target: Target, document: dict[str, Any]) -> str:
    """Start an execution and return its ARN.

    With a name of ours a request that the SDK sends twice starts one execution.
    """
    answer = target.cloud.stepfunctions().start_execution(
        stateMachineArn=target.state_machine_arn,
        name=str(uuid4()),
        input=json.dumps(document, ensure_ascii=False),
    )
    return answer["executionArn"]


@dataclass
class Replay:
    """One replay on its way; `deleted` says whether the entry's letters are gone."""

    plan: ReplayPlan
    followed: Followed
    deleted: bool = False
    settled: bool = False

    @property
    def result(self) -> RunResult:
        """What became of the execution, once it is over."""
        assert self.followed.result is not None
        return self.followed.result


@dataclass
class Replayer:
    """Replays entries; their messages stay held meanwhile, and go when the run has succeeded."""

    target: Target
    held: HeldMessages
    view: View = field(default_factory=chosen_view)
    replays: list[Replay] = field(default_factory=list)

    def replay(self, plans: Sequence[ReplayPlan], *, timeout_seconds: float) -> list[Replay]:
        """Return the replays of all plans, in their order, once the last one has ended."""
        shortened = short_ids([plan.entry.id for plan in plans])
        for plan in plans:
            letter = plan.entry.latest
            source = {
                "bucket": letter.bucket,
                "key": letter.key,
                "version_id": letter.version_id,
            }
            followed = Followed(
                label=f"{shortened[plan.entry.id]} {letter.key or ''}".rstrip(),
                dataset=letter.dataset,
                source=source,
                find=partial(self._start, plan),
            )
            self.replays.append(Replay(plan, followed))
        follower = Follower(
            self.target,
            timeout_seconds=timeout_seconds,
            start_seconds=math.inf,  # an entry may wait long for its turn
            on_round=self._tend,
        )
        follower.follow([replay.followed for replay in self.replays], self.view)
        return self.replays

    def _start(self, plan: ReplayPlan) -> str | None:
        """Start a replay, unless enough of them run already."""
        following = [replay.followed for replay in self.replays]
        running = sum(1 for file in following if file.arn is not None and file.result is None)
        return started(self.target, plan.input) if running < AT_ONCE else None

    def _tend(self) -> None:
        """Keep the messages held, and delete those whose replay has succeeded."""
        self.held.extend_if_due()
        for replay in self.replays:
            if replay.followed.result is None or replay.settled:
                continue
            if replay.result.is_good:
                replay.deleted = not self.held.delete(replay.plan.entry.messages)
            replay.settled = True
