"""Events that come twice, six times at once, or in the wrong order; and many files at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any, Final

from tests.end_to_end.cloud import waited_for
from tests.faults.actions import HOLD_SECONDS, Gate
from tests.faults.audit import Seen
from tests.faults.orders import rows_of_every_fate
from tests.faults.suite import OK, ONE_EACH, scenario

if TYPE_CHECKING:
    from tests.faults.lab import Execution
    from tests.faults.proxy import Exchange
    from tests.faults.trial import Trial

TIMES: Final = 6
FILES: Final = 50
AT_ONCE: Final = 6


@scenario(
    fault="the same event six times at once",
    where="all six meet at the commit",
    must="one commits; the others end with its outcome; no row twice",
    expected=Seen(OK, ONE_EACH, executions=TIMES),
    alike=True,
    alone=True,
)
def delivered_six_times_at_once(trial: Trial) -> None:
    at_the_commit = Barrier(TIMES, timeout=HOLD_SECONDS)

    def meet(_exchange: Exchange) -> None:
        at_the_commit.wait()

    with trial.held(rows_of_every_fate()) as upload:
        trial.inject("PUT", "output_bucket", upload.run.manifest_key, meet, last=TIMES)
        first = _started(trial)
        for _ in range(TIMES - 1):
            _deliver_again(trial, first)
    trial.ended(TIMES)
    assert trial.lab.versions(upload.run.manifest_key) == 1


@scenario(
    fault="the same event again",
    where="after the commit",
    must="nothing to do; nothing is written again",
    expected=Seen(f"{OK}, then ALREADY_PROCESSED", f"{ONE_EACH}, then 1 0 0 0 0", executions=2),
)
def delivered_again_after_the_commit(trial: Trial) -> None:
    upload = trial.put(rows_of_every_fate())
    (first,) = trial.ended()
    before = trial.visible(upload)
    _deliver_again(trial, first)
    trial.ended(2)
    assert trial.visible(upload) == before


@scenario(
    fault="two versions of a file, the older event late",
    where="the newer version is committed while the older one waits at its first read",
    must="the older one gives way; the newer output stays",
    expected=Seen(f"SUPERSEDED, then {OK}", f"1 0 0 0 0, then {ONE_EACH}", executions=2),
)
def older_event_late(trial: Trial) -> None:
    gate = Gate()
    key = trial.key()
    trial.inject("GET", "input_bucket", key, gate, last=1)
    trial.put(rows_of_every_fate((1, 2)))
    waited_for(lambda: trial.rules[0].hits or None, "the older version's first read")
    newer = trial.put(rows_of_every_fate((3, 4), first_id=100))
    waited_for(lambda: trial.lab.manifest(newer.run), "the newer version's commit")
    gate.open()
    trial.ended(2)


@scenario(
    fault="two versions of a file, the older event late",
    where="the newer version is committed while the older one waits at its commit",
    must="the older one takes its files back; the newer output stays",
    expected=Seen(f"SUPERSEDED, then {OK}", f"{ONE_EACH}, then {ONE_EACH}", executions=2),
)
def older_commit_late(trial: Trial) -> None:
    gate = Gate()
    with trial.held(rows_of_every_fate((1, 2))) as older:
        rule = trial.inject("PUT", "output_bucket", older.run.manifest_key, gate, last=1)
    waited_for(lambda: rule.hits or None, "the older version's commit")
    newer = trial.put(rows_of_every_fate((2, 3), first_id=100))
    waited_for(lambda: trial.lab.manifest(newer.run), "the newer version's commit")
    gate.open()
    trial.ended(2)


@scenario(
    fault="a newer version of a file",
    where="it has rows for other partitions than the older one",
    must="its output replaces the older one; vanished partitions go",
    expected=Seen(f"{OK}, then {OK}", f"{ONE_EACH}, then {ONE_EACH}", executions=2),
)
def newer_version_replaces(trial: Trial) -> None:
    trial.put(rows_of_every_fate((1, 2, 3)))
    trial.ended()
    newer = trial.put(rows_of_every_fate((3, 4), first_id=100))
    trial.ended(2)
    days = {key.split("day=")[1].split("/")[0] for key in trial.visible(newer)}
    assert days == {"3", "4"}


@scenario(
    fault="fifty files",
    where=f"{AT_ONCE} under way at any moment",
    must="each is processed once; no row is lost or twice",
    expected=Seen(OK, ONE_EACH, executions=FILES),
    alike=True,
    alone=True,
)
def fifty_files(trial: Trial) -> None:
    def processed(number: int) -> None:
        name = f"file{number}.csv"
        trial.put(rows_of_every_fate((1, 2), first_id=1000 * number), name)
        trial.ended(name=name)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(processed, range(FILES)))


def _started(trial: Trial) -> Execution:
    """Wait for the execution that the upload has started."""
    (key,) = trial.keys()
    found = waited_for(lambda: trial.lab.executions(key) or None, "the first execution")
    return found[0]


def _deliver_again(trial: Trial, execution: Execution) -> None:
    """Start an execution with the event of another."""
    machine = trial.lab.cloud.status["state_machine_arn"]
    event: dict[str, Any] = execution.event
    client = trial.lab.client("stepfunctions")
    client.start_execution(stateMachineArn=machine, input=json.dumps(event))
