"""Runs and failures as the functions and the Lambda service tell of them."""

from __future__ import annotations

import json
from typing import Any

from pipeline.accounting import RowCounts
from pipeline.constants import STAGES
from pipeline.run import Source, new_run

SPECIAL = "a \"quoted\" {curly} 'b' \\ back\nsecond line: ü €"
KEY = "input/flights/a b+ü%20.csv"
EVENT: dict[str, Any] = {
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "in"}, "object": {"key": KEY, "version-id": "v1"}},
}
SOURCE = Source(bucket="in", key=KEY, version_id="v1", etag="e", size=9, sequencer="0a")
ROWS = RowCounts(read=80, written=1, rejected=2, duplicates=3, filtered=4, dropped_by_lookup=5)
QUARANTINE = "s3://out/quarantine/flights/r/validate.jsonl"


def run_after(stage: str, outcome: str | None = None) -> dict[str, Any]:
    """Run summary as `stage` returns it; its rows tell which stage that was."""
    run = new_run(SOURCE, dataset="flights", plan_hash="p")
    run.outcome = outcome
    run.rows = RowCounts(read=1 + STAGES.index(stage))
    return run.to_json()


def run_at_failure() -> dict[str, Any]:
    """Run as an exception carries it."""
    run = new_run(SOURCE, dataset="flights", plan_hash="p")
    run.rows = ROWS
    run.rejects = {"top_rules": [], "quarantine": [QUARANTINE]}
    return run.known_at_failure(run.rows)


def document(message: str, run: dict[str, Any]) -> str:
    """Text of an exception of ours that carries a run."""
    return json.dumps({"message": message, "run": run}, ensure_ascii=False)


def cause_of(error: str, message: str = "the reason") -> str:
    """Cause that the Lambda service tells of an exception."""
    told = {"errorMessage": message, "errorType": error, "requestId": "1", "stackTrace": ["line"]}
    return json.dumps(told, ensure_ascii=False)
