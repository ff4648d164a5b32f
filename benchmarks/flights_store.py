"""A store of small files of real flights, on which the five handlers work in one process.

Some rows are bad, so that what becomes of them is part of the work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.stages import EXECUTION, STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parents[1]
DATASET: Final = "flights"
BAD_ROW: Final = 50
"""Each so-manieth row breaks the contract."""


def prepare(folder: Path, sizes: Sequence[int]) -> list[str]:
    """Make a store of files of so many rows, and return their keys."""
    from cli.samples import write_samples  # noqa: PLC0415 - the stages' process needs none of it
    from pipeline.authoring.build import compile_datasets  # noqa: PLC0415

    compile_datasets(ROOT / "datasets", folder / "compiled")
    write_samples(folder)
    return [_stored(folder, f"{name}-{rows}", rows) for name, rows in enumerate(sizes)]


def _stored(folder: Path, name: str, rows: int) -> str:
    """Put the first flights into the store, with the event of it; their key."""
    from tests.handlers.cloud import object_created  # noqa: PLC0415

    key = f"input/{DATASET}/{name}.csv"
    file = folder / "objects/input" / key
    file.parent.mkdir(parents=True, exist_ok=True)
    with (folder / f"{DATASET}.csv").open() as published, file.open("w") as out:
        out.writelines(
            f"?{line}" if row and row % BAD_ROW == 0 else line
            for row, line in enumerate(islice(published, rows + 1))
        )
    event = object_created(key, size=0, etag="", version_id=None, sequencer="01")
    event["detail"]["bucket"]["name"] = "input"
    _event_file(folder, key).write_text(json.dumps(event), "utf-8")
    return key


def said_by(module: str, folder: Path, keys: Sequence[str]) -> Any:
    """Run a module on objects of the store, in a process of its own; the JSON of its last line.

    Raises
    ------
    subprocess.CalledProcessError
        If a stage fails.
    """
    from benchmarks.systems import function_variables  # noqa: PLC0415 - as above

    command = [sys.executable, "-m", module, str(folder), *keys]
    told = function_variables(folder / "compiled") | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | told)
    return json.loads(done.stdout.splitlines()[-1])


def handlers(folder: Path, watch: Callable[[Any], None] | None = None) -> dict[str, Any]:
    """Import the handlers, and have their client answered from the store.

    `watch` is given the client before.
    """
    found = {stage: import_module(f"functions.{stage}.handler").lambda_handler for stage in STAGES}
    from benchmarks.file_store import FileStore  # noqa: PLC0415 - after what a handler imports
    from pipeline.storage import s3_client  # noqa: PLC0415

    if watch is not None:
        watch(s3_client())
    FileStore(folder / "objects").answer(s3_client())
    return found


def state_of(folder: Path, key: str) -> dict[str, Any]:
    """Return what the first stage is called with; the others also get a run's summary."""
    event = json.loads(_event_file(folder, key).read_text("utf-8"))
    return {"event": event, "execution": EXECUTION, "run": None, "attempt": 0}


def _event_file(folder: Path, key: str) -> Path:
    return folder / f"{key.replace('/', '-')}.json"
