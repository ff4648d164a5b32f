"""Which columns an SQL expression depends on, and how, by DuckDB's own syntax tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.frame_schema import nodes, syntax_tree
from pipeline.authoring.lineage_sources import (
    CONDITIONAL,
    HASHED,
    TRANSFORMED,
    How,
    Sources,
    through,
    united,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAME: Final = "batch"
_HASHES: Final = frozenset({"hash", "md5", "md5_number", "sha1", "sha256"})
"""DuckDB's functions that give nothing of a value away."""
_LAMBDA: Final = "LAMBDA_KEYWORD"
"""Written as `lambda x: ...`; what the parser calls a lambda without it is JSON's arrow."""


def sources_of(sql: str, columns: dict[str, Sources], rest: Sources) -> Sources:
    """Return the sources of an expression over a frame whose columns have these sources.

    Columns that are not among `columns` have the sources `rest`.

    Values are given by whatever the expression computes with; the conditions of CASE and `if`
    only decide. A column that stands there alone is passed on as it is; a field of one is not.
    """
    (tree,) = syntax_tree(sql)
    by_name = {name.lower(): sources for name, sources in columns.items()}
    if tree.get("class") == "COLUMN_REF" and len(_path(tree)) == 1:
        return by_name.get(_name(tree), rest)
    found: Sources = {}
    for name, how in _references(tree, TRANSFORMED, frozenset()):
        found = united(found, through(by_name.get(name, rest), how))
    return found


def _references(node: Any, how: How, bound: frozenset[str]) -> Iterator[tuple[str, How]]:
    """Columns that a syntax tree names, but for the parameters of its lambdas, and how."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item, how, bound)
    elif isinstance(node, dict) and node.get("class") == "COLUMN_REF":
        if _name(node) not in bound:
            yield _name(node), how
    elif isinstance(node, dict):
        if node.get("syntax_type") == _LAMBDA:
            bound |= {_name(found) for found in nodes(node["lhs"]) if "column_names" in found}
        for child, of_child in _parts(node, how):
            yield from _references(child, of_child, bound)


def _parts(node: dict[str, Any], how: How) -> list[tuple[Any, How]]:
    """Parts of an expression, and how it depends on each if it is depended on in a way."""
    if node.get("class") == "CASE":
        decided = [(check["when_expr"], CONDITIONAL) for check in node["case_checks"]]
        values = [*(check["then_expr"] for check in node["case_checks"]), node["else_expr"]]
        return decided + [(value, how) for value in values]
    function = node.get("function_name", "").lower() if node.get("class") == "FUNCTION" else ""
    if function == "if":
        condition, *values = node["arguments"]
        return [(condition, CONDITIONAL), *((value, how) for value in values)]
    if function in _HASHES and how == TRANSFORMED:
        how = HASHED
    return [(value, how) for value in node.values()]


def _name(node: dict[str, Any]) -> str:
    """Name of the column that a reference is about: `batch.a` and `a.field` are about `a`."""
    return _path(node)[0]


def _path(node: dict[str, Any]) -> list[str]:
    """Names of a reference's column and of the field within it, if it is about one."""
    names = [str(part).lower() for part in node["column_names"]]
    return names[1:] if len(names) > 1 and names[0] == _FRAME else names
