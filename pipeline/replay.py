"""Replays: what an execution's input says of one, and which work of the failed run still stands.

See docs/adr/0006 (dead letters) and 0007 (quarantine).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.accounting import RowCounts
from pipeline.constants import (
    CODE_HASH_FILE,
    REPLAY,
    REPLAY_OF,
    REPLAY_QUARANTINE,
    REPLAY_RUN,
    STAGES,
)
from pipeline.errors import InvalidEventError
from pipeline.repairs import MAX_SAMPLE, Repairs, sampled
from pipeline.run import Run, run_from_json
from pipeline.storage import list_objects

if TYPE_CHECKING:
    from pipeline.run import StageRecord


@dataclass(frozen=True)
class Replay:
    """What an execution is a replay of; an ordinary execution's is empty.

    `of` is the ARN of the execution before, `run` the last run summary of it, `quarantine` the id
    of the run whose rejected rows are to be merged into the output.
    """

    of: str = ""
    run: Run | None = None
    quarantine: str = ""


def replay_of_event(event: dict[str, Any]) -> Replay:
    """Return what an execution's input says of a replay.

    Raises
    ------
    InvalidEventError
        If its `replay` field is none.
    """
    document = event.get(REPLAY)
    if document is None:
        return Replay()
    try:
        run = document.get(REPLAY_RUN)
        return Replay(
            of=str(document.get(REPLAY_OF) or ""),
            run=run_from_json(run) if run else None,
            quarantine=str(document.get(REPLAY_QUARANTINE) or ""),
        )
    except AttributeError as error:
        raise InvalidEventError(
            f"The execution's input has a `{REPLAY}` field that is no object.",
            remedy="Replay with `pipeline dead-letters replay` or `pipeline quarantine replay`.",
        ) from error


@cache
def code_hash() -> str:
    """Return the hash of this function's code; empty where it does not run from an asset."""
    file = Path(__file__).parent.parent / CODE_HASH_FILE
    return file.read_text("ascii").strip() if file.exists() else ""


def still_standing(
    run: Run, replayed: Run | None, *, staging_bucket: str, output_bucket: str
) -> Run | None:
    """Return the run as far as the replayed one has come and still stands; None if not at all.

    Parameters
    ----------
    run
        The run at hand: the same object version under the same plan has the same id.
    replayed
        The summary of the execution before. It comes from outside, so of all that it says only
        what was counted is taken, of stages whose frames are in the staging bucket unchanged.

    Raises
    ------
    InvalidEventError
        If the summary's values are not of the types of a summary.
    """
    if replayed is None or replayed.run_id != run.run_id:
        return None  # nothing to take up, or the run of another version or plan
    frames = list_objects(staging_bucket, run.staging_prefix)
    try:
        standing = _standing_stages(run, replayed, frames)
        if not standing or replayed.stages[0].code != code_hash():
            return None
        stages = [replace(record, resumed=True) for record in replayed.stages[:standing]]
        taken = replace(
            run,
            stages=stages,
            rejects={
                "top_rules": [_rule(found) for found in replayed.rejects["top_rules"]],
                "quarantine": _quarantine(run, stages, output_bucket),
            },
            repairs=_repairs(run, replayed.repairs, output_bucket),
            lookups={name: _numbers(counters) for name, counters in replayed.lookups.items()},
        )
        return taken.kept(standing, staging_bucket=staging_bucket)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidEventError(
            f"The run summary to take up is broken: {error!r}.",
            remedy="Replay with `pipeline dead-letters replay`, or without `replay` in the input.",
        ) from error


def _standing_stages(run: Run, replayed: Run, frames: dict[str, str]) -> int:
    """How many of the first stages have left a frame that is still there, and books to match."""
    standing = 0
    before: StageRecord | None = None
    for stage, record in zip(STAGES, replayed.stages, strict=False):
        if record.stage != stage or not _balances(record, before):
            break
        if not _stands(run, record, frames):
            break
        standing, before = standing + 1, record
    return standing


def _balances(record: StageRecord, before: StageRecord | None) -> bool:
    """Whether a stage's books are closed, and go on from those of the stage before."""
    counts = RowCounts(**record.counts)
    rows, read = (before.rows_out, 0) if before else (counts.read, record.rows_in)
    return rows == record.rows_in == record.rows_out + counts.taken_out - counts.expanded and (
        counts.read,
        counts.written,
    ) == (read, 0)


def _stands(run: Run, record: StageRecord, frames: dict[str, str]) -> bool:
    """Whether a stage's frame is still the one that its record speaks of."""
    return bool(record.etag) and frames.get(run.staging_key(record.stage)) == record.etag


def _quarantine(run: Run, records: list[StageRecord], output_bucket: str) -> list[str]:
    """Addresses of the rows that the stages have rejected."""
    counts = [(record.stage, RowCounts(**record.counts)) for record in records]
    return [
        f"s3://{output_bucket}/{run.quarantine_key(stage)}"
        for stage, rows in counts
        if rows.rejected or rows.dropped_by_lookup
    ]


def _rule(found: dict[str, Any]) -> dict[str, Any]:
    column = found["column"]
    return {
        "stage": str(found["stage"]),
        "column": column if column is None else str(column),
        "rule": str(found["rule"]),
        "rows": int(found["rows"]),
    }


def _repairs(run: Run, found: Repairs, output_bucket: str) -> Repairs:
    """What the stages have put right; their files lie where every run's do."""
    counts: list[dict[str, Any]] = [
        {
            "stage": str(entry["stage"]),
            "column": entry["column"] if entry["column"] is None else str(entry["column"]),
            "repair": str(entry["repair"]),
            "cells": int(entry["cells"]),
        }
        for entry in found["counts"]
    ]
    stages = dict.fromkeys(entry["stage"] for entry in counts)
    return {
        "counts": counts,
        "files": [f"s3://{output_bucket}/{run.repairs_key(stage)}" for stage in stages],
        "sample": [sampled(record) for record in found["sample"][:MAX_SAMPLE]],
    }


def _numbers(counters: dict[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in counters.items()}


def is_taken_over(run: Run, stage: str) -> bool:
    """Whether a replay has taken the stage's work over from the execution before."""
    return run.record_of(stage) is not None


def without_outdated_stages(run: Run, stage: str) -> Run:
    """Return the run without the stage's own record, and later ones, if other code made it."""
    record = run.record_of(stage)
    if record is None or record.code == code_hash():
        return run
    bucket = run.data.bucket if run.data else ""
    return run.kept(run.stages.index(record), staging_bucket=bucket)
