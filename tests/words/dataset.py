"""The dataset of a case: its two YAML files, and the files beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from pipeline.authoring.contract import CONTRACT_FILE
from pipeline.authoring.steps import PIPELINE_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.words.cases import Case

DATASET: Final = "things"
_FORMATS: Final = {"json": "json", "jsonl": "jsonl", "ndjson": "jsonl"}


def write_dataset(case: Case, folder: Path) -> None:
    """Write the files of a case's dataset into a folder."""
    folder.mkdir(parents=True)
    said = case.said
    (folder / CONTRACT_FILE).write_text(_text(_contract(case)), "utf-8")
    steps = said.get("pipeline", {})
    if isinstance(steps, dict):
        steps = {"rejects": {"max_share": 1}, **steps}
    (folder / PIPELINE_FILE).write_text(_text(steps), "utf-8")
    for name, content in said.get("files", {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")


def _text(document: Any) -> str:
    """YAML of a document; a text stands as it is, so that a case can speak of its lines."""
    if isinstance(document, str):
        return document
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _contract(case: Case) -> Any:
    said = case.said
    given = said.get("contract", {})
    if isinstance(given, str):
        return given
    ending = case.name.split(".")[1] if "." in case.name else "csv"
    properties = [{"name": name, **(words or {})} for name, words in said["columns"].items()]
    usual = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": DATASET,
        "version": "1.0.0",
        "status": "active",
        "servers": [
            {
                "server": "landing",
                "type": "s3",
                "location": f"s3://landing/input/{DATASET}/*",
                "format": _FORMATS.get(ending, "csv"),
            }
        ],
        "schema": [{"name": DATASET, "properties": properties, **said.get("table", {})}],
    }
    return usual | given
