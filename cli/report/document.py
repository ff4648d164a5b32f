"""The report as one document: what `--json` prints, and what the page is made of."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cli.outcome import RUNNING
from cli.report.columns import column_records
from cli.report.words import LOSSES, outcome
from pipeline.cost import billed_seconds
from pipeline.prices import prices_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.report.reading import RunReading

DOCUMENT_VERSION: Final = 1
SOURCE: Final = ("bucket", "key", "version_id", "etag", "size", "last_modified")
OUTPUT: Final = ("key", "rows", "bytes", "version_id")
CHECK: Final = ("severity", "name", "rule", "columns", "rows", "expected")
REPAIRED: Final = ("stage", "column", "repair", "cells")
REPAIR: Final = ("stage", "row_number", "line", "column", "repair", "before", "after", "message")
MISSING_KEYS: Final = ("on", "masked", "exact", "distinct_missing", "top_missing")
STAGE: Final = (
    "stage",
    "rows_in",
    "rows_out",
    "bytes_in",
    "bytes_out",
    "memory_mb",
    "peak_memory_mb",
    "cold_start",
    "retries",
    "resumed",
    "requests",
    "code",
)
SHOWN_OUTPUTS: Final = 20
NO_PROFILES: Final = (
    "This run left no profiles of its columns: it was made by an older version of the pipeline, "
    "its profiles have been deleted since, or it has not come that far."
)


def report_document(reading: RunReading, options: str = "") -> dict[str, Any]:
    """Return the document; times are ISO 8601, in UTC.

    Parameters
    ----------
    options
        What the commands in it need to work on the same cloud.
    """
    result, summary = reading.result, reading.summary
    return {
        "document_version": DOCUMENT_VERSION,
        "run_id": summary.get("run_id"),
        "dataset": result.dataset,
        "source": _source(reading),
        "execution": _execution(reading),
        "outcome": outcome(reading, options),
        "error": asdict(result.error) if result.error else None,
        "merges": result.merges,
        "rows": result.rows,
        "steps": _steps(_records(summary)),
        "rejects": _rejects(reading),
        "checks": [_picked(found, CHECK) for found in result.checks],
        "columns": _columns(reading),
        "repairs": _repairs(result.repairs),
        "lookups": _lookups(reading),
        "stages": [_stage(record) for record in _records(summary)],
        "attempts": _failed_attempts(reading),
        "cost": _cost(result.cost),
        "versions": _versions(reading),
        "missing": list(reading.missing),
    }


def _records(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the records of the stages that have ended."""
    return [record for record in summary.get("stages") or [] if isinstance(record, dict)]


def _source(reading: RunReading) -> dict[str, Any]:
    source = reading.summary.get("source") or {}
    return _picked({**reading.result.source, **source}, SOURCE)


def _execution(reading: RunReading) -> dict[str, Any]:
    found, result = reading.found, reading.result
    return {
        "name": found["name"],
        "arn": found["executionArn"],
        "status": result.status,
        "started_at": _moment(found.get("startDate")),
        "stopped_at": _moment(found.get("stopDate")),
        "duration_s": result.duration_s if found.get("stopDate") else None,
        "is_running": result.status == RUNNING,
    }


def _moment(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="milliseconds") if when else None


def _steps(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the way of the rows: after each stage those that are left, and what left there."""
    return [
        {
            "stage": record.get("stage"),
            "rows_in": record.get("rows_in"),
            "rows_out": record.get("rows_out"),
            "came": (record.get("counts") or {}).get("expanded", 0),
            "left": {name: (record.get("counts") or {}).get(name, 0) for name in LOSSES},
        }
        for record in records
    ]


def _rejects(reading: RunReading) -> dict[str, Any]:
    """Return the rules that rows have broken, each with some of the rows."""
    rejects = reading.summary.get("rejects") or {}
    by_rule = reading.samples.by_rule
    rules = [_rule(rule, by_rule) for rule in rejects.get("top_rules") or []]
    told = {(rule["stage"], rule["column"], rule["rule"]) for rule in rules}
    untold = [key for key in by_rule if key not in told]
    return {
        "status": reading.left.status if reading.left else None,
        "rules": rules
        + [
            _rule({"stage": stage, "column": column, "rule": rule, "rows": None}, by_rule)
            for stage, column, rule in untold
        ],
        "files": list(rejects.get("quarantine") or []),
        "looked_through": reading.samples.looked_through,
    }


def _rule(rule: Mapping[str, Any], by_rule: Mapping[Any, Any]) -> dict[str, Any]:
    stage, column, name = rule.get("stage"), rule.get("column"), rule.get("rule")
    return {
        "stage": stage,
        "column": column,
        "rule": name,
        "rows": rule.get("rows"),
        "samples": list(by_rule.get((stage, column, name), ())),
    }


def _columns(reading: RunReading) -> dict[str, Any]:
    """Return the columns before and after, and of how many rows that is told."""
    found = column_records(reading.profiles, reading.lineage)
    return {
        "notice": None if found else NO_PROFILES,
        "rows": {stage: profile.get("rows") for stage, profile in reading.profiles.items()},
        "sampled_rows": {
            stage: profile.get("sampled_rows") for stage, profile in reading.profiles.items()
        },
        "columns": found,
    }


def _repairs(repairs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "counts": [_picked(found, REPAIRED) for found in repairs.get("counts") or []],
        "files": list(repairs.get("files") or []),
        "sample": [_picked(found, REPAIR) for found in repairs.get("sample") or []],
    }


def _picked(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the named fields of a record; None for what it does not tell."""
    return {name: record.get(name) for name in names}


def _lookups(reading: RunReading) -> list[dict[str, Any]]:
    """Return the lookups' counts, with the keys that were in no row, where they are known."""
    profiled = {one["name"]: one for one in reading.profiles.get("enrich", {}).get("lookups") or []}
    sources = reading.report.get("lookup_sources") or reading.summary.get("lookup_sources") or {}
    return [
        {
            "name": name,
            **{kind: counts.get(kind, 0) for kind in ("matched", "unmatched", "missing_key")},
            **_picked(profiled.get(name, {}), MISSING_KEYS),
            "source": (sources.get(name) or {}).get("key"),
        }
        for name, counts in reading.result.lookups.items()
    ]


def _stage(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a stage took; `billed_seconds` are as Lambda rounds them."""
    seconds, init = record.get("seconds") or 0.0, record.get("init_seconds") or 0.0
    return {
        **_picked(record, STAGE),
        "seconds": seconds,
        "init_seconds": init,
        "billed_seconds": billed_seconds(seconds, init),
    }


def _failed_attempts(reading: RunReading) -> list[dict[str, Any]]:
    """Return the attempts that failed, whether or not a later one went well."""
    return [
        {"state": state.name, "error": attempt.error, "seconds": attempt.seconds}
        for state in reading.states
        for attempt in state.attempts
        if attempt.error
    ]


def _cost(cost: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the estimate, each line with what it is for."""
    if not cost:
        return None
    items = prices_for(str(cost.get("region"))).items
    lines = [
        {**line, "service": item.service, "what": item.what, "unit": item.unit}
        for line in cost.get("lines") or []
        if (item := items.get(line.get("item")))
    ]
    return {**cost, "lines": lines}


def _versions(reading: RunReading) -> dict[str, Any]:
    """Return what the run was made with, and what it has left."""
    summary, report, manifest = reading.summary, reading.report, reading.manifest
    committed, run_id = (manifest.get("run") or {}).get("run_id"), summary.get("run_id")
    mine = committed == run_id
    is_part = mine or run_id in [merge.get("run_id") for merge in manifest.get("merges") or []]
    outputs = manifest.get("outputs") or [] if mine else []
    return {
        "contract_version": report.get("contract_version"),
        "plan_hash": summary.get("plan_hash"),
        "code": {record.get("stage"): record.get("code") for record in _records(summary)},
        "report": summary.get("report"),
        "manifest": summary.get("manifest"),
        "committed_at": manifest.get("committed_at") if mine else None,
        "replaced_by": None if is_part else committed,
        "outputs": len(reading.result.outputs),
        "output_bytes": sum(output["bytes"] for output in outputs) if outputs else None,
        "output_files": [_picked(output, OUTPUT) for output in outputs[:SHOWN_OUTPUTS]]
        or [_picked({"key": key}, OUTPUT) for key in reading.result.outputs[:SHOWN_OUTPUTS]],
        "quarantine": list((summary.get("rejects") or {}).get("quarantine") or []),
        "lineage": summary.get("lineage"),
    }
