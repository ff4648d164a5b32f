"""Folders of datasets that tests make: small, hostile, broken, wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

DRAWN = "<script>alert('gotcha')</script>"
"""What must never reach a page as it stands."""


def column(name: str, **words: Any) -> dict[str, Any]:
    """A property of a contract; a whole number if nothing else is said."""
    return {"name": name, "logicalType": "integer"} | words


def write_dataset(
    folder: Path,
    name: str,
    columns: list[dict[str, Any]],
    steps: dict[str, Any] | None = None,
    files: dict[str, str] | None = None,
    **declared: Any,
) -> Path:
    """Write a dataset's two files, and those beside them; `declared` are words of the contract."""
    table = {"name": name, "properties": columns} | declared.pop("table", {})
    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "version": "1.0.0",
        "status": "active",
        "servers": [
            {"server": "landing", "type": "s3", "location": "s3://landing/input/*", "format": "csv"}
        ],
        "schema": [table],
    }
    made = folder / name
    made.mkdir(parents=True, exist_ok=True)
    for file, document in (("contract.odcs.yaml", contract | declared), ("pipeline.yaml", steps)):
        text = yaml.safe_dump(document or {}, sort_keys=False, allow_unicode=True)
        (made / file).write_text(text, "utf-8")
    for file, content in (files or {}).items():
        (made / file).parent.mkdir(parents=True, exist_ok=True)
        (made / file).write_text(content, "utf-8")
    return made
