"""All executions, newest first: what a list, a search and a trend are made of."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from cli import trouble
from cli.executions import LISTED, UNKNOWN_EXECUTION
from console.reading.listed import Listed, of_description, of_listing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from types_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

    from cli.target import Target

__all__ = ["ExecutionIndex", "Listed", "Progress"]

MOST: Final = 10_000
"""Executions that are listed; Step Functions keeps them for 90 days, be they millions."""
FIRST: Final = 100
"""Executions that are described as fast as it goes, before the older ones are even listed."""
PACE_SECONDS: Final = 0.1
"""Pause between two descriptions in an account, which allows some 15 a second to all callers."""
ROUND_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 10.0
"""So long after somebody has asked last, the index works on."""
FIRST_ANSWER_SECONDS: Final = 0.5
"""So long at most who asks first waits: a local cloud is read by then."""
THROTTLED: Final = ("ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")
LOG: Final = logging.getLogger(__name__)

Mark = tuple[str, int]
"""Status and number of redrives: an execution whose mark is another one has changed."""


@dataclass(frozen=True)
class Progress:
    """How far the index is: how many are listed, how many of them described; the last trouble.

    `is_lost` says that with these clients, or their credentials, it will not go on.
    """

    found: int
    described: int
    error: str | None
    is_lost: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether everything that is listed has been described."""
        return self.found == self.described

    @property
    def is_cut(self) -> bool:
        """Whether there may be older ones."""
        return self.found >= MOST


class ExecutionIndex:
    """Describes each execution once, newest first, in a thread that works while somebody asks.

    An execution is described anew when its status has become another one, and so is a running one
    that the listing does not get to.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[str, tuple[Mark, Listed]] = {}
        self._sorted: list[tuple[str, Listed]] | None = None
        self._has_listed_all = False
        self._error: str | None = None
        self._is_lost = False
        self._lock = Lock()
        self._round = Lock()
        self._asked = 0.0
        self._is_working = False
        self._answered = Event()

    def listed(self) -> list[Listed]:
        """Return what is known, the latest first; have the index look for what is new."""
        self._wake()
        self._answered.wait(FIRST_ANSWER_SECONDS)
        self._answered.set()
        return [one for _, one in self._ordered()]

    @property
    def progress(self) -> Progress:
        """How far it is."""
        ordered = self._ordered()
        described = sum(1 for _, one in ordered if one.is_described)
        return Progress(len(ordered), described, self._error, self._is_lost)

    def use(self, target: Target) -> None:
        """Go on with other clients for the same state machine: the old ones' credentials ended."""
        self._target = target

    def stop(self) -> None:
        """Let the thread end after what it is at."""
        with self._lock:
            self._asked = 0.0

    def refresh(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """List what is new or has changed, and describe it, as long as it is wanted.

        What goes wrong stands in `progress` until a round goes well; the next one goes on where
        this one has ended.
        """
        with self._round:
            try:
                self._list(wanted)
                self._describe(wanted)
                self._error, self._is_lost = None, False
            except (BotoCoreError, ClientError) as error:
                self._error = trouble.line(error) or str(error)
                self._is_lost = _code(error) in (None, *trouble.EXPIRED)
            except Exception as error:
                # The thread is nobody's request: what it dies of would be told to nobody.
                told = f"The executions cannot be read: {error!r}."
                if told != self._error:
                    LOG.exception("the index of executions failed")
                self._error = told

    def _wake(self) -> None:
        with self._lock:
            self._asked = time.monotonic()
            if not self._is_working:
                self._is_working = True
                self._answered.clear()
                Thread(target=self._work, name="execution-index", daemon=True).start()

    def _work(self) -> None:
        """Refresh until nobody has asked for a while."""
        while True:
            with self._lock:
                self._is_working = self._is_wanted()
                if not self._is_working:
                    return
            self.refresh(self._is_wanted)
            self._answered.set()
            time.sleep(ROUND_SECONDS)

    def _is_wanted(self) -> bool:
        return time.monotonic() - self._asked < IDLE_SECONDS

    def _list(self, wanted: Callable[[], bool]) -> None:
        """Note what is listed, page by page, down to what has been there before."""
        pages = self._target.cloud.stepfunctions().get_paginator("list_executions")
        seen: set[str] = set()
        for page in pages.paginate(
            stateMachineArn=self._target.state_machine_arn,
            PaginationConfig={"PageSize": LISTED, "MaxItems": MOST},
        ):
            reached_old = self._note(page["executions"])
            seen.update(item["executionArn"] for item in page["executions"])
            if self._has_listed_all and reached_old:
                break
            if not self._has_listed_all:
                self._describe(wanted, FIRST)
        self._has_listed_all = True
        self._doubt_running(seen)

    def _note(self, items: Sequence[ExecutionListItemTypeDef]) -> bool:
        """Note a page of the listing; say whether its last execution had ended, and is known."""
        is_old = False
        for item in items:
            arn, mark = item["executionArn"], (item["status"], item.get("redriveCount") or 0)
            known = self._known.get(arn)
            is_old = known is not None and known[0] == mark and not known[1].is_running
            if known is None or known[0] != mark:
                self._keep(arn, mark, of_listing(item, known[1] if known else None))
        return is_old

    def _doubt_running(self, seen: set[str]) -> None:
        """Have those described anew that ran when last seen, and are further down than we went."""
        for arn, one in self._ordered():
            if one.is_running and arn not in seen:
                self._keep(arn, self._known[arn][0], replace(one, is_described=False))

    def _describe(self, wanted: Callable[[], bool], limit: int = MOST) -> None:
        """Describe the latest ones of which no more than the listing is known."""
        waiting = [arn for arn, one in self._ordered()[:limit] if not one.is_described]
        for position, arn in enumerate(waiting):
            if not wanted():
                break
            if position >= FIRST and not self._target.cloud.is_local:
                time.sleep(PACE_SECONDS)
            self._describe_one(arn)

    def _describe_one(self, arn: str) -> None:
        """Describe an execution; what is odd about one keeps nobody from the others.

        Raises
        ------
        ClientError
            If the others would be refused, too.
        """
        client = self._target.cloud.stepfunctions()
        mark, before = self._known[arn]
        try:
            found = client.describe_execution(executionArn=arn)
            mark = (found["status"], found.get("redriveCount") or 0)
            self._keep(arn, mark, of_description(client, found))
        except ClientError as refused:
            code = _code(refused)
            if code in (*THROTTLED, *trouble.EXPIRED, *trouble.DENIED):
                raise
            if code in UNKNOWN_EXECUTION:
                self._forget(arn)
            else:
                told = trouble.line(refused) or str(refused)
                self._keep(arn, mark, replace(before, is_described=True, message=told))
        except (ValueError, TypeError, AttributeError, KeyError) as odd:
            told = f"What it tells of itself cannot be read: {odd!r}"
            self._keep(arn, mark, replace(before, is_described=True, message=told))

    def _keep(self, arn: str, mark: Mark, one: Listed) -> None:
        with self._lock:
            self._known[arn] = (mark, one)
            self._sorted = None

    def _forget(self, arn: str) -> None:
        with self._lock:
            self._known.pop(arn, None)
            self._sorted = None

    def _ordered(self) -> list[tuple[str, Listed]]:
        """Return all that is known, with ARNs, the latest first."""
        with self._lock:
            if self._sorted is None:
                known = [(arn, one) for arn, (_, one) in self._known.items()]
                self._sorted = sorted(known, key=lambda pair: pair[1].started, reverse=True)[:MOST]
            return self._sorted


def _code(error: BotoCoreError | ClientError) -> str | None:
    """Code of a service's answer; None if there was no answer."""
    return error.response["Error"].get("Code", "") if isinstance(error, ClientError) else None
