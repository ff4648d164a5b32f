"""What is wrong, or worth knowing, about datasets: the body of `pipeline check`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pipeline.authoring.build import dataset_folders
from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.yaml_source import Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.plan import Plan

__all__ = ["Finding", "check_datasets"]


def check_datasets(
    datasets_dir: Path,
    names: list[str],
    more: Callable[[Plan, Path], list[Finding]] = lambda _plan, _folder: [],
) -> list[Finding]:
    """Return the findings about the named datasets (all, if none is named), file by file.

    A name that is no dataset is a finding too. `more` has something to say of a sound dataset,
    given its plan and folder.
    """
    folders = {folder.name: folder for folder in dataset_folders(datasets_dir)}
    findings: list[Finding] = []
    for name in names or folders:
        if name in folders:
            compiled = compiled_dataset(folders[name])
            findings += compiled.findings
            findings += more(compiled.plan, folders[name]) if compiled.plan else []
        else:
            findings.append(_unknown(name, list(folders), datasets_dir))
    return findings


def _unknown(name: str, known: list[str], datasets_dir: Path) -> Finding:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known) or 'none'}"
    return Finding(str(datasets_dir), 1, 1, "error", f"there is no dataset {name!r}; {hint}")
