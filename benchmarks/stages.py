"""The five stages on a file, through their handlers, with files in place of S3.

`python -m benchmarks.stages FOLDER KEY [STAGE...]` runs the stages named (all, if none is) on an
object of the store that `benchmarks.store` has laid out in FOLDER, and leaves the run's summary
there for the next process. `--warm KEY` takes another object through the same handlers before,
which is not counted. `--absent MODULE` hides a module, as one that the function's layers do not
have is hidden in AWS. Prints what importing, each stage and all of them took, as JSON.

Imports nothing that a function would not: its time is part of what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.ending import end_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
    Moment = tuple[float, float]

STAGES: Final = ("validate", "clean", "transform", "enrich", "write")
ENV_OUTPUT_BUCKET: Final = "OUTPUT_BUCKET"
WARMED_BUCKET: Final = "warmed"
EXECUTION: Final = {
    "arn": "arn:aws:states:eu-west-1:123456789012:execution:benchmark:1",
    "started_at": "2026-01-31T12:00:00Z",
}


class Absent:
    """Finder that finds nothing of the modules that a function's layers do not have."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse a module that is not there, and leave the others to the next finder.

        Raises
        ------
        ModuleNotFoundError
            If it, or the package that it is of, is to be absent.
        """
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main() -> None:
    """Run the stages, and print what they took."""
    options = _options()
    began = _now()
    sys.meta_path.insert(0, Absent(options.absent))
    handlers = _handlers(options.stages, options.folder / "objects")
    imported = _now()
    for key in options.warm:
        _warm_up(handlers, options.folder, key)
    warmed = _now()
    stages = _run(handlers, options.folder, options.key)
    spent = {"import": _between(began, imported), "work": _between(warmed, _now())}
    from pipeline.process import peak_memory_mb  # noqa: PLC0415 - every handler has imported it

    print(json.dumps({**spent, "stages": stages, "peak_mb": peak_memory_mb()}))
    end_process()


def _handlers(stages: Iterable[str], objects: Path) -> dict[str, Handler]:
    """Import the handlers of stages, whose client is answered from files."""
    handlers = {
        stage: import_module(f"functions.{stage}.handler").lambda_handler for stage in stages
    }
    from benchmarks.file_store import FileStore  # noqa: PLC0415 - botocore, as a handler does it
    from pipeline.storage import s3_client  # noqa: PLC0415

    FileStore(objects).answer(s3_client())
    return handlers


def _warm_up(handlers: Mapping[str, Handler], folder: Path, key: str) -> None:
    """Take an object through stages; its output is not among what is compared."""
    bucket = os.environ[ENV_OUTPUT_BUCKET]
    os.environ[ENV_OUTPUT_BUCKET] = WARMED_BUCKET
    _run(handlers, folder, key)
    os.environ[ENV_OUTPUT_BUCKET] = bucket


def _run(handlers: Mapping[str, Handler], folder: Path, key: str) -> dict[str, dict[str, float]]:
    """Take an object through stages; what each took."""
    name = f"{key.replace('/', '-')}.json"
    event = json.loads((folder / "events" / name).read_text("utf-8"))
    summary = folder / "runs" / name
    run = json.loads(summary.read_text("utf-8")) if summary.exists() else None
    spent = {}
    for stage, handler in handlers.items():
        began = _now()
        run = handler({"event": event, "execution": EXECUTION, "run": run, "attempt": 0}, None)
        spent[stage] = _between(began, _now())
    summary.parent.mkdir(exist_ok=True)
    summary.write_text(json.dumps(run), "utf-8")
    return spent


def _now() -> Moment:
    return time.perf_counter(), time.process_time()


def _between(began: Moment, ended: Moment) -> dict[str, float]:
    return {"wall": ended[0] - began[0], "cpu": ended[1] - began[1]}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("key")
    parser.add_argument("stages", nargs="*", default=STAGES, metavar="stage")
    parser.add_argument("--warm", action="append", default=[], metavar="KEY")
    parser.add_argument("--absent", action="append", default=[], metavar="MODULE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
