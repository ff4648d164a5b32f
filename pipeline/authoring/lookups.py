"""Compile a dataset's lookups: needed columns only, keys unique and of the frame's types."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipeline.authoring.steps import known_columns
from pipeline.plan import Lookup

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource

_MISSING_WORDS: Final = ("", "NA")


def lookups_of(
    source: YamlSource, columns: Types, folder: Path
) -> tuple[tuple[Lookup, ...], dict[str, pa.Table], Types]:
    """Return the lookups, their compiled tables by name, and the columns after the joins.

    Errors go to the source: missing files and columns, keys of another type than the frame's,
    keys that stand in several rows without a word on which one counts.
    """
    lookups, tables = [], {}
    for at, declared in enumerate(source.data.get("enrich", [])):
        where: Location = ("enrich", at)
        if declared["lookup"] in tables:
            source.error((*where, "lookup"), f"there are two lookups called {declared['lookup']}")
        if not known_columns(declared["on"], columns, (*where, "on"), source):
            continue
        table = _table(declared, columns, folder, where, source)
        if table is None:
            continue
        lookup = Lookup(
            name=declared["lookup"],
            on=declared["on"],
            add=declared["add"],
            when_missing=declared.get("when_missing", "keep"),
        )
        lookups.append(lookup)
        tables[lookup.name] = table
        columns = columns | {
            name: table.schema.field(column).type for name, column in lookup.add.items()
        }
    return tuple(lookups), tables, columns


def _table(
    declared: dict[str, Any], columns: Types, folder: Path, where: Location, source: YamlSource
) -> pa.Table | None:
    file = declared.get("file", f"lookups/{declared['lookup']}.csv")
    path = folder / file
    if not path.is_file():
        source.error((*where, "lookup"), f"there is no file {file}")
        return None
    text = [right for left, right in declared["on"].items() if pa.types.is_string(columns[left])]
    try:
        table = _read(path, declared.get("missing_values", _MISSING_WORDS), text)
    except pa.ArrowInvalid as error:
        source.error((*where, "lookup"), f"{path.name} cannot be read: {error}")
        return None
    present = dict.fromkeys(table.column_names, pa.null())
    keys, values = list(declared["on"].values()), list(declared["add"].values())
    if not (
        known_columns(keys, present, (*where, "on"), source)
        and known_columns(values, present, (*where, "add"), source)
    ):
        return None
    table = table.select(list(dict.fromkeys([*keys, *values])))
    typed = _with_key_types(table, declared["on"], columns, where, source)
    return _with_unique_keys(typed, keys, declared, where, source) if typed is not None else None


def _read(path: Path, missing: Any, text: list[str]) -> pa.Table:
    """Table of a file; the columns `text` are read as they are written (`007` stays that)."""
    if path.suffix == ".parquet":
        return pq.read_table(path)
    return pacsv.read_csv(
        path,
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(text, pa.string()),
            null_values=list(missing),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _with_key_types(
    table: pa.Table, on: dict[str, str], columns: Types, where: Location, source: YamlSource
) -> pa.Table | None:
    """Keys cast to the types of the frame's columns that they are compared with."""
    for left, right in on.items():
        at = table.column_names.index(right)
        try:
            key = table.column(right).cast(columns[left])
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            source.error(
                (*where, "on", left),
                f"{right} of the lookup is {table.schema.field(right).type}, {left} is "
                f"{columns[left]}: {error}",
            )
            return None
        table = table.set_column(at, right, key)
    return _plain_types(table)


def _plain_types(table: pa.Table) -> pa.Table:
    """Types that plans know: seconds become microseconds, columns of nulls become text."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", kind.tz)
        elif pa.types.is_time(kind):
            kind = pa.time64("us")
        elif pa.types.is_null(kind) or pa.types.is_large_string(kind):
            kind = pa.string()
        fields.append(pa.field(field.name, kind))
    return table.cast(pa.schema(fields))


def _with_unique_keys(
    table: pa.Table,
    keys: list[str],
    declared: dict[str, Any],
    where: Location,
    source: YamlSource,
) -> pa.Table | None:
    """One row for each key: an error unless the author says which of several counts."""
    complete = table.filter(reduce(pc.and_, (pc.is_valid(table.column(key)) for key in keys)))
    numbered = complete.append_column("_at", pa.array(range(complete.num_rows), pa.int64()))
    which = declared.get("duplicate_keys")
    kept = numbered.group_by(keys, use_threads=False).aggregate(
        [("_at", "max" if which == "last" else "min"), ("_at", "count")]
    )
    repeated = kept.filter(pc.greater(kept.column("_at_count"), 1))
    if repeated.num_rows and which is None:
        example = {key: repeated.column(key)[0].as_py() for key in keys}
        source.error(
            (*where, "on"),
            f"{repeated.num_rows} keys stand in several rows of {declared['lookup']}, {example} "
            "for one; say duplicate_keys: first or last, or take more columns into the key",
        )
        return None
    at = kept.column(f"_at_{'max' if which == 'last' else 'min'}")
    return complete.take(at.take(pc.sort_indices(at)))
