"""Columns before and after: which column of the output is which one of the file.

The pairs come from the run's OpenLineage event, which names the sources of each output column;
without one (a run that has not committed) columns are paired by their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Profiles = Mapping[str, Mapping[str, Any]]
    """Profiles of a run by stage, as they lie in the bucket."""

KEPT: Final = "kept"
CHANGED: Final = "changed"
RENAMED: Final = "renamed"
DERIVED: Final = "derived"
LOOKED_UP: Final = "looked up"
ADDED: Final = "added"
DROPPED: Final = "dropped"
READ: Final = "read"
"""What became of it is not known: the run has no output."""

COUNTS: Final = ("name", "type", "masked", "nulls", "unreadable")
STATISTICS: Final = ("values", "distinct", "min", "max", "histogram", "top")
"""What is told of a sample of the values."""
READ_BY: Final = "validate"
WRITTEN_BY: Final = "write"


@dataclass(frozen=True)
class Origin:
    """Where an output column comes from: columns of the file, lookups; `as_is` if untouched."""

    columns: tuple[str, ...]
    lookups: tuple[str, ...]
    as_is: bool


def column_records(profiles: Profiles, lineage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of the output and those that are in it no more, in their order.

    Each has its `name`, `became` (one of this module's words), `made_of` (names of columns and
    lookups), and `before` and `after`: its counts and statistics, None where it was not there.
    """
    before = _by_name(profiles.get(READ_BY, {}))
    after = _by_name(profiles.get(WRITTEN_BY, {}))
    if not after:
        return [_record(name, READ, before=found) for name, found in before.items()]
    origins = _origins(lineage, before)
    found = [_written(name, after[name], before, after, origins.get(name)) for name in after]
    paired = {record["before"]["name"] for record in found if record["before"]}
    gone = [name for name in before if name not in paired]
    return found + [_gone(name, before[name], origins) for name in gone]


def _written(
    name: str,
    after: Mapping[str, Any],
    before: Mapping[str, Any],
    written: Mapping[str, Any],
    origin: Origin | None,
) -> dict[str, Any]:
    """Return the record of a column of the output."""
    if name in before:
        became = KEPT if origin is None or origin.as_is else CHANGED
        return _record(name, became, before=before[name], after=after)
    if origin is None or not (origin.columns or origin.lookups):
        return _record(name, ADDED, after=after)
    if origin.lookups:
        return _record(name, LOOKED_UP, origin.lookups, after=after)
    lone = origin.columns[0]
    if len(origin.columns) == 1 and origin.as_is and lone in before and lone not in written:
        return _record(name, RENAMED, (lone,), before=before[lone], after=after)
    return _record(name, DERIVED, origin.columns, after=after)


def _gone(name: str, before: Any, origins: Mapping[str, Origin]) -> dict[str, Any]:
    """Return the record of a column that is not in the output; `made_of` is what it went into."""
    used_in = tuple(other for other, origin in origins.items() if name in origin.columns)
    return _record(name, DROPPED, used_in, before=before)


def _record(
    name: str,
    became: str,
    made_of: Sequence[str] = (),
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "name": name,
        "became": became,
        "made_of": list(made_of),
        "before": before,
        "after": after,
    }


def _by_name(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return a profile's columns; what one does not tell is None."""
    return {
        str(column["name"]): {name: column.get(name) for name in COUNTS}
        | {name: (column.get("sample") or {}).get(name) for name in STATISTICS}
        for column in profile.get("columns") or []
    }


def _origins(lineage: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Origin]:
    """Return the origins of the output's columns, by name; empty without lineage."""
    try:
        uploaded = lineage["inputs"][0]
        of_file = [field["name"] for field in uploaded["facets"]["schema"]["fields"]]
        fields = lineage["outputs"][0]["facets"]["columnLineage"]["fields"]
    except (KeyError, IndexError, TypeError):
        return {}
    # The file's own names of the contract's columns, which the profile has in the same order.
    names = dict(zip(of_file, before, strict=True)) if len(of_file) == len(before) else {}
    return {
        name: _origin(_sources(column), str(uploaded.get("name")), names)
        for name, column in fields.items()
    }


def _sources(column: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the fields that give a column its values; without such, those that decide on them."""
    fields = column.get("inputFields") or []
    direct = [
        field
        for field in fields
        if any(how.get("type") == "DIRECT" for how in field.get("transformations") or [])
    ]
    return direct or list(fields)


def _origin(fields: Sequence[Mapping[str, Any]], uploaded: str, names: Mapping[str, str]) -> Origin:
    columns = [field["field"] for field in fields if field["name"] == uploaded]
    others = [PurePosixPath(field["name"]).stem for field in fields if field["name"] != uploaded]
    ways = {how.get("subtype") for field in fields for how in field.get("transformations") or []}
    return Origin(
        tuple(dict.fromkeys(names.get(column, column) for column in columns)),
        tuple(dict.fromkeys(others)),
        as_is=ways == {"IDENTITY"},
    )
