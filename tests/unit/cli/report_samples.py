"""A run as it lies in the buckets: report, manifest, profiles, quarantine, lineage, execution."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.unit.cli.moto_target import EXECUTION, OUTPUT, commit, put_json, s3_event, source

if TYPE_CHECKING:
    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions

RUN = "a1b2c3d4" * 4
NAME = "3f0c9a52-0001"
HOSTILE = '<script>alert("1")</script>&\'\N{PILE OF POO}\n'
STAGES = ("validate", "clean", "transform", "enrich", "write")


def stage_record(stage: str, rows_in: int = 10, rows_out: int = 10, **more: Any) -> dict[str, Any]:
    """Record of a stage of four seconds' cold start, as the run has it."""
    counts = {"read": 0, "expanded": 0, "written": 0, "rejected": rows_in - rows_out}
    counts |= {"duplicates": 0, "filtered": 0, "dropped_by_lookup": 0}
    return {
        "stage": stage,
        "rows_in": rows_in,
        "rows_out": rows_out,
        "counts": counts,
        "seconds": 0.0701,
        "init_seconds": 0.4,
        "bytes_in": 2000,
        "bytes_out": 1000,
        "peak_memory_mb": 150,
        "memory_mb": 1769,
        "cold_start": True,
        "code": "c0de" * 16,
        "retries": 0,
        "requests": {"get": 2, "put": 1},
    } | more


def run_summary(**more: Any) -> dict[str, Any]:
    """Summary of a run of ten rows, two of them rejected by validate."""
    rows = {"read": 10, "expanded": 0, "written": 8, "rejected": 2, "duplicates": 0, "filtered": 0}
    return {
        "run_id": RUN,
        "dataset": "flights",
        "plan_hash": "p1a4" * 4,
        "source": vars(source()),
        "outcome": "SUCCEEDED_WITH_REJECTS",
        "rows": rows | {"dropped_by_lookup": 0},
        "stages": [
            stage_record("validate", 10, 8),
            *(stage_record(name, 8, 8) for name in STAGES[1:]),
        ],
        "rejects": {
            "top_rules": [{"stage": "validate", "column": "month", "rule": "maximum", "rows": 2}],
            "quarantine": [f"s3://{OUTPUT}/quarantine/flights/{RUN}/validate.jsonl"],
        },
        "lookups": {"planes": {"matched": 5, "unmatched": 2, "missing_key": 1}},
        "outputs": [f"s3://{OUTPUT}/processed/flights/f.parquet"],
        "report": f"s3://{OUTPUT}/reports/flights/{RUN}.json",
    } | more


def reject(row: int, column: str = "month", rule: str = "maximum", **more: Any) -> dict[str, Any]:
    """A rejected row as a stage writes it."""
    violation = {"column": column, "rule": rule, "value": "13", "message": "must be at most 12"}
    raw = {"month": "13", "note": HOSTILE}
    record = {"row_number": row, "line": row + 1, **violation, "violations": [violation]}
    return record | {"raw": raw} | more


def put_rejects(target: Target, stage: str, *rows: dict[str, Any]) -> str:
    """Put a quarantine file; return its address."""
    key = f"quarantine/flights/{RUN}/{stage}.jsonl"
    body = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    target.cloud.s3().put_object(Bucket=OUTPUT, Key=key, Body=body)
    return f"s3://{OUTPUT}/{key}"


def column(name: str, kind: str = "integer", **more: Any) -> dict[str, Any]:
    """A column's profile."""
    sample = {
        "values": 8,
        "distinct": 3,
        "min": 1,
        "max": 13,
        "histogram": {"edges": [1, 7, 13], "counts": [6, 2]},
    }
    return {"name": name, "type": kind, "masked": False, "nulls": 2, "sample": sample} | more


def profile(stage: str, *columns: dict[str, Any], rows: int = 10) -> dict[str, Any]:
    return {
        "profile_version": 1,
        "run_id": RUN,
        "dataset": "flights",
        "stage": stage,
        "rows": rows,
        "sampled_rows": rows,
        "columns": list(columns),
    }


def put_run(target: Target, service: FakeStepFunctions, **more: Any) -> str:
    """Have a committed run with rejects; return its execution's name."""
    summary = run_summary(**more)
    put_execution(service, summary)
    put_json(target, f"reports/flights/{RUN}.json", report_of(summary))
    commit(target, source(), run=summary)
    put_rejects(target, "validate", reject(3), reject(7))
    return NAME


def report_of(summary: dict[str, Any]) -> dict[str, Any]:
    """Report of a run, which lacks the last stage."""
    told = {"report_version": 1, "execution_arn": f"{EXECUTION}:{NAME}"}
    return summary | told | {"contract_version": "1.2.3", "stages": summary["stages"][:-1]}


def put_execution(service: FakeStepFunctions, summary: dict[str, Any]) -> None:
    """Have an execution that ended well with this summary as its output."""
    service.starts(NAME, "input/flights/f.csv", "e1")
    service.executions[0] |= {"input": json.dumps(s3_event()), "output": json.dumps(summary)}


def document(said: Any, *arguments: str) -> dict[str, Any]:
    """What `pipeline report --json` prints; `said` is the fixture of that name."""
    status, out, err = said(*arguments, "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found
