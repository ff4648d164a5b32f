"""Executions that are stopped, and replays: of a dead letter, and of the quarantine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

from cli.errors import EXIT_WRONG_USE
from tests.end_to_end.cloud import waited_for
from tests.faults.actions import HOLD_SECONDS, Gate, kill, pass_by
from tests.faults.audit import Seen
from tests.faults.orders import (
    LATE_DAY,
    REJECTED,
    WRITTEN,
    Row,
    compile_orders,
    rows_of_every_fate,
)
from tests.faults.suite import OK, ONE_EACH, scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.lab import Lab
    from tests.faults.proxy import Exchange, Rule
    from tests.faults.trial import Trial


@scenario(
    fault="StopExecution",
    where="in transform",
    must="one letter and one alert, by EventBridge; the replay resumes at transform",
    expected=Seen(
        f"ABORTED (500), then {OK}",
        f"1 1 1 0 0, then {ONE_EACH}",
        executions=2,
        letters=1,
        alerts=1,
    ),
)
def stopped_in_transform(trial: Trial) -> None:
    gate = Gate()
    with trial.held(rows_of_every_fate()) as upload:
        frame = upload.run.staging_key("clean")
        rule = trial.inject("GET", "staging_bucket", frame, gate, last=1)
    _stop_at(trial, rule)
    trial.replay()
    gate.open()  # the stopped execution's function has waited all the time, and ends by itself
    assert trial.resumed() == ["validate", "clean"]


@scenario(
    fault="StopExecution",
    where="in write, whose function lives on, and wakes only after the replay has committed",
    must="the late function loses the race for the manifest and takes its files back",
    expected=Seen(
        f"ABORTED (500), then {OK}",
        f"{ONE_EACH}, then {ONE_EACH}",
        executions=2,
        letters=1,
        alerts=1,
    ),
)
def stopped_function_wakes_after_the_replay(trial: Trial) -> None:
    gate = Gate()
    with trial.held(rows_of_every_fate()) as upload:
        trial.inject("PUT", "output_bucket", f"{upload.run.pending_prefix}*", gate, last=1)
        commits = trial.inject("PUT", "output_bucket", upload.run.manifest_key, pass_by)
    _stop_at(trial, trial.rules[1])
    trial.replay()
    gate.open()
    waited_for(lambda: len(commits.hits) == 2 or None, "the late function's commit")
    # The late files are visible until it has heard of its loss.
    waited_for(lambda: not trial.torn(upload) or None, "the late function's files to go")
    assert trial.lab.versions(upload.run.manifest_key) == 1


@scenario(
    fault="the same dead letter replayed twice at once",
    where="after StopExecution in clean",
    must="one command replays it; the other finds no such letter and says so",
    expected=Seen(
        f"ABORTED (500), then {OK}",
        f"1 1 0 0 0, then {ONE_EACH}",
        executions=2,
        letters=1,
        alerts=1,
    ),
)
def letter_replayed_twice_at_once(trial: Trial) -> None:
    gate = Gate()
    with trial.held(rows_of_every_fate()) as upload:
        frame = upload.run.staging_key("validate")
        rule = trial.inject("GET", "staging_bucket", frame, gate, last=1)
    _stop_at(trial, rule)
    lab, letter = trial.lab, trial.letter()["execution"]["name"]
    with lab.replaying, ThreadPoolExecutor(2) as pool:
        command = ("dead-letters", "replay", letter)
        ended = list(pool.map(lambda _: lab.cloud.cli(*command), range(2)))
    gate.open()
    assert sorted(done.returncode for done in ended) == [0, EXIT_WRONG_USE]
    assert any(f"there is no dead letter {letter}" in done.stderr for done in ended)


def _stop_at(trial: Trial, rule: Rule) -> None:
    """Stop the execution as soon as a request is held by a rule; wait for its letter."""
    waited_for(lambda: rule.hits or None, "the request to be held")
    (execution,) = trial.lab.executions(*trial.keys())
    trial.lab.client("stepfunctions").stop_execution(executionArn=execution.arn)
    trial.letter()


@scenario(
    fault="too many bad rows",
    where="in validate",
    must="named error, not retried; the quarantine is written, nothing is published",
    expected=Seen("TooManyRejectsError (400)", "1 0 0 0 0", letters=1, alerts=1),
)
def too_many_rejects(trial: Trial) -> None:
    bad = [Row(number, REJECTED, LATE_DAY) for number in range(1, 10)]
    upload = trial.put([*bad, Row(10, WRITTEN, 1)])
    trial.ended()
    letter = trial.letter()
    quarantine = letter["rejects"]["quarantine"]
    assert trial.lab.quarantined(quarantine) == [row.id for row in bad]
    assert trial.visible(upload) == {}


@scenario(
    fault="the same quarantine replayed twice at once",
    where="both meet at the commit",
    must="one merges the corrected rows; the other changes nothing; no row twice",
    expected=Seen(OK, ONE_EACH, executions=3),
    alone=True,
    alike=True,
)
def quarantine_replayed_twice_at_once(trial: Trial) -> None:
    rows = rows_of_every_fate()
    upload = trial.put(rows)
    trial.ended()
    at_the_commit = Barrier(2, timeout=HOLD_SECONDS)

    def meet(_exchange: Exchange) -> None:
        at_the_commit.wait()

    trial.inject("PUT", "output_bucket", upload.run.manifest_key, meet, last=2)
    with corrected_contract(trial.lab), ThreadPoolExecutor(2) as pool:
        command = ("quarantine", "replay", upload.run.run_id)
        for done in pool.map(lambda _: trial.lab.cloud.cli(*command), range(2)):
            assert done.returncode == 0, done.stderr
        trial.ended(3)
    upload.rows = accepted(rows)


@scenario(
    fault="kill -9 of the function's process",
    where="every time, in the write of a quarantine replay, between its output and the manifest",
    must="dead letter; the file's output stays as it was; the letter's replay merges the rows",
    expected=Seen(
        f"{OK}, then Runtime.ExitError (500), then {OK}",
        f"{ONE_EACH}, then 1 1 1 1 3, then {ONE_EACH}",
        executions=3,
        letters=1,
        alerts=1,
    ),
    alone=True,
)
def quarantine_replay_killed_for_good(trial: Trial) -> None:
    rows = rows_of_every_fate()
    upload = trial.put(rows)
    trial.ended()
    before = trial.lab.manifest(upload.run)
    rule = trial.inject("PUT", "output_bucket", upload.run.manifest_key, kill)
    with corrected_contract(trial.lab):
        done = trial.lab.cloud.cli("quarantine", "replay", upload.run.run_id)
        assert done.returncode == 1, done.stderr
        assert trial.lab.manifest(upload.run) == before
        rule.active = False
        trial.replay()
    upload.rows = accepted(rows)


def accepted(rows: list[Row]) -> list[Row]:
    """Return what becomes of rows when the contract that rejected them is corrected."""
    return [replace(row, fate=WRITTEN) if row.fate == REJECTED else row for row in rows]


@contextmanager
def corrected_contract(lab: Lab) -> Iterator[None]:
    """Have the functions work under a contract that accepts the late day, until the block ends."""
    compile_orders(lab.sources, lab.compiled, last_day=LATE_DAY)
    lab.reload()
    try:
        yield
    finally:
        compile_orders(lab.sources, lab.compiled)
        lab.reload()
