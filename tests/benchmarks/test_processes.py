"""What a process takes is told of that process alone, and a failed one is no figure."""

from __future__ import annotations

import sys

import pytest

from benchmarks.processes import ProcessError, Spent, spent_by

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
LARGE = "print(len(bytearray(200 * 1024 * 1024)))"


def test_cpu_seconds_are_those_of_the_process() -> None:
    spent, _ = spent_by([sys.executable, "-c", BUSY], {})

    assert 0.3 <= spent.cpu < 3
    assert spent.wall >= 0.3


MEASURES = f"""
import sys
from benchmarks.processes import spent_by
for program in ("print()", "{LARGE}"):
    print(spent_by([sys.executable, "-c", program], {{}})[0].peak_mb)
"""


def test_the_peak_has_what_the_process_held() -> None:
    # From a small process: a child's peak begins at what its parent holds.
    _, printed = spent_by([sys.executable, "-c", MEASURES], {})
    small, large = map(float, printed.split())

    assert 200 <= large < 300
    assert small < 100


def test_variables_and_input_reach_the_process() -> None:
    program = "import os, sys; print(os.environ['WORD'], sys.stdin.read())"

    _, printed = spent_by([sys.executable, "-c", program], {"WORD": "one"}, "two")

    assert printed == "one two\n"


def test_a_failed_process_says_why() -> None:
    with pytest.raises(ProcessError, match="KeyError: 'row'"):
        spent_by([sys.executable, "-c", "{}['row']"], {})


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ProcessError, match="cannot start /nowhere/python"):
        spent_by(["/nowhere/python"], {})


def test_processes_in_turn_add_up_but_for_memory() -> None:
    parts = [Spent(wall=1, cpu=2, peak_mb=30), Spent(wall=4, cpu=5, peak_mb=20)]

    assert Spent.in_turn(parts) == Spent(wall=5, cpu=7, peak_mb=30)
