"""The folder that a benchmark works in: files, stores, results; in memory where there is room."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.file_store import etag_of
from benchmarks.processes import spent_by
from benchmarks.systems import BUCKET, COMPILED, EVENT, PATH, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 8 * 1024**3
"""Bytes that the files of a whole run may take, with what the systems make of the largest."""
WARM_SHARE: Final = 10
"""The file that handlers are warmed with has a tenth of the rows."""


class Workplace:
    """Makes the cases, and takes them away.

    Parameters
    ----------
    folder
        For all that is made; whoever made it deletes it.
    data
        For the files to measure with. Those that are there already are used.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self._folder = folder
        self._data = data
        data.mkdir(parents=True, exist_ok=True)
        _python("benchmarks.store", folder)

    def case(self, dataset: str, rows: int, ending: str) -> Case:
        """Return a case: a file of so many rows, in a store with another one to warm up with."""
        file = self._file(dataset, rows, ending)
        store = self._folder / "stores" / file.name
        warm = self._file(dataset, max(1, rows // WARM_SHARE), ending)
        key, warm_key = (f"input/{dataset}/{name}{ending}" for name in ("measured", "warm"))
        self._arrive(store, key, file)
        self._arrive(store, warm_key, warm)
        compiled = self._folder / COMPILED
        return Case(file.name, dataset, file, rows, store, compiled, key, warm_key)

    def _file(self, dataset: str, rows: int, ending: str) -> Path:
        file = self._data / f"{dataset}-{rows}{ending}"
        if not file.exists():
            _python("benchmarks.files", dataset, rows, file, self._folder / "samples")
        return file

    def _arrive(self, store: Path, key: str, file: Path) -> None:
        """Make a file an object of a store, and write its event there."""
        placed = store / "objects" / BUCKET / key
        placed.parent.mkdir(parents=True, exist_ok=True)
        _link(file, placed)
        event = json.loads((self._folder / EVENT).read_text("utf-8"))
        etag = etag_of(placed).strip('"')
        event["detail"]["object"] |= {"key": key, "size": placed.stat().st_size, "etag": etag}
        told = store / "events" / f"{key.replace('/', '-')}.json"
        told.parent.mkdir(exist_ok=True)
        told.write_text(json.dumps(event), "utf-8")

    def empty_folder(self, name: str) -> Path:
        """Return a folder for the next run of a system."""
        folder = self._folder / "runs" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def forget(self, case: Case) -> None:
        """Delete what was made for a case, but not its file: the next one may have the same."""
        shutil.rmtree(case.store)


def _link(file: Path, placed: Path) -> None:
    """Another name of the file, or a copy where that would be on another disk."""
    try:
        os.link(file, placed)
    except OSError:
        shutil.copy(file, placed)


def _python(module: str, *arguments: object) -> None:
    """Run a module of this package in a process of its own."""
    spent_by([sys.executable, "-m", module, *map(str, arguments)], PATH)


@contextmanager
def workplace(data: Path | None) -> Iterator[Workplace]:
    """Make a workplace and delete it at the end, in memory if there is room.

    Parameters
    ----------
    data
        Folder of files to keep; without it, they are deleted with the rest.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=_roomy()) as name:
        folder = Path(name)
        yield Workplace(folder, data or folder / "data")


def _roomy() -> Path | None:
    """Memory where there is room, else nothing: the system's place for temporary files."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return None
