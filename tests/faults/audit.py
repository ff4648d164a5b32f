"""What a scenario has left behind, and whether every row is where it must be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.lab import Execution, Lab, attempts_text
from tests.faults.orders import DROPPED, REJECTED, WRITTEN, Row
from tests.faults.outputs import Listing, Upload, key_of, torn

if TYPE_CHECKING:
    from tests.faults.trial import Trial


@dataclass(frozen=True)
class Seen:
    """What a scenario left behind; `attempts` are the stages' invocations in their order."""

    endings: str
    attempts: str
    executions: int = 1
    letters: int = 0
    alerts: int = 0


def seen_of(trial: Trial, *, alike: bool) -> Seen:
    """Return what the scenario's executions, the queue and the topic show."""
    lab, keys = trial.lab, trial.keys()
    executions = lab.executions(*keys)
    lab.letters()
    letters = [item for item in list(lab.letters_seen.values()) if key_of(item) in keys]
    codes = {item["execution"]["arn"]: item["failure"]["status_code"] for item in letters}
    endings = [_ending(item, codes.get(item.arn)) for item in executions]
    attempts = [lab.attempts(item.arn) for item in executions]
    alerts = [text for text in lab.alerts() if any(item.arn in text for item in executions)]
    return Seen(
        endings=" or ".join(sorted(set(endings))) if alike else ", then ".join(endings),
        attempts=_attempts(attempts, alike=alike),
        executions=len(executions),
        letters=len(letters),
        alerts=len(alerts),
    )


def _attempts(attempts: list[Counter[str]], *, alike: bool) -> str:
    if not alike:
        return ", then ".join(map(attempts_text, attempts))
    most: Counter[str] = Counter()
    for each in attempts:
        most |= each
    return attempts_text(most)


def _ending(execution: Execution, status_code: int | None) -> str:
    """Outcome of an execution, or its error with the status code in its letter."""
    if execution.status == "SUCCEEDED":
        return str(execution.output["outcome"])
    error = execution.error or execution.status
    return f"{error} ({status_code})" if status_code else error


def lost_or_torn(trial: Trial, listing: Listing) -> list[str]:
    """Return what is wrong with the files' rows and outputs; nothing where all is well."""
    latest = {upload.key: upload for upload in trial.uploads}
    problems: list[str] = []
    for upload in latest.values():
        manifest = trial.lab.manifest(upload.run)
        if upload.key not in listing.waiting:
            problems += torn(upload, manifest, listing)
        committed = _committed(trial, manifest)
        if committed is None and upload.key not in listing.waiting:
            problems.append(f"{upload.key}: neither committed nor named by a letter")
        if committed is not None and manifest is not None:
            problems += books(trial.lab, manifest, committed.rows or [])
    return problems


def _committed(trial: Trial, manifest: dict[str, Any] | None) -> Upload | None:
    run_id = manifest["run"]["run_id"] if manifest else None
    return next((item for item in trial.uploads if item.run.run_id == run_id), None)


def books(lab: Lab, manifest: dict[str, Any], rows: list[Row]) -> list[str]:
    """Return how the manifest's counts, and the rows found by it, differ from the file's."""
    fates = Counter(row.fate for row in rows)
    counts = {name: number for name, number in manifest["run"]["rows"].items() if number}
    written = sorted(lab.table(manifest).column("id").to_pylist()) if manifest["outputs"] else []
    quarantined = lab.quarantined(manifest["run"]["rejects"]["quarantine"])
    found = {"written": written, "quarantined": sorted(quarantined)}
    wanted = {
        "written": [row.id for row in rows if row.fate == WRITTEN],
        "quarantined": [row.id for row in rows if row.fate in (REJECTED, DROPPED)],
    }
    problems = [
        f"rows: {found[name]} {name}, not {ids}"
        for name, ids in wanted.items()
        if found[name] != ids
    ]
    if counts != {"read": len(rows)} | fates:
        problems.append(f"manifest counts {counts}, the file has {fates}")
    return problems
