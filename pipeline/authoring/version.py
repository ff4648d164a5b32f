"""One version of a dataset: what it compiles to, and where everything in it was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.steps import PIPELINE_FILE
from pipeline.authoring.yaml_source import yaml_source

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Location, YamlSource
    from pipeline.plan import Plan


class VersionError(Exception):
    """There is no such version of a dataset, or it has errors; the message says which."""


@dataclass(frozen=True)
class Spot:
    """Where something stands, or stood."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return it in the form that editors and terminals make a link of."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Version:
    """One version of a dataset: its plan and the files that it was compiled from.

    `called` says what a file is called whose own path would say nothing, by its name.
    """

    plan: Plan
    contract: YamlSource
    steps: YamlSource
    called: dict[str, str] = field(default_factory=dict)

    def spot(self, where: Location, *, steps: bool = False) -> Spot:
        """Return where a location of the contract, or of the steps, stands."""
        source = self.steps if steps else self.contract
        file = self.called.get(source.path.name, source.shown)
        return Spot(file, *source.mark(where))

    def column(self, name: str, *words: str) -> Location:
        """Return where a column's words stand in the contract."""
        names = [prop["name"] for prop in self.contract.data["schema"][0]["properties"]]
        where: Location = ("schema", 0, "properties")
        return (*where, names.index(name), *words) if name in names else where


def version_of(folder: Path, called: dict[str, str] | None = None) -> Version:
    """Return the version of a dataset that a folder holds.

    Raises
    ------
    VersionError
        If it has errors.
    """
    called = called or {}
    compiled = compiled_dataset(folder)
    if compiled.plan is None:
        error = next(found for found in compiled.findings if found.severity == "error")
        place = called.get(Path(error.file).name, error.file)
        raise VersionError(
            f"a dataset with errors is of no use here: {place}:{error.line}:{error.column}: "
            f"{error.message}"
        )
    return version_of_plan(compiled.plan, folder, called)


def version_of_plan(plan: Plan, folder: Path, called: dict[str, str] | None = None) -> Version:
    """Return the version whose plan was compiled from the files in a folder."""
    contract, steps = (yaml_source(folder / name) for name in (CONTRACT_FILE, PIPELINE_FILE))
    return Version(plan, contract, steps, called or {})
