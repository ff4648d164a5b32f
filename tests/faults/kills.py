"""Processes that die: one by one in each stage, around the commit, and all of them at once."""

from __future__ import annotations

from collections import defaultdict
from threading import Event
from typing import TYPE_CHECKING, Final

from pipeline.constants import STAGES
from tests.faults.actions import HOLD_SECONDS, kill, kill_after
from tests.faults.audit import Seen
from tests.faults.orders import rows_of_every_fate
from tests.faults.suite import OK, ONE_EACH, scenario

if TYPE_CHECKING:
    from tests.faults.outputs import Upload
    from tests.faults.proxy import Exchange, Rule
    from tests.faults.trial import Trial

KILLED: Final = "kill -9 of the function's process"


def _killed_once_in(stage: str) -> None:
    """Enter the scenario of a process that dies once, after its work and before it is visible."""

    def act(trial: Trial) -> None:
        rows = rows_of_every_fate()
        with trial.held(rows) as upload:
            if stage == STAGES[-1]:
                note = f"{upload.run.pending_prefix}*"
                trial.inject("PUT", "output_bucket", note, kill, last=1)
            else:
                frame = upload.run.staging_key(stage)
                trial.inject("PUT", "staging_bucket", frame, kill, last=1)
        trial.ended()
        undisturbed = trial.put(rows, "undisturbed.csv")
        trial.ended(name="undisturbed.csv")
        assert rows_out(trial, upload) == rows_out(trial, undisturbed)

    act.__name__ = f"killed_in_{stage}"
    attempts = " ".join("2" if each == stage else "1" for each in STAGES)
    scenario(
        fault=KILLED,
        where=f"once, in {stage}, before its result is visible",
        must="the retry does it again; the rows are those of a run without the fault",
        expected=Seen(f"{OK}, then {OK}", f"{attempts}, then {ONE_EACH}", executions=2),
    )(act)


for _stage in STAGES:
    _killed_once_in(_stage)


def rows_out(trial: Trial, upload: Upload) -> list[dict[str, object]]:
    """Return the written rows, but for when they were processed."""
    manifest = trial.lab.manifest(upload.run)
    assert manifest is not None
    table = trial.lab.table(manifest).drop_columns(["processed_date"])
    return sorted(table.to_pylist(), key=lambda row: int(row["id"]))


@scenario(
    fault=KILLED,
    where="once, in write, after the first of three output files",
    must="the retry publishes all three and commits",
    expected=Seen(OK, "1 1 1 1 2"),
)
def killed_between_output_files(trial: Trial) -> None:
    with trial.held(rows_of_every_fate()) as upload:
        files = f"processed/orders/*{upload.run.source_id}*"
        days = 3
        trial.inject("PUT", "output_bucket", files, KillAfterDay(1), last=days)
    trial.ended()


@scenario(
    fault=KILLED,
    where="every time, in write, after the first output file of a newer version",
    must="dead letter; the older version stays readable, whole; the replay finishes and leaves "
    "nothing of the crash",
    expected=Seen(
        f"{OK}, then Runtime.ExitError (500), then {OK}",
        f"{ONE_EACH}, then 1 1 1 1 3, then 1 1 1 1 1",
        executions=3,
        letters=1,
        alerts=1,
    ),
)
def killed_between_output_files_for_good(trial: Trial) -> None:
    older = _committed(trial, days=(1, 2, 3))
    before = rows_out(trial, older)
    rule = _crashed(trial, days=(2, 3, 4), executions=2)
    # The older version is what a reader gets who goes through the manifest.
    assert rows_out(trial, older) == before
    rule.active = False
    trial.replay()
    trial.ended(3)
    assert trial.resumed() == ["validate", "clean", "transform", "enrich"]


@scenario(
    fault=KILLED,
    where="every time, in write, after the first output file; then a newer version comes that has "
    "no such partition",
    must="the newer version commits and takes away what the crash left; the older event's replay "
    "is refused",
    expected=Seen(
        f"{OK}, then Runtime.ExitError (500), then {OK}",
        f"{ONE_EACH}, then 1 1 1 1 3, then {ONE_EACH}",
        executions=3,
        letters=1,
        alerts=1,
    ),
)
def crash_cleaned_up_by_a_newer_version(trial: Trial) -> None:
    _committed(trial, days=(2, 3))
    rule = _crashed(trial, days=(1, 2, 3), executions=2)
    crashed = trial.uploads[-1]
    left = [key for key in trial.visible(crashed) if "day=1/" in key]
    assert left, "the crash left nothing, so nothing is proven"
    rule.active = False
    newest = trial.put(rows_of_every_fate((2, 3), first_id=500))
    trial.ended(3)
    assert trial.torn(newest) == []
    refused = trial.replay(status=1)
    assert "newer version" in refused


@scenario(
    fault=KILLED,
    where="once, in write, after the manifest and before vanished partitions are deleted",
    must="the retry finds the run committed and deletes them",
    expected=Seen(f"{OK}, then {OK}", f"{ONE_EACH}, then 1 1 1 1 2", executions=2),
)
def killed_after_the_manifest(trial: Trial) -> None:
    _committed(trial, days=(1, 2, 3))
    with trial.held(rows_of_every_fate((2, 3, 4), first_id=200)) as upload:
        trial.inject("PUT", "output_bucket", upload.run.manifest_key, kill_after, last=1)
    trial.ended(2)


@scenario(
    fault="kill -9 of every function's process",
    where="between clean and transform",
    must="new processes take over; nobody notices",
    expected=Seen(OK, ONE_EACH),
    alone=True,
)
def all_killed_between_two_stages(trial: Trial) -> None:
    lab = trial.lab

    def kill_all_others(exchange: Exchange) -> None:
        exchange.forward()
        for process in lab.processes():
            if process != exchange.process:
                process.kill()

    with trial.held(rows_of_every_fate()) as upload:
        frame = upload.run.staging_key("clean")
        trial.inject("PUT", "staging_bucket", frame, kill_all_others, last=1)
    trial.ended()


def _committed(trial: Trial, days: tuple[int, ...]) -> Upload:
    """Return a version that is committed."""
    upload = trial.put(rows_of_every_fate(days))
    trial.ended()
    return upload


def _crashed(trial: Trial, days: tuple[int, ...], *, executions: int) -> Rule:
    """Upload a version whose write stage dies each time after its first output file."""
    with trial.held(rows_of_every_fate(days, first_id=200)) as upload:
        files = f"processed/orders/*{upload.run.source_id}*"
        rule = trial.inject("PUT", "output_bucket", files, KillAfterDay(min(days)))
    trial.ended(executions)
    trial.letter()
    return rule


class KillAfterDay:
    """An action that kills each process that publishes, once the file of one day is visible.

    The files are published at the same time, so the others' requests wait for that one.
    """

    def __init__(self, day: int) -> None:
        self._day = f"/day={day}/"
        self._published: defaultdict[int, Event] = defaultdict(Event)

    def __call__(self, exchange: Exchange) -> None:
        assert exchange.process is not None
        published = self._published[exchange.process.pid]
        if self._day in exchange.key:
            exchange.forward()
            published.set()
        else:
            assert published.wait(HOLD_SECONDS)
            kill(exchange)
