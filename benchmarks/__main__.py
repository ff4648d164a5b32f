"""Measure the product beside what it could be replaced with.

Writes docs/performance.md with its plots, and benchmarks/results.json, from which --render writes
them again. What is measured in part is only printed.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from benchmarks.about import about
from benchmarks.experiments import EXPERIMENTS, FULL, QUICK, QUICK_EXPERIMENTS, Bench
from benchmarks.processes import spent_by
from benchmarks.systems import EVERY_SYSTEM, PATH, ROOT
from benchmarks.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.experiments import Sizes

RESULTS: Final = ROOT / "benchmarks" / "results.json"
EXAMPLES: Final = """examples:
  python -m benchmarks                               all of it, half an hour
  python -m benchmarks --quick                       a smoke test, about a minute
  python -m benchmarks --experiment table --only cold warm seed --rounds 3
  python -m benchmarks --data /dev/shm/files --experiment scale
"""


def main() -> int:
    """Measure as asked; return the exit status: 1 if a system has no figure."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was made is deleted, too
    if options.render:
        print(_page(RESULTS.read_text("utf-8"), write=True))
        return 0
    results = _measured(options)
    text = json.dumps(results, indent=1)
    whole = not (options.quick or options.rows or options.only or options.experiment)
    if whole:
        RESULTS.write_text(f"{text}\n", "utf-8")
    page = _page(text, write=whole)
    print(text if options.json else page)
    errors = list(_errors(results))
    print("\n".join(errors), end="\n" if errors else "", file=sys.stderr)
    return int(bool(errors))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=(__doc__ or "").partition("\n")[0],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="small files, one round")
    parser.add_argument("--rows", type=int, help="rows of the compared systems' files")
    parser.add_argument("--rounds", type=int, help="turns of each system (5)")
    parser.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="SYSTEM",
        choices=EVERY_SYSTEM,
        help=f"systems that take part: {', '.join(EVERY_SYSTEM)}",
    )
    parser.add_argument("--experiment", nargs="+", choices=EXPERIMENTS, metavar="NAME", help=_NAMES)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="keep the files, and use them")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--render", action="store_true", help="write the page of the last results")
    return parser.parse_args()


_NAMES: Final = f"what is measured: {', '.join(EXPERIMENTS)}"


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    """Results of the experiments asked for, by name; progress goes to stderr."""
    console = Console(stderr=True)
    sizes = _sizes(options)
    with workplace(options.data) as work, console.status("") as status:
        tell = status.update if console.is_terminal or options.quick else console.log
        bench = Bench(work, sizes, options.only, tell)
        results: dict[str, Any] = {"about": about() | {"rounds": sizes.rounds}}
        every = QUICK_EXPERIMENTS if options.quick else EXPERIMENTS
        for name in options.experiment or every:
            results[name] = getattr(bench, name)()
    return results


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else FULL
    rounds = options.rounds or sizes.rounds
    return replace(sizes, rounds=rounds, table=options.rows or sizes.table)


def _page(results: str, *, write: bool) -> str:
    """Page about results, from a process of its own: what it imports is no small thing.

    Parameters
    ----------
    write
        Whether it is written to docs/, with its plots, or only returned.
    """
    arguments = ["--write"] if write else []
    return spent_by([sys.executable, "-m", "benchmarks.report", *arguments], PATH, results)[1]


def _errors(found: Any) -> Iterator[str]:
    """Everything below results that says why there is no figure."""
    if isinstance(found, list):
        for each in found:
            yield from _errors(each)
    elif isinstance(found, dict):
        if "error" in found:
            yield str(found["error"])
        for each in found.values():
            yield from _errors(each)


if __name__ == "__main__":
    sys.exit(main())
