"""What is known at compile time about the columns of a frame, and binding SQL against it."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from pipeline.plan import ROW_NUMBER
from pipeline.sql import quoted, sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Types = dict[str, pa.DataType]
_BATCH: Final = "batch"
_CLOCK: Final = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
)
_MULTIPLYING: Final = frozenset({"unnest", "unlist", "generate_subscripts"})
_VOLATILE: Final = frozenset({"VOLATILE", "CONSISTENT_WITHIN_QUERY"})


class BindingError(Exception):
    """An expression does not fit the columns; the message is for the dataset's author."""


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return sandbox()


def bound_types(expressions: dict[str, str], columns: Types) -> Types:
    """Return the Arrow types of expressions over a frame with these columns.

    Raises
    ------
    BindingError
        If an expression names an unknown column, misuses a type, or is not row-wise.
    """
    for sql in expressions.values():
        _check_rowwise(sql, columns)
    empty = pa.schema([*columns.items(), (ROW_NUMBER, pa.int64())]).empty_table()
    made = ", ".join(f"({sql}) AS {quoted(name)}" for name, sql in expressions.items())
    query = f"SELECT {quoted(ROW_NUMBER)}, {made} FROM {_BATCH}"
    try:
        bound: Any = _connection().from_arrow(empty).query(_BATCH, query)
        schema = bound.to_arrow_table().schema
    except duckdb.Error as error:
        raise BindingError(_first_sentence(str(error))) from error
    return {field.name: field.type for field in schema if field.name != ROW_NUMBER}


def sql_type(kind: pa.DataType) -> str:
    """Return the SQL type of a frame's columns of an Arrow type."""
    empty = pa.schema([("value", kind)]).empty_table()
    return str(_connection().from_arrow(empty).types[0])


def type_lengths(written: str) -> list[Any]:
    """Return what stands in the parentheses of an SQL type: `DECIMAL(9, 2)` has two.

    Raises
    ------
    BindingError
        If the text is not the name of a type and nothing else.
    """
    (node,) = syntax_tree(f"TRY_CAST(value AS {written})")
    if node.get("class") != "CAST":
        raise BindingError("the name of an SQL type is expected, such as DECIMAL(9, 2)")
    lengths: list[Any] = node["type_expr"].get("children", [])
    return lengths


def columns_read(expressions: dict[str, str], columns: Types) -> list[str]:
    """Return the frame's columns that the expressions name, in the frame's order."""
    named = {
        part.lower()
        for sql in expressions.values()
        for node in nodes(syntax_tree(sql))
        if node.get("class") == "COLUMN_REF"
        for part in node["column_names"]
    }
    found = [name for name in columns if name.lower() in named]
    return found or list(columns)[:1]


def _check_rowwise(sql: str, columns: Types) -> None:
    """Refuse what does not depend on the row alone, or differs from run to run."""
    for node in nodes(syntax_tree(sql, columns)):
        kind = node.get("class")
        if kind == "WINDOW":
            raise BindingError("window functions look at other rows; a step sees one row at a time")
        if kind == "SUBQUERY":
            raise BindingError("subqueries are not possible here; join tables with enrich")
        if kind == "STAR":
            raise BindingError("* stands for several columns; an expression makes one")
        if kind == "COLUMN_REF" and node["column_names"][-1].lower() == ROW_NUMBER:
            raise BindingError(
                f"{ROW_NUMBER} is the pipeline's own; enrich adds it as a column by "
                "`context: {number: row_number}`"
            )
        if kind == "FUNCTION" and node["function_name"].lower() in _aggregates():
            raise BindingError(
                f"{node['function_name']}() looks at many rows; a step sees one row at a time"
            )
        if kind == "FUNCTION" and node["function_name"].lower() in _MULTIPLYING:
            raise BindingError(f"{node['function_name']}() makes several rows of one")
        if _is_volatile(node, columns):
            name = node.get("function_name") or node["column_names"][0]
            raise BindingError(
                f"{name}() differs from run to run, so a replay would not repeat "
                "the result; processed_date holds the time of the run"
            )


def _is_volatile(node: dict[str, Any], columns: Types) -> bool:
    if node.get("class") == "COLUMN_REF":  # SQL's clock words look like columns
        names = [part.lower() for part in node["column_names"]]
        return len(names) == 1 and names[0] in _CLOCK and names[0] not in columns
    return (
        node.get("class") == "FUNCTION" and node["function_name"].lower() in _volatile_functions()
    )


@cache
def _aggregates() -> frozenset[str]:
    """Names that are aggregate functions and nothing else."""
    query = "SELECT function_name, function_type = 'aggregate' FROM duckdb_functions()"
    rows = _connection().execute(query).fetchall()
    others = {name.lower() for name, aggregate in rows if not aggregate}
    return frozenset(name.lower() for name, aggregate in rows if aggregate) - others


@cache
def _volatile_functions() -> frozenset[str]:
    rows = (
        _connection().execute("SELECT function_name, stability FROM duckdb_functions()").fetchall()
    )
    return frozenset(name.lower() for name, stability in rows if stability in _VOLATILE)


def syntax_tree(sql: str, columns: Iterable[str] = ()) -> Any:
    """Return DuckDB's syntax tree of an expression over these columns: a list of one node.

    Raises
    ------
    BindingError
        If it is not one expression.
    """
    query = "SELECT json_serialize_sql(?)"
    ((text,),) = _connection().execute(query, [f"SELECT ({sql})"]).fetchall()
    tree = json.loads(text)
    if tree.get("error"):
        said = _first_sentence(tree.get("error_message", ""))
        raise BindingError(f"{said or 'syntax error'}{_keyword_hint(sql, columns)}")
    statements = tree["statements"]
    if len(statements) != 1 or len(statements[0]["node"]["select_list"]) != 1:
        raise BindingError("one expression is expected, not several statements or columns")
    expressions = statements[0]["node"]["select_list"]
    _name_receivers(expressions)
    return expressions


def _name_receivers(tree: Any) -> None:
    """Make columns of what functions are called on: `name.upper()` is `upper(name)`.

    DuckDB's parser takes `name` for a schema there; its binder knows better.
    """
    for node in list(nodes(tree)):
        if node.get("class") == "FUNCTION" and node["schema"]:
            names = [name for name in (node["catalog"], node["schema"]) if name]
            node["receiver"] = {"class": "COLUMN_REF", "column_names": names}


def _keyword_hint(sql: str, columns: Iterable[str]) -> str:
    """Say which columns of an expression SQL takes for its own words, if there are such."""
    words = set(re.findall(r'(?<!["\w])\w+(?!["\w])', sql.lower()))
    query = "SELECT keyword_name FROM duckdb_keywords()"
    keywords = words & {word for (word,) in _connection().execute(query).fetchall()}
    mistaken = [name for name in columns if name.lower() in keywords]
    return "".join(
        f"; {name} is a word of SQL, so that the column is written {quoted(name)}"
        for name in mistaken
    )


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a syntax tree of DuckDB's."""
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from nodes(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from nodes(item)


def _first_sentence(message: str) -> str:
    lines = [line.strip() for line in message.split("\n\n", 1)[0].splitlines() if line.strip()]
    return " ".join(lines)[:400]
