"""What the start of each function takes: importing its handler, and making its S3 client.

`python -m benchmarks.start` prints a table. Each start is a new process; its seconds are those of
the whole process, with Python's own. Bytecode lies ready, as it does in a function's layers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import Spent, spent_by
from benchmarks.stages import STAGES
from benchmarks.systems import AWS, PATH
from infra.packaging.layers import absent_modules

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS: Final = 20
PANDAS: Final = "transform, with pandas"
"""Start of a function whose dataset has a step in Python."""

_START: Final = """
import sys
from benchmarks.stages import Absent
stage, *absent = sys.argv[1:]
sys.meta_path.insert(0, Absent(absent))
from importlib import import_module
import_module(f"functions.{stage}.handler")
from pipeline.storage import s3_client
s3_client()
modules = len(sys.modules)
"""
_WITH_PANDAS: Final = f"{_START}import pandas\n"
_TOLD: Final = "print(modules)\nfrom benchmarks.ending import end_process\nend_process()\n"


def starts(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return a line for each function: its `name`, `modules`, and `wall` and `cpu` seconds.

    Of seconds there are the median and the least. The functions take turns.
    """
    with tempfile.TemporaryDirectory() as bytecode:
        variables = {**PATH, **AWS, "PYTHONPYCACHEPREFIX": bytecode}
        modules = {name: _started(name, variables)[1] for name in (*STAGES, PANDAS)}
        found = [{name: _started(name, variables)[0] for name in modules} for _ in range(rounds)]
    return [
        {
            "name": name,
            "modules": modules[name],
            **_seconds("wall", [each[name].wall for each in found]),
            **_seconds("cpu", [each[name].cpu for each in found]),
        }
        for name in modules
    ]


def _started(name: str, variables: Mapping[str, str]) -> tuple[Spent, int]:
    """What a start took, and how many modules it imported."""
    stage = name.partition(",")[0]
    program = (_WITH_PANDAS if name == PANDAS else _START) + _TOLD
    command = [sys.executable, "-c", program, stage, *absent_modules(stage)]
    spent, printed = spent_by(command, variables)
    return spent, int(printed)


def _seconds(what: str, seconds: list[float]) -> dict[str, float]:
    return {what: statistics.median(seconds), f"least_{what}": min(seconds)}


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    lines = starts(parser.parse_args().rounds)
    print("| function | wall s | CPU s | least CPU s | modules |")
    print("| --- | --- | --- | --- | --- |")
    for line in lines:
        seconds = " | ".join(f"{line[name]:.2f}" for name in ("wall", "cpu", "least_cpu"))
        print(f"| {line['name']} | {seconds} | {line['modules']} |")


if __name__ == "__main__":
    main()
