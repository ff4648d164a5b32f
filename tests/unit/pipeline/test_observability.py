from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.accounting import RowCounts
from pipeline.constants import METRICS_NAMESPACE
from pipeline.observability import emit_stage_metrics, peak_memory_mb, stage_logger
from pipeline.run import StageRecord

COUNTS = RowCounts(rejected=1, duplicates=2, filtered=3, dropped_by_lookup=4)
RECORD = StageRecord(
    stage="clean",
    rows_in=10,
    rows_out=7,
    counts=COUNTS.to_json(),
    seconds=1.25,
    bytes_in=100,
    bytes_out=80,
    peak_memory_mb=90,
    cold_start=True,
)


def emitted(capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    emit_stage_metrics(RECORD, COUNTS, **{"dataset": "things", "outcome": None, **more})
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_a_stage_emits_its_figures_by_dataset_and_stage(capsys: pytest.CaptureFixture[str]) -> None:
    line = emitted(capsys)

    (described,) = line["_aws"]["CloudWatchMetrics"]
    values = {metric["Name"]: line[metric["Name"]] for metric in described["Metrics"]}
    assert values == {
        "RowsIn": [10],
        "RowsOut": [7],
        "RowsExpanded": [0],
        "RowsRejected": [1],
        "RowsDuplicate": [2],
        "RowsFiltered": [3],
        "RowsDroppedByLookup": [4],
        "CellsRepaired": [0],
        "ColdStarts": [1],
        "StageSeconds": [1.25],
        "BytesIn": [100],
        "BytesOut": [80],
        "PeakMemory": [90],
    }
    assert described["Namespace"] == METRICS_NAMESPACE
    assert [set(names) for names in described["Dimensions"]] == [{"dataset", "service"}]
    assert (line["dataset"], line["service"]) == ("things", "clean")


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("RowsIn", "Count"),
        ("StageSeconds", "Seconds"),
        ("BytesIn", "Bytes"),
        ("PeakMemory", "Megabytes"),
    ],
)
def test_metrics_have_units(capsys: pytest.CaptureFixture[str], metric: str, unit: str) -> None:
    (described,) = emitted(capsys)["_aws"]["CloudWatchMetrics"]

    assert {"Name": metric, "Unit": unit} in described["Metrics"]


def test_only_the_last_stage_emits_an_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert emitted(capsys, outcome="SUCCEEDED")["Outcome_SUCCEEDED"] == [1]
    assert not [name for name in emitted(capsys) if name.startswith("Outcome")]


def test_lines_do_not_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    emitted(capsys, dataset="things")

    line = emitted(capsys, dataset="others")

    assert line["dataset"] == "others"
    assert line["RowsIn"] == [10]


def test_a_stage_has_one_logger() -> None:
    assert stage_logger("clean") is stage_logger("clean")
    assert stage_logger("clean").service == "clean"


def test_peak_memory_is_the_process_s_own_in_mebibytes() -> None:
    # GIVEN a process that has held 200 MiB, and has started another one that holds 100
    inner = (
        "from pipeline.observability import peak_memory_mb; held = bytearray(100 << 20); "
        "del held; print(peak_memory_mb())"
    )
    code = (
        "import subprocess, sys; held = bytearray(200 << 20); "
        f"subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    )
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    # THEN the second one tells of its own
    assert 100 <= int(answer.stdout) < 200


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1024 * 1024)])
def test_peak_memory_where_there_is_no_proc(
    platform: str, unit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", _refused)
    monkeypatch.setattr(sys, "platform", platform)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak_memory_mb() == peak // unit


def _refused(path: Path) -> bytes:
    raise FileNotFoundError(path)
