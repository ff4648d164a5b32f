"""Where a dataset's columns lie in JSON rows, as pyarrow's JSON reader is told it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import LOGICAL, column_type
from pipeline.formats.json_paths import Path, path_of, top_level_names
from pipeline.formats.json_values import missing_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.plan import Plan
    from pipeline.plan_contract import Column

_ITEM: Final = 0
"""Key of an array's items in a tree of types; names are text."""
_Tree = dict[str | int, Any]


class JsonColumns:
    """The columns of a dataset as JSON rows have them.

    `known` are the names at the top level of a row that belong to columns; `missing` the numbers
    that stand for no value, by column.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.columns = plan.columns
        self.names = [column.source_name for column in plan.columns]
        self.known = top_level_names(self.names)
        self.missing = {one.source_name: missing_numbers(one, plan) for one in plan.columns}
        self._schemas: dict[frozenset[str], pa.Schema | None] = {}

    @cached_property
    def doubles(self) -> list[Column]:
        """Columns of numbers that doubles hold."""
        return [column for column in self.columns if _declared(column) == pa.float64()]

    @property
    def typed(self) -> bool:
        """Whether pyarrow's types can tell what all columns hold: they have no JSON text."""
        if not self.columns:  # a sample's: a batch of pyarrow's without columns has no rows either
            return False
        return not any(column.type in ("object", "array") for column in self.columns) and not any(
            column.type == "boolean" and _has_word_for_truth(column, self.plan)
            for column in self.columns
        )

    def paths_in(self, text: bytes) -> dict[str, Path] | None:
        """Return the paths of the columns that are no names of the rows of a text.

        None where rows may have both, so that one has to look at each.
        """
        paths = {name: path for name in self.names if (path := path_of(name)) is not None}
        by_name = {name for name in paths if _named(name) in text}
        if any(_named(str(paths[name][0])) in text for name in by_name):
            return None
        return {name: path for name, path in paths.items() if name not in by_name}

    def schema(self, paths: dict[str, Path]) -> pa.Schema | None:
        """Return the types to read rows with; None where a value would have to have two."""
        key = frozenset(paths)
        if key not in self._schemas:
            places = {name: paths.get(name, (name,)) for name in self.names}
            tree = _tree((places[column.source_name], _declared(column)) for column in self.columns)
            self._schemas[key] = None if tree is None else pa.schema(_fields(tree))
        return self._schemas[key]


def _has_word_for_truth(column: Column, plan: Plan) -> bool:
    """Whether `true` or `false` stands for no value."""
    words = column.spelling.missing
    words = plan.source.missing_values if words is None else words
    return not {"true", "false"}.isdisjoint(words)


def _declared(column: Column) -> pa.DataType:
    """Type that pyarrow reads a column's values into without changing any."""
    kind = column_type(column)
    if column.type == "number" and not pa.types.is_decimal(kind):
        return LOGICAL["number"]
    return kind if column.type in ("integer", "number", "boolean") else pa.string()


def _named(name: str) -> bytes:
    return json.dumps(name, ensure_ascii=False).encode()


def _tree(places: Iterable[tuple[Path, pa.DataType]]) -> _Tree | None:
    """Types by where they lie; None if something else lies there or on the way."""
    tree: _Tree = {}
    for path, kind in places:
        node = tree
        for part, following in zip(path, [*path[1:], None], strict=True):
            key = part if isinstance(part, str) else _ITEM
            if any(isinstance(other, str) != isinstance(key, str) for other in node):
                return None
            inner = node.setdefault(key, kind if following is None else {})
            if (inner != kind) if following is None else not isinstance(inner, dict):
                return None
            node = inner
    return tree


def _fields(tree: _Tree) -> list[tuple[str, pa.DataType]]:
    return [(str(name), _type(inner)) for name, inner in tree.items()]


def _type(inner: Any) -> pa.DataType:
    if not isinstance(inner, dict):
        return inner
    return pa.list_(_type(inner[_ITEM])) if _ITEM in inner else pa.struct(_fields(inner))


def followed(column: pa.Array, path: Path) -> pa.Array:
    """Return the values at a path within a nested column; null where there is nothing."""
    for part in path:
        column = pc.struct_field(column, part) if isinstance(part, str) else _items(column, part)
    return column


def _items(lists: pa.ListArray, position: int) -> pa.Array:
    """The items at a position, null for lists that are shorter."""
    there = pc.greater(pc.list_value_length(lists), position)
    starts = lists.offsets.slice(0, len(lists))
    wanted = pc.if_else(there, pc.add(starts, position), pa.scalar(None, pa.int32()))
    return lists.values.take(wanted)
