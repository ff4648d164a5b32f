"""From the `enrich` section of `pipeline.yaml` to the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.authoring.lookups import lookup_of
from pipeline.context_columns import CONTEXT_TYPES, constant_type
from pipeline.plan_steps import Enrich, Lookup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource


def enrich_of(
    source: YamlSource, columns: Types, folder: Path
) -> tuple[Enrich, dict[str, pa.Table], Types]:
    """Return what enrich does, the compiled lookups by name, and the columns after it.

    Lookups come first, then constants, then facts about the run, whatever their order in the file;
    errors go to the source.
    """
    lookups, tables, columns = _lookups(source, columns, folder)
    constants: dict[str, Any] = {}
    context: dict[str, str] = {}
    for where, name, value in _single_values(source, "constants"):
        if _is_new(name, columns, where, source):
            try:
                columns = columns | {name: constant_type(value)}
            except OverflowError:
                source.error(where, f"{value} is beyond 64 bits: write it as text")
            constants[name] = value
    for where, name, fact in _single_values(source, "context"):
        if _is_new(name, columns, where, source):
            columns = columns | {name: CONTEXT_TYPES[fact]}
            context[name] = fact
    return Enrich(lookups, constants, context), tables, columns


def _lookups(
    source: YamlSource, columns: Types, folder: Path
) -> tuple[tuple[Lookup, ...], dict[str, pa.Table], Types]:
    lookups: dict[str, Lookup] = {}
    tables: dict[str, pa.Table] = {}
    for at, declared in enumerate(source.data.get("enrich", [])):
        if "lookup" not in declared:
            continue
        where: Location = ("enrich", at)
        name = declared["lookup"]
        if name in lookups:
            source.error((*where, "lookup"), f"there are two lookups called {name}")
            continue
        compiled = lookup_of(declared, columns, folder, where, source)
        if compiled is not None:
            lookups[name], table, columns = compiled
            tables |= {} if table is None else {name: table}
    return tuple(lookups.values()), tables, columns


def _single_values(source: YamlSource, word: str) -> Iterator[tuple[Location, str, Any]]:
    """Place, name and value of each column that an entry of this word adds."""
    for at, declared in enumerate(source.data.get("enrich", [])):
        for name, value in declared.get(word, {}).items():
            yield ("enrich", at, word, name), name, value


def _is_new(name: str, columns: Types, where: Location, source: YamlSource) -> bool:
    if name in columns:
        source.error(where, f"there is a column {name!r} already; take another name")
    return name not in columns
