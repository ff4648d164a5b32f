"""The definitions in the datasets' folder, compiled once for each state of their files."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from cli.fingerprint import files_below

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.authoring.version import Version
    from pipeline.authoring.yaml_source import Finding
    from pipeline.plan import Plan

Stamp = tuple[tuple[str, int, int], ...]
"""Path, bytes and time of change of each file of a folder: another one means another content."""


@dataclass(frozen=True, eq=False)
class Definition:
    """What a folder says of its dataset.

    `version` is None where `findings` hold an error. `declared` is the contract's document as far
    as it could be read, `steps` the text of `steps.py`, `table_rows` the number of rows of each
    lookup that lies in the folder.
    """

    name: str
    findings: tuple[Finding, ...]
    version: Version | None = None
    declared: Mapping[str, Any] = field(default_factory=dict)
    steps: str | None = None
    table_rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def plan(self) -> Plan | None:
        """The compiled dataset, if it has no errors."""
        return self.version.plan if self.version else None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps it from being deployed."""
        return tuple(found for found in self.findings if found.severity == "error")

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """What is worth knowing, and keeps it from nothing."""
        return tuple(found for found in self.findings if found.severity != "error")

    @cached_property
    def description(self) -> str:
        """What the contract says the data are, in one text; empty if it says nothing."""
        said = self.declared.get("description")
        if isinstance(said, dict):
            said = said.get("purpose")
        return str(said or self.table.get("description") or "")

    @cached_property
    def table(self) -> Mapping[str, Any]:
        """The one table of the contract, as it is declared; empty if there is none."""
        tables = self.declared.get("schema")
        first = tables[0] if isinstance(tables, list) and tables else {}
        return first if isinstance(first, dict) else {}


class Definitions:
    """Reads a folder of datasets, and reads each again only when one of its files has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[Stamp, Definition | None]] = {}
        # Compiling imports a dataset's steps.py under the dataset's name: one at a time.
        self._lock = Lock()

    def names(self) -> list[str]:
        """Names of the datasets that the folder has, sorted."""
        return sorted(self._folders())

    def get(self, name: str) -> Definition | None:
        """Return a dataset's definition; None if the folder has none of this name."""
        folder = self._folders().get(name)
        return None if folder is None else self._current(folder)

    def all(self, seconds: float) -> dict[str, Definition | None]:
        """Return every dataset's definition, by name.

        Those that were not read after so many seconds are None: the next call goes on with them.
        """
        found = {name: self._known(folder) for name, folder in sorted(self._folders().items())}
        until = time.monotonic() + seconds
        for name, known in found.items():
            if known is None and time.monotonic() < until:
                found[name] = self.get(name)
        return found

    def _known(self, folder: Path) -> Definition | None:
        """A definition that has been read, and whose files are still what they were."""
        stamp, definition = self._read.get(folder.name, ((), None))
        return definition if stamp == _stamp(folder) else None

    def _current(self, folder: Path) -> Definition:
        with self._lock:
            known = self._known(folder)
            if known is None:
                stamp = _stamp(folder)
                known = _definition(folder)
                self._read[folder.name] = (stamp, known)
            return known

    def _folders(self) -> dict[str, Path]:
        # Only names that were listed lead to a folder: that of an address may be anything.
        from pipeline.authoring.build import dataset_folders  # noqa: PLC0415 - takes a second

        return {folder.name: folder for folder in dataset_folders(self._folder)}


@cache
def definitions_in(folder: Path) -> Definitions:
    """Return the process's one reader of a folder."""
    return Definitions(folder)


def _stamp(folder: Path) -> Stamp:
    found = []
    for path in files_below(folder):
        status = path.stat()
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(sorted(found))


def _definition(folder: Path) -> Definition:
    from pipeline.authoring.dataset import compiled_dataset  # noqa: PLC0415 - as above
    from pipeline.authoring.version import version_of_plan  # noqa: PLC0415
    from pipeline.authoring.yaml_source import Finding  # noqa: PLC0415

    try:
        compiled = compiled_dataset(folder)
        version = version_of_plan(compiled.plan, folder) if compiled.plan else None
    except (OSError, UnicodeDecodeError) as unreadable:
        return Definition(
            folder.name, (Finding(str(folder), 1, 1, "error", f"cannot be read: {unreadable}"),)
        )
    return Definition(
        name=folder.name,
        findings=compiled.findings,
        version=version,
        declared=version.contract.data if version else _declared(folder),
        steps=compiled.steps,
        table_rows={name: table.num_rows for name, table in compiled.tables.items()},
    )


def _declared(folder: Path) -> Mapping[str, Any]:
    """The document of a contract that has errors, as far as it is one."""
    from pipeline.authoring.contract import CONTRACT_FILE  # noqa: PLC0415
    from pipeline.authoring.yaml_source import yaml_source  # noqa: PLC0415

    document = yaml_source(folder / CONTRACT_FILE).data
    return document if isinstance(document, dict) else {}
