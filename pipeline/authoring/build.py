"""Write compiled datasets where the functions' assets take them from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.dataset import CompiledDataset, compiled_dataset, ipc_bytes
from pipeline.authoring.steps import PIPELINE_FILE
from pipeline.lookups import LOOKUPS_FOLDER
from pipeline.plan import PLAN_FILE
from pipeline.python_steps import STEPS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.authoring.yaml_source import Finding


class DatasetError(Exception):
    """Datasets that cannot be compiled; the message lists every error with its place."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        listed = "\n".join(str(finding) for finding in findings)
        super().__init__(f"{listed}\n`pipeline check` lists these at any time.")


def dataset_folders(datasets_dir: Path) -> list[Path]:
    """Return the folders that hold a dataset (one of its two files is enough), sorted by name."""
    files = (CONTRACT_FILE, PIPELINE_FILE)
    return sorted({path.parent for name in files for path in datasets_dir.glob(f"*/{name}")})


def compile_datasets(datasets_dir: Path, target_dir: Path) -> None:
    """Compile every dataset of a folder into `target_dir`; equal sources give equal bytes.

    Writes `<dataset>/plan.json`, `<dataset>/lookups/<name>.arrow` and `<dataset>/steps.py`.

    Raises
    ------
    DatasetError
        If any dataset has errors; nothing is written then.
    """
    compiled = [compiled_dataset(folder) for folder in dataset_folders(datasets_dir)]
    errors = tuple(
        finding
        for dataset in compiled
        for finding in dataset.findings
        if finding.severity == "error"
    )
    if errors:
        raise DatasetError(errors)
    for dataset in compiled:
        _write(dataset, target_dir / dataset.name)


def _write(dataset: CompiledDataset, folder: Path) -> None:
    lookups = folder / LOOKUPS_FOLDER
    lookups.mkdir(parents=True, exist_ok=True)
    if dataset.plan is not None:
        document = json.dumps(dataset.plan.to_json(), indent=1)
        (folder / PLAN_FILE).write_text(document, "utf-8")
    for name, table in dataset.tables.items():
        (lookups / f"{name}.arrow").write_bytes(ipc_bytes(table))
    if dataset.steps is not None:
        (folder / STEPS_FILE).write_text(dataset.steps, "utf-8")
