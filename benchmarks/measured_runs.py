"""Measure runs of the flights example on the local cloud, for the forecast of costs.

    .venv/bin/python -m benchmarks.measured_runs

Writes `cli/costs/measured_runs.json`: the summary of one run whose functions all start cold, and of
the fastest warm runs of two sizes. Have nothing else to do for the machine meanwhile. The stack is
this working copy's, the cloud one of its own that is stopped at the end.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

from cli.costs.profiles import STORED

ROWS: Final = 1_000
ROUNDS: Final = 9
PIPELINE: Final = [sys.executable, "-c", "from cli.main import main; main()"]


def main() -> None:
    """Measure, and write down."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["LAMBDA_PIPELINES_HOME"] = home
        try:
            runs = measured(Path(home))
        finally:
            subprocess.run([*PIPELINE, "down"], check=True)
    document = {"about": about(), "runs": runs}
    STORED.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def measured(home: Path) -> list[dict[str, Any]]:
    """Return the summaries: cold, then the fastest warm ones, the smaller file first."""
    answer("up")
    whole = home / "data" / "flights.csv"
    answer("samples")
    part = home / "data" / "flights-part.csv"
    with whole.open(encoding="utf-8") as lines:
        part.write_text("".join(islice(lines, 1 + ROWS)), "utf-8")
    cold = ran(part, 0)
    warm = [[ran(file, number) for number in range(1, ROUNDS)] for file in (part, whole)]
    return [cold, *(min(summaries, key=seconds) for summaries in warm)]


def ran(file: Path, number: int) -> dict[str, Any]:
    """Return the summary of a run of a file, which is another object each time."""
    named = file.with_name(f"{file.stem}-{number}.csv")
    named.unlink(missing_ok=True)
    named.hardlink_to(file)
    (result,) = json.loads(answer("run", str(named), "--dataset", "flights", "--json"))
    summary: dict[str, Any] = json.loads(answer("show", result["execution_arn"], "--json"))[
        "output"
    ]
    return summary


def seconds(summary: dict[str, Any]) -> float:
    """Seconds that all stages took."""
    return sum(float(record["seconds"]) for record in summary["stages"])


def about() -> str:
    """Say what the runs are of."""
    machine = f"{os.cpu_count()} processors, {platform.machine()}"
    return (
        f"runs of the flights example, its first {ROWS:,} rows and all of it, on the local cloud "
        f"({machine}, {date.today().isoformat()})"
    )


def answer(*arguments: str) -> str:
    """Return what a verb prints."""
    return subprocess.run(
        [*PIPELINE, *arguments], check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()
