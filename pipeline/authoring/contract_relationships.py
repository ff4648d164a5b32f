"""The contract's relationships: foreign keys to lookups, and the key tables that they need."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipeline.authoring.contract import TABLE
from pipeline.authoring.lookups import MISSING_WORDS
from pipeline.lookup_files import UnusableTableError, lookup_table, typed
from pipeline.plan_contract import Relationship

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource

_ENDINGS: Final = (".csv", ".parquet")
_NAME_AND_COLUMN: Final = 2


@dataclass(frozen=True)
class _Declared:
    """A relationship as it is written, and where."""

    columns: tuple[str, ...]
    to: tuple[str, ...]
    where: Location


@dataclass(frozen=True)
class _File:
    """A lookup's file, and the words of it that mean no value."""

    path: Path
    missing: tuple[str, ...]


def relationships_of(
    source: YamlSource, steps: YamlSource, columns: Types, folder: Path
) -> tuple[tuple[Relationship, ...], dict[str, pa.Table]]:
    """Return the foreign keys to lookups, and a table of the keys of each lookup.

    A target that is no lookup of the dataset is noted as not enforced; columns that are not there,
    and keys of another type than the frame's, are errors.
    """
    found: list[Relationship] = []
    tables: dict[str, dict[str, pa.Array]] = {}
    for declared in _declared(source, columns):
        if not _is_one_key(declared, source):
            continue
        lookup, to = _lookup(declared.to[0]), tuple(_column(name) for name in declared.to)
        file = _file(lookup, steps, folder)
        if not lookup or file is None:
            _note(declared, lookup, steps, folder, source)
            continue
        table = _keys(declared, to, file, columns, source)
        if table is not None and _joined(lookup, table, tables, declared, source):
            found.append(Relationship(declared.columns, lookup, to))
    return tuple(found), {name: pa.table(keys) for name, keys in tables.items()}


def _declared(source: YamlSource, columns: Types) -> Iterator[_Declared]:
    """Every relationship of the table and of its columns that names columns which there are."""
    table = source.data["schema"][0]
    for at, prop in enumerate(table["properties"]):
        for which, item in enumerate(prop.get("relationships") or []):
            where = (*TABLE, "properties", at, "relationships", which)
            yield _Declared((prop["name"],), _names(item["to"]), where)
    for which, item in enumerate(table.get("relationships") or []):
        where = (*TABLE, "relationships", which)
        names = tuple(_column(name) for name in _names(item["from"]))
        unknown = [name for name in names if name not in columns]
        if unknown:
            source.error((*where, "from"), f"there is no column {', '.join(map(repr, unknown))}")
            continue
        yield _Declared(names, _names(item["to"]), where)


def _names(written: str | list[str]) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else tuple(written)


def _column(reference: str) -> str:
    """Column of `table.column`, or of `schema/table/properties/column`."""
    return reference.replace("/", ".").rsplit(".", 1)[-1]


def _lookup(reference: str) -> str:
    """Table of a reference; empty for one in another contract."""
    if "#" in reference:
        return ""
    parts = [part for part in reference.split("/") if part not in ("schema", "properties")]
    names = parts if "/" in reference else reference.split(".")
    return names[-_NAME_AND_COLUMN] if len(names) >= _NAME_AND_COLUMN else ""


def _is_one_key(declared: _Declared, source: YamlSource) -> bool:
    """Whether the columns referred to are as many, and of one table."""
    lookups = {_lookup(name) for name in declared.to}
    if len(declared.to) != len(declared.columns):
        source.error(
            (*declared.where, "to"),
            f"{len(declared.columns)} columns cannot stand for {len(declared.to)}; "
            "a key of several columns is a relationship of the table, with from and to",
        )
    elif len(lookups) > 1:
        source.error(
            (*declared.where, "to"), f"a key is in one table, not in {' and '.join(lookups)}"
        )
    else:
        return True
    return False


def _file(lookup: str, steps: YamlSource, folder: Path) -> _File | None:
    """File of a lookup: that of pipeline.yaml, else one of its name in the dataset's folder."""
    for item in steps.data.get("enrich") or []:
        if item.get("lookup") == lookup and "prefix" not in item:
            path = folder / item.get("file", f"lookups/{lookup}.csv")
            missing = tuple(item.get("missing_values", MISSING_WORDS))
            return _File(path, missing) if path.is_file() else None
    paths = [folder / "lookups" / f"{lookup}{ending}" for ending in _ENDINGS]
    return next((_File(path, MISSING_WORDS) for path in paths if path.is_file()), None)


def _note(
    declared: _Declared, lookup: str, steps: YamlSource, folder: Path, source: YamlSource
) -> None:
    """Say why a relationship is not enforced; a slip of the pen is likelier than another system."""
    place = (*declared.where, "to")
    target = " and ".join(declared.to)
    items = steps.data.get("enrich") or []
    in_bucket = any(item.get("lookup") == lookup for item in items if "prefix" in item)
    known = {item["lookup"] for item in items if "lookup" in item}
    known |= {path.stem for path in (folder / "lookups").glob("*") if path.suffix in _ENDINGS}
    close = difflib.get_close_matches(lookup, sorted(known), n=1)
    if in_bucket:
        why = f"{lookup} is in the bucket; enrich with when_missing: reject says it"
    elif close:
        source.error(place, f"there is no lookup {lookup!r}; did you mean {close[0]!r}?")
        return
    else:
        why = f"it is no lookup of this dataset (lookups/{lookup or 'name'}.csv)"
    source.note(place, f"the relationship to {target} is not enforced by the pipeline: {why}")


def _keys(
    declared: _Declared, to: tuple[str, ...], file: _File, columns: Types, source: YamlSource
) -> pa.Table | None:
    """The lookup's key columns in the types of the frame's."""
    kinds = {right: columns[left] for left, right in zip(declared.columns, to, strict=False)}
    text = [name for name, kind in kinds.items() if pa.types.is_string(kind)]
    try:
        table = lookup_table(
            file.path.read_bytes(), expected=list(kinds), missing=file.missing, text=text
        )
        return typed(table, kinds)
    except UnusableTableError as error:
        source.error((*declared.where, "to"), f"{file.path.name}: {error}")
        return None


def _joined(
    lookup: str,
    table: pa.Table,
    tables: dict[str, dict[str, pa.Array]],
    declared: _Declared,
    source: YamlSource,
) -> bool:
    """Enter columns into the lookup's table of keys; two types of one column don't go together."""
    known = tables.setdefault(lookup, {})
    for name in table.column_names:
        column = table.column(name)
        if name in known and known[name].type != column.type:
            source.error(
                (*declared.where, "to"),
                f"{lookup}.{name} is compared with a column of type {known[name].type} and with "
                f"one of type {column.type}; give both columns one logicalType",
            )
            return False
        known[name] = column
    return True
