"""From `split`, `explode` and `unpivot` to the plan, with the columns after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.authoring.new_columns import may_be_made
from pipeline.authoring.steps import known_columns
from pipeline.plan_steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource


def split_step(
    split: dict[str, Any], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    """Return the step and the columns after it; errors go to the source."""
    _is_text(split["column"], columns, (*where, "column"), source)
    names = list(split["into"])
    made: Types = {}
    for at, name in enumerate(names):
        place = (*where, "into", at)
        if may_be_made(name, (*columns, *made), place, source, replacing=False):
            made[name] = pa.string()
    return Step("split", {**split, "into": names}), columns | made


def explode_step(
    explode: dict[str, Any], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    """Return the step and the columns after it; errors go to the source."""
    _is_text(explode["column"], columns, (*where, "column"), source)
    made: Types = {}
    position = explode.get("position")
    place = (*where, "position")
    if position is not None and may_be_made(position, columns, place, source, replacing=False):
        made[position] = pa.int64()
    argument = {"column": explode["column"], "by": explode.get("by"), "position": position}
    return Step("explode", argument), columns | made


def unpivot_step(
    unpivot: dict[str, Any], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    """Return the step and the columns after it; errors go to the source."""
    names = list(unpivot["columns"])
    kind = _one_type(names, columns, (*where, "columns"), source)
    left = {name: kept for name, kept in columns.items() if name not in names}
    made: Types = {}
    for word, made_of in (("name", pa.string()), ("value", kind)):
        new = unpivot[word]
        if may_be_made(new, (*left, *made), (*where, word), source, replacing=False):
            made[new] = made_of
    argument = {**unpivot, "columns": names, "keep_nulls": unpivot.get("keep_nulls", False)}
    return Step("unpivot", argument), left | made


def _is_text(name: str, columns: Types, where: Location, source: YamlSource) -> None:
    if known_columns([name], columns, where, source) and not pa.types.is_string(columns[name]):
        source.error(
            where, f"{name!r} is of type {columns[name]}, not text: cast it to VARCHAR before"
        )


def _one_type(
    names: Iterable[str], columns: Types, where: Location, source: YamlSource
) -> pa.DataType:
    """Type that several columns have in common; an error if they have none."""
    if not known_columns(names, columns, where, source):
        return pa.string()
    types = {name: columns[name] for name in names}
    first = next(iter(types.values()))
    if any(kind != first for kind in types.values()):
        listed = ", ".join(f"{name} is {kind}" for name, kind in types.items())
        source.error(where, f"columns of one type are expected ({listed}): cast them before")
    return first
