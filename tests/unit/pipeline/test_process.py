from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.process import peak_memory_mb, seconds_since_start


def told_by(code: str) -> float:
    """Number that a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return float(done.stdout)


def test_peak_memory_is_the_process_s_own_in_mebibytes() -> None:
    # GIVEN a process that has held 200 MiB, and has started another one that holds 100
    inner = (
        "from pipeline.process import peak_memory_mb; held = bytearray(100 << 20); "
        "del held; print(peak_memory_mb())"
    )
    outer = (
        "import subprocess, sys; held = bytearray(200 << 20); "
        f"subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    )
    # THEN the second one tells of its own
    assert 100 <= told_by(outer) < 200


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1024 * 1024)])
def test_peak_memory_where_there_is_no_proc(
    platform: str, unit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", _refused)
    monkeypatch.setattr(sys, "platform", platform)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak_memory_mb() == peak // unit


def test_age_of_a_process_begins_with_it() -> None:
    # GIVEN a process that sleeps before it looks
    begun = time.monotonic()
    age = told_by(
        "import time; time.sleep(0.3); "
        "from pipeline.process import seconds_since_start; print(seconds_since_start())"
    )

    # THEN its age is between the sleep and all that was waited for it; the kernel counts in 10 ms
    assert 0.3 <= age <= time.monotonic() - begun + 0.02


def test_age_of_a_process_whose_name_holds_what_separates_the_fields(tmp_path: Path) -> None:
    (named := tmp_path / "a) S 1 (b").symlink_to(sys.executable)
    code = f"import sys; sys.path[:] = {sys.path!r}; from pipeline.process import *; print("
    done = subprocess.run(
        [named, "-c", f"{code}seconds_since_start())"], check=True, capture_output=True
    )

    assert 0 < float(done.stdout) < 60


def test_age_is_zero_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", _refused)

    assert seconds_since_start() == 0


def _refused(path: Path) -> bytes:
    raise FileNotFoundError(path)
