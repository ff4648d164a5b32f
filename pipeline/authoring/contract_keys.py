"""The contract's primary key, in the order of its positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Place

_NO_POSITION: Final = -1
"""The standard's own default."""


def primary_key(properties: list[dict[str, Any]], place: Place) -> tuple[str, ...]:
    """Return the key's columns; errors in their positions go to the place.

    Without any position they stand in the order of the columns.
    """
    for at, prop in enumerate(properties):
        if not prop.get("primaryKey") and _position(prop) != _NO_POSITION:
            place.at(at, "primaryKeyPosition").error(
                f"{prop['name']} has a position in the primary key: add primaryKey: true"
            )
    parts = [prop for prop in properties if prop.get("primaryKey")]
    if any("primaryKeyPosition" in prop for prop in parts):
        _check_positions(properties, place)
    return tuple(prop["name"] for prop in sorted(parts, key=_position))


def _position(prop: dict[str, Any]) -> int:
    return int(prop.get("primaryKeyPosition", _NO_POSITION))


def _check_positions(properties: list[dict[str, Any]], place: Place) -> None:
    taken: dict[int, str] = {}
    for at, prop in enumerate(properties):
        if not prop.get("primaryKey"):
            continue
        name, position = prop["name"], _position(prop)
        here = place.at(at, "primaryKeyPosition")
        if "primaryKeyPosition" not in prop:
            place.at(at, "primaryKey").error(
                f"{name} has no primaryKeyPosition, while other columns of the key have one"
            )
        elif position < 1:
            here.error(f"{name}: positions in the primary key begin with 1, not {position}")
        elif position in taken:
            here.error(f"{name} and {taken[position]} both have position {position} in the key")
        taken.setdefault(position, name)
