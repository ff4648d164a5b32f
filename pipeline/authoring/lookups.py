"""Compile a dataset's lookups: needed columns only, keys unique and of the frame's types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import LOGICAL
from pipeline.authoring.steps import known_columns
from pipeline.lookup_files import (
    UnusableTableError,
    logical_type,
    lookup_table,
    one_row_each,
    repeated_keys,
    typed,
)
from pipeline.plan_steps import Duplicates, Lookup

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource

MISSING_WORDS: Final = ("", "NA")


def lookup_of(
    declared: dict[str, Any], columns: Types, folder: Path, where: Location, source: YamlSource
) -> tuple[Lookup, pa.Table | None, Types] | None:
    """Return a lookup, its compiled table and the columns after the join.

    A lookup in the bucket has no table yet, only the types that it is declared to have. Errors go
    to the source (None is returned then): missing files and columns, keys of another type than
    the frame's, keys that stand in several rows without a word on which one counts, columns that
    are there already.
    """
    if not _words_fit(declared, where, source):
        return None
    if not known_columns(declared["on"], columns, (*where, "on"), source):
        return None
    in_bucket = "prefix" in declared
    table = None if in_bucket else _table(declared, columns, folder, where, source)
    if table is None and not in_bucket:
        return None
    kinds = _declared_types(declared) if table is None else _types(table)
    lookup = _lookup(declared, kinds)
    if not (
        known_columns(_needed(lookup), kinds, (*where, _at_fault(lookup, kinds)), source)
        and _conflicts_settled(lookup, kinds, columns, where, source)
        and _keys_comparable(lookup, kinds, columns, where, source)
    ):
        return None
    if table is not None:
        table = _compiled(table, lookup, columns, where, source)
        if table is None:
            return None
        kinds = _types(table)
    else:
        kinds |= _filled_types(lookup, columns)
        kinds |= {right: columns[left] for left, right in lookup.on.items()}
        lookup = _with_columns(lookup, kinds)
    return lookup, table, columns | _added(lookup, kinds, columns)


def _words_fit(declared: dict[str, Any], where: Location, source: YamlSource) -> bool:
    """Whether no word of the lookup contradicts another one."""
    before = len(source.findings)
    if "prefix" in declared and "file" in declared:
        source.error(
            (*where, "file"), "a lookup has a file in this folder or a prefix in the bucket"
        )
    if "prefix" in declared and "columns" not in declared:
        source.error(
            (*where, "prefix"),
            "a table in the bucket is not here to be looked at: say the types of its columns, "
            "columns: {name: string}",
        )
    if "prefix_names" in declared and isinstance(declared["add"], dict):
        source.error(
            (*where, "prefix_names"),
            "prefix_names is for columns that keep their names; with `add: {new: old}` say the "
            "whole names there",
        )
    return len(source.findings) == before


def _declared_types(declared: dict[str, Any]) -> Types:
    return {name: LOGICAL[kind] for name, kind in declared["columns"].items()}


def _types(table: pa.Table) -> Types:
    return dict(zip(table.schema.names, table.schema.types, strict=True))


def _lookup(declared: dict[str, Any], kinds: Types) -> Lookup:
    return Lookup(
        name=declared["lookup"],
        on=declared["on"],
        add=_add(declared, kinds),
        when_missing=declared.get("when_missing", "keep"),
        conflict=declared.get("conflict", "error"),
        prefix=declared.get("prefix"),
        duplicates=_duplicates(declared.get("duplicate_keys")),
        missing_values=tuple(declared.get("missing_values", MISSING_WORDS)),
    )


def _add(declared: dict[str, Any], kinds: Iterable[str]) -> dict[str, str]:
    """Output names and the lookup's columns, however they are said."""
    add, prefix = declared["add"], declared.get("prefix_names", "")
    if isinstance(add, dict):
        return dict(add)
    keys = set(declared["on"].values())
    names = [name for name in kinds if name not in keys] if add == "all" else add
    return {f"{prefix}{name}": name for name in names}


def _duplicates(said: Any) -> Duplicates | None:
    if said is None:
        return None
    if isinstance(said, str):
        return Duplicates(keep=said)
    return Duplicates(keep=said.get("keep", "first"), order_by=said["order_by"])


def _order_column(lookup: Lookup) -> list[str]:
    order = lookup.duplicates.order_by if lookup.duplicates else None
    return [order.removeprefix("-")] if order else []


def _needed(lookup: Lookup) -> list[str]:
    """The lookup's columns that the join takes, each once."""
    return list(dict.fromkeys([*lookup.on.values(), *lookup.add.values(), *_order_column(lookup)]))


def _at_fault(lookup: Lookup, kinds: Types) -> str:
    """Word of the lookup that names a column which there is not; any word if there is none."""
    if any(name not in kinds for name in lookup.on.values()):
        return "on"
    return "add" if any(name not in kinds for name in lookup.add.values()) else "duplicate_keys"


def _conflicts_settled(
    lookup: Lookup, kinds: Types, columns: Types, where: Location, source: YamlSource
) -> bool:
    """Whether it is said what becomes of columns that are there already."""
    before = len(source.findings)
    for name, column in lookup.add.items():
        if name not in columns or lookup.conflict == "replace":
            continue
        at = (*where, "add", name)
        if lookup.conflict == "error":
            source.error(
                at,
                f"there is a column {name!r} already: say conflict: replace, or fill, or give "
                "the lookup's column another name",
            )
        elif logical_type(kinds[column]) != logical_type(columns[name]):
            source.error(
                at, f"{column} of the lookup is {kinds[column]} and cannot fill {columns[name]}"
            )
    if not lookup.add:
        source.error((*where, "add"), "the lookup has no column but its key, so adds nothing")
    return len(source.findings) == before


def _keys_comparable(
    lookup: Lookup, kinds: Types, columns: Types, where: Location, source: YamlSource
) -> bool:
    """Whether declared keys are of the frame's kind; the values of a file are tried one by one."""
    if lookup.prefix is None:
        return True
    wrong = [
        (left, right)
        for left, right in lookup.on.items()
        if logical_type(kinds[right]) != logical_type(columns[left])
    ]
    for left, right in wrong:
        source.error(
            (*where, "on", left),
            f"{right} of the lookup is declared as {logical_type(kinds[right])}, {left} is "
            f"{columns[left]}: declare it as {logical_type(columns[left]) or 'string'}",
        )
    return not wrong


def _with_columns(lookup: Lookup, kinds: Types) -> Lookup:
    needed = {name: str(kinds[name]) for name in _needed(lookup)}
    return Lookup(**{**vars(lookup), "columns": needed})


def _filled_types(lookup: Lookup, columns: Types) -> Types:
    """Types that the lookup's columns must have to fill columns of the frame."""
    if lookup.conflict != "fill":
        return {}
    return {column: columns[name] for name, column in lookup.add.items() if name in columns}


def _added(lookup: Lookup, kinds: Types, columns: Types) -> Types:
    """Types of the columns that come in; one that is filled keeps its own."""
    return {
        name: columns[name] if lookup.conflict == "fill" and name in columns else kinds[column]
        for name, column in lookup.add.items()
    }


def _table(
    declared: dict[str, Any], columns: Types, folder: Path, where: Location, source: YamlSource
) -> pa.Table | None:
    """The file's table with all its columns, those of text keys as they are written."""
    file = declared.get("file", f"lookups/{declared['lookup']}.csv")
    path = folder / file
    if not path.is_file():
        source.error((*where, "lookup"), f"there is no file {file}")
        return None
    text = [right for left, right in declared["on"].items() if pa.types.is_string(columns[left])]
    try:
        return _read(path, declared, text)
    except UnusableTableError as fault:
        source.error((*where, "lookup"), f"{path.name}: {fault}")
        return None


def _read(path: Path, declared: dict[str, Any], text: list[str]) -> pa.Table:
    """Table of a file; columns whose types are declared have those."""
    types = _declared_types(declared) if "columns" in declared else {}
    added = [] if declared["add"] == "all" else _add(declared, ()).values()
    table = lookup_table(
        path.read_bytes(),
        expected=[*declared["on"].values(), *added],
        missing=declared.get("missing_values", MISSING_WORDS),
        text=[*text, *types],
    )
    for name, values in zip(types, typed(table, types).columns, strict=True):
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def _compiled(
    table: pa.Table, lookup: Lookup, columns: Types, where: Location, source: YamlSource
) -> pa.Table | None:
    """The needed columns, the key's of the types that they are compared with, each key once."""
    table = table.select(_needed(lookup))
    for left, right in lookup.on.items():
        try:
            key = typed(table, {right: columns[left]}).column(right)
        except UnusableTableError:
            source.error(
                (*where, "on", left),
                f"{right} of the lookup is {table.schema.field(right).type}, {left} is "
                f"{columns[left]}: their values cannot be compared",
            )
            return None
        table = table.set_column(table.column_names.index(right), right, key)
    keys = list(dict.fromkeys(lookup.on.values()))
    if lookup.duplicates is None and (repeated := repeated_keys(table, keys)):
        source.error(
            (*where, "on"),
            f"{repeated.count} keys stand in several rows of {lookup.name}, {repeated.example} "
            "for one; say duplicate_keys: first or last, or take more columns into the key",
        )
        return None
    kept = one_row_each(table, keys, lookup.duplicates)
    wanted = dict.fromkeys([*lookup.on.values(), *lookup.add.values()])
    return _filling(kept.select(list(wanted)), lookup, columns, where, source)


def _filling(
    table: pa.Table, lookup: Lookup, columns: Types, where: Location, source: YamlSource
) -> pa.Table | None:
    """The table, if the values that fill columns of the frame are of these columns' types."""
    try:
        typed(table, _filled_types(lookup, columns))
    except UnusableTableError as fault:
        source.error((*where, "add"), f"{lookup.name} cannot fill: {fault}")
        return None
    return table
