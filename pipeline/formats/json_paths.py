"""Where a column lies in a JSON row: a name at the top level, or a path to a nested value.

A path is names joined by points, positions in brackets from 0 on, and names that have points or
brackets in them in quotes and brackets: `a.b`, `a.b[0].c`, `['odd.name']`, `a["x y"]`. A row that
has a name of just that spelling is asked for it first: a path is only what no name is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

Path = tuple[str | int, ...]

_PART: Final = re.compile(
    r"""(?P<name>[^.\[\]]+)|\[(?P<at>\d+)\]|\['(?P<single>[^']*)'\]|\["(?P<double>[^"]*)"\]"""
)


@cache
def path_of(source_name: str) -> Path | None:
    """Return the path that a column's name in the file spells; None where it is a name only."""
    parts: list[str | int] = []
    at = 0
    while at < len(source_name):
        dotted = source_name[at] == "." and bool(parts)
        found = _PART.match(source_name, at + dotted)
        if found is None or _is_out_of_place(found, dotted=dotted, first=not parts):
            return None
        parts.append(_part(found))
        at = found.end()
    return tuple(parts) if tuple(parts) != (source_name,) and parts else None


def _is_out_of_place(part: re.Match[str], *, dotted: bool, first: bool) -> bool:
    """Whether a part does not fit what stands before it: a point goes before names alone."""
    bare_name = part["name"] is not None
    at_root = first and part["at"] is not None  # a row is an object: it has no positions
    return at_root or (not first and dotted != bare_name)


def _part(found: re.Match[str]) -> str | int:
    if found["at"] is not None:
        return int(found["at"])
    return next(name for name in found.group("name", "single", "double") if name is not None)


def value_at(row: dict[str, Any], source_name: str) -> Any:
    """Return a column's value in a row; None where the row has none."""
    if source_name in row:
        return row[source_name]
    path = path_of(source_name)
    return None if path is None else _followed(row, path)


def _followed(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def top_level_names(source_names: list[str]) -> frozenset[str]:
    """Return the names of a row's own that columns are read from."""
    roots = (path[0] for name in source_names if (path := path_of(name)) is not None)
    return frozenset(source_names) | frozenset(map(str, roots))
