"""A measured process ends at once: what it said is out, what it holds is not taken apart."""

from __future__ import annotations

import sys

from benchmarks.processes import spent_by
from benchmarks.systems import ROOT

PROGRAM = """
import atexit
from benchmarks.ending import end_process
atexit.register(print, "taken apart")
print("done")
end_process()
"""


def test_what_was_printed_is_out_and_nothing_comes_after() -> None:
    _, printed = spent_by([sys.executable, "-c", PROGRAM], {"PYTHONPATH": str(ROOT)})

    assert printed == "done\n"
