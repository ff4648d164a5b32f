"""Figures of the stages' work that a machine's other work does not move.

`python -m benchmarks.stable_figures --record FILE` writes down those of today, by file and stage:

- `requests`: how many requests it sent to S3;
- `bytes_out`: bytes that it wrote there, but for the quarantine;
- `allocations` and `allocated`: buffers that Arrow allocated, and their bytes;
- `calls`: Python functions that it called, in the main thread.

The first file of the process is not counted: what is done once in a process is not the work.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.flights_store import handlers, prepare, said_by, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    OfStages = dict[str, dict[str, int]]
    Figures = dict[str, OfStages]

WARM_ROWS: Final = 2_000
ROWS: Final = (1_000, 100_000)
"""Files that are counted: of one batch, and of several."""


def figures(folder: Path) -> Figures:
    """Return the figures of this code, by rows of the file and stage; `folder` is for the data."""
    keys = prepare(folder, (WARM_ROWS, *ROWS))
    counted = said_by("benchmarks.stable_figures", folder, keys)[1:]
    return dict(zip(map(str, ROWS), counted, strict=True))


def record(file: Path) -> None:
    """Write the figures of today; of calls, those of other versions of Python are kept."""
    with tempfile.TemporaryDirectory() as folder:
        found = figures(Path(folder))
    calls = json.loads(file.read_text("utf-8"))["calls"] if file.exists() else {}
    calls[python_version()] = {
        rows: {stage: each.pop("calls") for stage, each in stages.items()}
        for rows, stages in found.items()
    }
    document = {"figures": found, "calls": calls}
    file.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


def python_version() -> str:
    """Return the version of Python that calls are counted under: others call otherwise."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _of_object(stages: Mapping[str, Any], state: dict[str, Any]) -> OfStages:
    found = {}
    for stage, handler in stages.items():
        state["run"], found[stage] = _counted(handler, state)
    return found


def _counted(handler: Any, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """What a handler returns, and the figures of its work."""
    import pyarrow as pa  # noqa: PLC0415 - every handler has it

    pool = pa.default_memory_pool()
    allocations, allocated, calls = pool.num_allocations(), pool.total_bytes_allocated(), 0

    def count(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    sys.setprofile(count)
    try:
        run = handler(state, None)
    finally:
        sys.setprofile(None)
    of_stage = run["stages"][-1]
    return run, {
        "requests": sum(of_stage["requests"].values()),
        "bytes_out": of_stage["bytes_out"],
        "allocations": pool.num_allocations() - allocations,
        "allocated": pool.total_bytes_allocated() - allocated,
        "calls": calls,
    }


def main() -> None:
    """Record the figures, or print those of a store's objects."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--record", type=Path, metavar="FILE")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("keys", nargs="*", metavar="key")
    options = parser.parse_args()
    if options.record:
        record(options.record)
        return
    stages = handlers(options.folder)
    found = [_of_object(stages, state_of(options.folder, key)) for key in options.keys]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
