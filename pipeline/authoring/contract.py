"""From an Open Data Contract Standard document to the columns and rules that validate checks."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.contract_columns import column_of
from pipeline.authoring.contract_keys import primary_key
from pipeline.authoring.contract_quality import quality_of
from pipeline.authoring.contract_source import file_limits, file_source
from pipeline.authoring.schemas import (
    ODCS_VERSIONS,
    SchemaMissingError,
    check_schema,
    newer_words,
    odcs_schema,
)
from pipeline.authoring.yaml_source import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.authoring.yaml_source import Location, YamlSource
    from pipeline.plan_contract import Check, Column, Limits, Source

CONTRACT_FILE: Final = "contract.odcs.yaml"
TABLE: Final[Location] = ("schema", 0)
"""Where the one table of a contract stands."""


@dataclass(frozen=True)
class Contract:
    """What the stages need of a contract."""

    version: str
    source: Source
    limits: Limits
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    checks: tuple[Check, ...]


def contract_of(source: YamlSource) -> Contract | None:
    """Return the contract of a document; None, with findings in the source, if it has errors."""
    if source.usable:
        _check_standard(source)
    if not source.usable:
        return None
    tables = source.data.get("schema") or []
    if len(tables) != 1 or not tables[0].get("properties"):
        source.error(("schema",), "the contract must describe one table with its properties")
        return None
    if "slaProperties" in source.data:
        source.note(("slaProperties",), "service levels are not enforced by the pipeline")
    contract = _contract(tables[0], source)
    return contract if source.usable else None


def _contract(table: dict[str, Any], source: YamlSource) -> Contract:
    properties = table["properties"]
    place = Place(source, (*TABLE, "properties"))
    described = [
        column_of(prop, replace(place.at(at), about=f"{prop['name']}: "))
        for at, prop in enumerate(properties)
    ]
    columns = tuple(found.column for found in described)
    _check_names(columns, source)
    names = tuple(column.name for column in columns)
    quality = quality_of(
        table.get("quality") or [], None, Place(source, (*TABLE, "quality")), names
    )
    unique = [(found.column.name,) for found in described if found.unique]
    return Contract(
        version=str(source.data["version"]),
        source=file_source(source),
        limits=file_limits(source),
        columns=columns,
        key=primary_key(properties, place),
        unique=tuple(dict.fromkeys([*unique, *quality.keys])),
        checks=(*(check for found in described for check in found.checks), *quality.checks),
    )


def _check_standard(source: YamlSource) -> None:
    """Check the document against the standard's own JSON Schema, that of its version."""
    version = source.data.get("apiVersion", ODCS_VERSIONS[-1])
    if version not in ODCS_VERSIONS:
        known = ", ".join(ODCS_VERSIONS)
        source.error(
            ("apiVersion",), f"apiVersion {version!r} is not supported; say one of {known}"
        )
        return
    try:
        check_schema(
            source,
            odcs_schema(version),
            _completed(source.data, version),
            newer=newer_words(version),
        )
    except SchemaMissingError as error:
        source.error(("apiVersion",), str(error))


def _completed(document: dict[str, Any], version: str) -> dict[str, Any]:
    """Document as the JSON Schemas expect it, where the standard's text asks for less.

    A property's logical type is `string` by default: the schemas take one without a type for each
    type in turn, and ask for the words of all of them. `rule` is the old name of `metric`; since
    v3.1 the schemas know it beside `metric` only.
    """
    completed = copy.deepcopy(document)
    for table in _mappings(completed.get("schema")):
        properties = list(_mappings(table.get("properties")))
        for prop in properties:
            prop.setdefault("logicalType", "string")
        for item in (
            item for part in (table, *properties) for item in _mappings(part.get("quality"))
        ):
            if "rule" in item and not version.startswith("v3.0"):
                item.setdefault("metric", item["rule"])
    return completed


def _mappings(items: Any) -> Iterator[dict[str, Any]]:
    """The mappings of a list, of a document that may have any shape."""
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def _check_names(columns: tuple[Column, ...], source: YamlSource) -> None:
    """No two columns may have one name, nor one in the file."""
    names: dict[str, str] = {}
    files: set[str] = set()
    for at, column in enumerate(columns):
        where: Location = (*TABLE, "properties", at)
        other = names.setdefault(column.name.lower(), column.name) if column.name else ""
        if column.name in (found.name for found in columns[:at]):
            source.error((*where, "name"), f"there are two columns {column.name!r}")
        elif other != column.name:
            source.warning(
                (*where, "name"),
                f"{column.name!r} and {other!r} differ in case alone, which SQL and the output's "
                "table do not see",
            )
        elif column.source_name in files:
            source.error(
                (*where, "physicalName"),
                f"two columns are called {column.source_name!r} in the file",
            )
        files.add(column.source_name)


def contract_path(folder: Path) -> Path:
    """Return where a dataset keeps its contract."""
    return folder / CONTRACT_FILE
