"""From an Open Data Contract Standard document to the columns and rules that validate checks."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.contract_columns import column_of
from pipeline.authoring.contract_source import file_limits, file_source
from pipeline.authoring.schemas import check_schema, odcs_schema

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.authoring.yaml_source import Location, YamlSource
    from pipeline.plan import Column, Limits, Source

CONTRACT_FILE: Final = "contract.odcs.yaml"
_NOT_ENFORCED: Final = {
    "slaProperties": "service levels",
    "relationships": "relationships",
}


@dataclass
class Contract:
    """What the stages need of a contract."""

    version: str
    source: Source
    limits: Limits
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]


def contract_of(source: YamlSource) -> Contract | None:
    """Return the contract of a document; None, with findings in the source, if it has errors."""
    if source.usable:
        check_schema(source, odcs_schema(), _with_types(source.data))
    if not source.usable:
        return None
    tables = source.data.get("schema") or []
    if len(tables) != 1 or not tables[0].get("properties"):
        source.error(("schema",), "the contract must describe one table with its properties")
        return None
    where: Location = ("schema", 0)
    table = tables[0]
    for word, spoken in _NOT_ENFORCED.items():
        if word in source.data:
            source.note((word,), f"{spoken} are documented here and not enforced by the pipeline")
    properties = table["properties"]
    columns = tuple(
        column_of(prop, (*where, "properties", at), source) for at, prop in enumerate(properties)
    )
    names = [column.name for column in columns]
    for at, name in enumerate(names):
        if name in names[:at]:
            source.error((*where, "properties", at, "name"), f"there are two columns {name!r}")
    contract = Contract(
        version=str(source.data["version"]),
        source=file_source(source),
        limits=file_limits(source),
        columns=columns,
        key=_primary_key(properties),
        unique=_unique(table, properties, where, source),
    )
    return contract if source.usable else None


def _with_types(document: dict[str, Any]) -> dict[str, Any]:
    """Document in which every property has its logical type, `string` by default.

    The standard's JSON Schema takes a property without one for each type in turn, and asks for
    the words of all of them.
    """
    typed = copy.deepcopy(document)
    for table in typed.get("schema") or []:
        for prop in table.get("properties") or [] if isinstance(table, dict) else []:
            if isinstance(prop, dict):
                prop.setdefault("logicalType", "string")
    return typed


def _primary_key(properties: list[dict[str, Any]]) -> tuple[str, ...]:
    parts = [prop for prop in properties if prop.get("primaryKey")]
    parts.sort(key=lambda prop: prop.get("primaryKeyPosition", -1))
    return tuple(prop["name"] for prop in parts)


def _unique(
    table: dict[str, Any],
    properties: list[dict[str, Any]],
    where: Location,
    source: YamlSource,
) -> tuple[tuple[str, ...], ...]:
    """Single unique columns, and composite ones by the metric duplicateValues."""
    names = {prop["name"] for prop in properties}
    keys = [(prop["name"],) for prop in properties if prop.get("unique")]
    for at, quality in enumerate(table.get("quality", [])):
        here = (*where, "quality", at)
        composite = tuple(quality.get("arguments", {}).get("properties", ()))
        if quality.get("metric") != "duplicateValues" or quality.get("mustBe") != 0:
            source.note(here, f"{quality.get('metric', 'this rule')} is not enforced")
        elif unknown := set(composite) - names:
            source.error(here, f"there is no column {', '.join(sorted(unknown))}")
        elif composite:
            keys.append(composite)
    return tuple(keys)


def contract_path(folder: Path) -> Path:
    """Return where a dataset keeps its contract."""
    return folder / CONTRACT_FILE
