from __future__ import annotations

import json

import pytest

from cli.costs.reports import Report, reports

# Lines as Lambda writes them: of a cold start, of a warm one, and as JSON (Telemetry API's schema).
COLD = (
    "REPORT RequestId: 7b9c\tDuration: 812.34 ms\tBilled Duration: 1335 ms\t"
    "Memory Size: 1769 MB\tMax Memory Used: 213 MB\tInit Duration: 522.11 ms\t\n"
    "XRAY TraceId: 1-5e\tSegmentId: 0a\tSampled: true\n"
)
WARM = (
    "REPORT RequestId: 8c1d Duration: 12.00 ms Billed Duration: 12 ms "
    "Memory Size: 512 MB Max Memory Used: 0 MB"
)
PLATFORM = json.dumps(
    {
        "time": "2026-11-23T10:00:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": "9d2e",
            "metrics": {
                "durationMs": 12.5,
                "billedDurationMs": 187,
                "memorySizeMB": 1769,
                "maxMemoryUsedMB": 198,
                "initDurationMs": 174.055,
            },
            "status": "success",
        },
    }
)


def test_text_of_a_cold_start() -> None:
    assert reports([COLD]) == [Report("7b9c", 1.335, 1769, 213, pytest.approx(0.52211))]


def test_text_of_a_warm_start() -> None:
    assert reports([WARM]) == [Report("8c1d", 0.012, 512, 0, 0.0)]


def test_json() -> None:
    assert reports([PLATFORM]) == [Report("9d2e", 0.187, 1769, 198, pytest.approx(0.174055))]


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 7b9c Version: $LATEST",
        '{"level": "INFO", "message": "REPORT RequestId: 7b9c"}',
        "REPORT RequestId: 7b9c",
        'platform.report {"type": ',
        '{"type": "platform.runtimeDone", "note": "platform.report"}',
        '{"type": "platform.report", "record": {"metrics": {}}}',
        '["platform.report"]',
        "",
    ],
)
def test_other_lines_are_no_reports(line: str) -> None:
    assert reports([line]) == []
