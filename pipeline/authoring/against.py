"""Compare a dataset with an earlier version of it: the body of `pipeline check --against`."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.changes import Change, Comparison, suggested_version
from pipeline.authoring.changes_contract import compare_contracts
from pipeline.authoring.changes_output import compare_outputs, compare_tolerance
from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.steps import PIPELINE_FILE
from pipeline.authoring.version import VersionError, version_of
from pipeline.authoring.yaml_source import yaml_source

if TYPE_CHECKING:
    from collections.abc import Iterator

GIT: Final = "git:"


@dataclass(frozen=True)
class Differences:
    """Changes from one version to the next; `suggested` is the version that they ask for."""

    changes: list[Change]
    old_version: str
    new_version: str
    suggested: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it by field name."""
        version = {"old": self.old_version, "new": self.new_version, "suggested": self.suggested}
        return {"version": version, "changes": [change.to_json() for change in self.changes]}


def differences(folder: Path, against: str) -> Differences:
    """Return what changed in a dataset's folder since an earlier version.

    Parameters
    ----------
    against
        A contract file (the steps are then taken as they are), a dataset's folder, or
        `git:REVISION`.

    Raises
    ------
    VersionError
        If there is no such version, or either one has errors.
    """
    with _earlier(folder, against) as (earlier, called):
        found = Comparison(version_of(earlier, called), version_of(folder))
        compare_contracts(found)
        compare_tolerance(found)
        compare_outputs(found)
    old, new = (side.plan.contract_version for side in (found.old, found.new))
    breaking_first = sorted(found.changes, key=lambda change: change.breaks is None)
    return Differences(breaking_first, old, new, suggested_version(old, new, breaking_first))


@contextmanager
def _earlier(folder: Path, against: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """Folder of the earlier version, for a while, and what its files are called."""
    path = Path(against)
    with tempfile.TemporaryDirectory() as temporary:
        if against.startswith(GIT):
            called = {name: f"{against}:{name}" for name in (CONTRACT_FILE, PIPELINE_FILE)}
            yield _from_git(folder, against.removeprefix(GIT), Path(temporary)), called
        elif path.is_dir():
            yield path, {}
        elif path.is_file():
            copied = Path(temporary) / folder.name
            shutil.copytree(folder, copied)
            shutil.copyfile(path, copied / CONTRACT_FILE)
            steps = yaml_source(folder / PIPELINE_FILE).shown
            yield copied, {CONTRACT_FILE: against, PIPELINE_FILE: steps}
        else:
            raise VersionError(
                f"there is no {against}; name a contract, a dataset's folder, or git:REVISION"
            )


def _from_git(folder: Path, revision: str, temporary: Path) -> Path:
    """A dataset's folder as it was in a revision."""
    if revision.startswith("-") or not revision:
        raise VersionError(f"{revision!r} is no revision; say git:main, for example")
    command = ["git", "-C", str(folder), "archive", "--format=tar", revision, "--", "."]
    try:
        archived = subprocess.run(command, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise VersionError("git is not installed, so revisions cannot be read") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise VersionError(
            f"{folder.name} cannot be read from {revision!r}: {said[-1] if said else 'git failed'}"
        ) from error
    target = temporary / folder.name
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(target, filter="data")
    if not (target / CONTRACT_FILE).is_file():
        raise VersionError(f"{revision!r} has no dataset {folder.name}")
    return target
