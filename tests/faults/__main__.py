"""Run all scenarios and write docs/reliability.md: `python -m tests.faults [SCENARIO...]`.

With names, only those are run and the page stays as it is.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.faults.catalogue import SCENARIOS
from tests.faults.lab import running_lab
from tests.faults.suite import results
from tests.faults.table import PAGE, page


def main(names: list[str]) -> int:
    """Return the exit status: 1 if anything differs from what must happen."""
    chosen = [item for item in SCENARIOS if not names or item.name in names]
    with tempfile.TemporaryDirectory() as folder, running_lab(Path(folder)) as lab:
        found = results(lab, chosen)
    for result in found:
        print(f"{'FAILED' if result.problems else 'passed'}  {result.scenario.name}")
        print("".join(f"{problem}\n" for problem in result.problems), end="")
    if not names:
        PAGE.write_text(page(found), "utf-8")
    return int(any(result.problems for result in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
