"""Write compiled datasets where the functions' assets take them from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.dataset import CompiledDataset, compiled_dataset, ipc_bytes
from pipeline.authoring.lineage import lineage_of
from pipeline.authoring.steps import PIPELINE_FILE
from pipeline.authoring.version import version_of_plan
from pipeline.lineage_template import LINEAGE_FILE
from pipeline.lookups import LOOKUPS_FOLDER
from pipeline.plan import PLAN_FILE, REFERENCES_FOLDER
from pipeline.python_steps import STEPS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

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

    Writes `<dataset>/plan.json`, `lineage.json`, `lookups/<name>.arrow`, `references/<name>.arrow`
    and `steps.py`.

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
        _write_lineage(dataset, datasets_dir / dataset.name, target_dir / dataset.name)


def _write(dataset: CompiledDataset, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if dataset.plan is not None:
        document = json.dumps(dataset.plan.to_json(), indent=1)
        (folder / PLAN_FILE).write_text(document, "utf-8")
    _write_tables(dataset.tables, folder / LOOKUPS_FOLDER)
    _write_tables(dataset.references, folder / REFERENCES_FOLDER)
    if dataset.steps is not None:
        (folder / STEPS_FILE).write_text(dataset.steps, "utf-8")


def _write_lineage(dataset: CompiledDataset, source: Path, folder: Path) -> None:
    """Write what is known of the dataset's lineage before any run."""
    if dataset.plan is None:
        return
    version = version_of_plan(dataset.plan, source)
    document = lineage_of(version, {**dataset.references, **dataset.tables})
    (folder / LINEAGE_FILE).write_text(json.dumps(document, indent=1), "utf-8")


def _write_tables(tables: dict[str, pa.Table], folder: Path) -> None:
    for name, table in tables.items():
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.arrow").write_bytes(ipc_bytes(table))
