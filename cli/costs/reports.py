"""Lambda's own report of an invocation, off the function's log.

It is a line of text (`REPORT RequestId: ...`) or, where a function logs in JSON, an object of the
type `platform.report` ("Lambda Telemetry API Event schema reference", AWS Lambda Developer Guide).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TEXT: Final = re.compile(r"REPORT RequestId: (?P<request_id>\S+)")
NUMBERS: Final = re.compile(
    r"(?P<name>Billed Duration|Memory Size|Max Memory Used|Init Duration): (?P<number>[\d.]+)"
)
PLATFORM_REPORT: Final = "platform.report"


@dataclass(frozen=True)
class Report:
    """What Lambda says of one invocation: seconds and MB; a peak of 0 is not known."""

    request_id: str
    billed_s: float
    memory_mb: int
    peak_mb: int
    init_s: float


def reports(messages: Iterable[str]) -> list[Report]:
    """Return the reports among a log's messages."""
    found = (_report(message) for message in messages)
    return [report for report in found if report is not None]


def _report(message: str) -> Report | None:
    if matched := TEXT.match(message):
        return _of_text(matched["request_id"], message)
    if PLATFORM_REPORT not in message:
        return None
    try:
        document = json.loads(message)
    except ValueError:
        return None
    is_report = isinstance(document, dict) and document.get("type") == PLATFORM_REPORT
    return _of_record(document.get("record") or {}) if is_report else None


def _of_text(request_id: str, message: str) -> Report | None:
    told = {found["name"]: float(found["number"]) for found in NUMBERS.finditer(message)}
    if "Billed Duration" not in told:
        return None
    return Report(
        request_id,
        billed_s=told["Billed Duration"] / 1000,
        memory_mb=int(told.get("Memory Size", 0)),
        peak_mb=int(told.get("Max Memory Used", 0)),
        init_s=told.get("Init Duration", 0.0) / 1000,
    )


def _of_record(record: dict[str, Any]) -> Report | None:
    told = record.get("metrics") or {}
    if "billedDurationMs" not in told:
        return None
    return Report(
        str(record.get("requestId", "")),
        billed_s=told["billedDurationMs"] / 1000,
        memory_mb=int(told.get("memorySizeMB", 0)),
        peak_mb=int(told.get("maxMemoryUsedMB", 0)),
        init_s=told.get("initDurationMs", 0.0) / 1000,
    )
