"""JSON rows as columns: values inside objects by the paths to them, all as text."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST: Final = 5
_MOST_NAMES: Final = 30
"""An object with more names between its rows is a dictionary: its names are data."""
_SPECIAL: Final = frozenset(".[]")


class Flattener:
    """Takes rows apart, and remembers what was met where."""

    def __init__(self) -> None:
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._whole: dict[str, bool] = {}
        self._parents: set[str] = set()
        self._filled: set[str] = set()

    def flattened(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, str | None]]:
        """Yield each row's values by column; an object's own values are columns by their paths.

        An object stays a column itself where its names are many, or too deep.
        """
        listed = list(rows)
        self._look_at(listed)
        for row in listed:
            yield dict(self._values(row, "", 1))

    def kinds(self, name: str) -> frozenset[str]:
        """Return the JSON types of a column: text, number, boolean, object, array."""
        opened = {"object"} if name in self._parents else set()
        return frozenset(self._kinds[name] | opened)

    def is_empty_object(self, name: str) -> bool:
        """Whether a column is no more than the rows in which an object has nothing in it."""
        return name in self._parents and name not in self._filled

    def _look_at(self, rows: list[dict[str, Any]]) -> None:
        """Decide of each object that is new whether it stays whole."""
        names: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            _collect_names(row, "", names, 1)
        for path, found in names.items():
            self._whole.setdefault(path, len(found) > _MOST_NAMES or not all(map(_fits, found)))

    def _values(
        self, value: dict[str, Any], above: str, depth: int
    ) -> Iterator[tuple[str, str | None]]:
        for name, inner in value.items():
            path = _path(above, name) if above else name
            is_open = isinstance(inner, dict) and inner and depth < _DEEPEST
            inside = _path("", name) if not above else path
            if is_open and not self._whole.get(inside, False):
                self._parents.add(path)
                yield from self._values(inner, inside, depth + 1)
                continue
            if inner is not None:
                self._kinds[path].add(_kind(inner))
                if inner != {}:
                    self._filled.add(path)
            yield path, _text(inner)


def _collect_names(value: dict[str, Any], above: str, names: dict[str, set[str]], at: int) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict) and at < _DEEPEST:
            path = _path(above, name)
            names[path].update(inner)
            _collect_names(inner, path, names, at + 1)


def _fits(name: str) -> bool:
    """Whether a name can be written in a path."""
    return bool(name) and not ("'" in name and '"' in name)


def _path(above: str, name: str) -> str:
    """The path to a name below another path, as the contract's physicalName spells it."""
    if not _SPECIAL & set(name) and not name.startswith(("'", '"')):
        return f"{above}.{name}" if above else name
    quote = '"' if "'" in name else "'"
    return f"{above}[{quote}{name}{quote}]"


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
