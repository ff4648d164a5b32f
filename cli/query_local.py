"""Queries on the local cloud: DuckDB over the files that the manifests name.

DuckDB runs in the sandbox of the transform stage: it sees the tables that are handed to it, and
neither files nor network.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from cli.datasets import known_datasets
from cli.errors import CliError
from cli.output import say
from cli.paths import DATASETS, command
from cli.query import Answer, check_dataset
from cli.query_files import arrow_dataset, committed, fetched
from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.frame_schema import nodes
from pipeline.sql import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow.dataset as pads

    from cli.target import Target
    from pipeline.plan import Plan

BATCH_ROWS: Final = 1_000
_PLACE: Final = re.compile(r"\n\nLINE (\d+): (.*)\n( *)\^")


def local_answer(
    target: Target,
    dataset: str,
    sql: str,
    *,
    limit: int,
    update: Callable[[str], None],
    datasets: Path = DATASETS,
) -> Answer:
    """Return what a query gives on the committed output of the datasets that it names.

    Parameters
    ----------
    update
        Told what is being done.
    datasets
        Folder of the datasets' definitions, which say the types of the columns.

    Raises
    ------
    CliError
        If a dataset is unknown or has no output yet, or the SQL cannot be run or is no query.
    """
    known = known_datasets(datasets)
    check_dataset(dataset, known)
    with TemporaryDirectory(prefix="pipeline-query-") as folder, sandbox() as connection:
        for name in _named_datasets(connection, sql, known):
            plan = _plan(datasets, name)
            connection.register(name, _table(target, plan, Path(folder) / name, update))
        update(f"Querying {dataset}")
        return _answer(connection, sql, limit)


def _named_datasets(connection: duckdb.DuckDBPyConnection, sql: str, known: list[str]) -> list[str]:
    """Datasets that a query reads, after it was seen to be one query that only reads."""
    with _told():
        statements = connection.extract_statements(sql)
    kinds = [statement.type for statement in statements]
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(text)
    if kinds != [duckdb.StatementType.SELECT] or tree["error"]:
        raise CliError("only queries are run, one at a time", "Write one SELECT")
    named = {node["table_name"].lower() for node in nodes(tree) if node.get("table_name")}
    own = {entry["key"].lower() for node in nodes(tree) for entry in _with(node)}
    for name in sorted(named - own):
        check_dataset(name, known)
    return [name for name in known if name.lower() in named]


def _with(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the named subqueries (WITH) that a node brings."""
    return list((node.get("cte_map") or {}).get("map") or [])


def _plan(datasets: Path, name: str) -> Plan:
    plan = compiled_dataset(datasets / name).plan
    if plan is None:
        raise CliError(
            f"the definition of {name} here has errors", f"See: {command('check')} {name}"
        )
    return plan


def _table(target: Target, plan: Plan, folder: Path, update: Callable[[str], None]) -> pads.Dataset:
    """Committed rows of a dataset, fetched into a new folder."""
    found = committed(target, plan)
    if not found.sources:
        raise CliError(
            f"nothing of {plan.dataset} is committed yet",
            f"Run a file: {command('run')} FILE --dataset {plan.dataset}",
        )
    if found.otherwise:
        say(
            f"{found.otherwise} of the {found.sources} files of {plan.dataset} were published "
            "under another definition than today's; columns that they lack are NULL."
        )
    folder.mkdir()
    paths = []
    for path in fetched(target.cloud.s3(), found.files, folder):
        paths.append(path)
        update(f"Fetching {plan.dataset}: {len(paths)} of {len(found.files)} files")
    return arrow_dataset(paths, found.files, plan)


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, limit: int) -> Answer:
    """First `limit` rows; no more is read than it takes to know that there are others."""
    with _told(lines_before=1):  # a relation's own errors do not say where
        connection.execute(f"EXPLAIN\n{sql}")
    batches, rows = [], 0
    with _told():
        reader = connection.sql(sql).to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            batches.append(batch)
            rows += batch.num_rows
            if rows > limit:
                break
    table = pa.Table.from_batches(batches, reader.schema).slice(0, limit)
    columns = [_values(column) for column in table.columns]
    return Answer(
        columns=tuple(reader.schema.names),
        numeric=tuple(_is_number(kind) for kind in reader.schema.types),
        rows=list(zip(*columns, strict=True)),
        cut=rows > limit,
    )


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Python values; DuckDB's sums of integers, which are decimals to Arrow, are integers."""
    values: list[Any] = column.to_pylist()
    if pa.types.is_decimal(column.type) and column.type.scale == 0:
        return [None if value is None else int(value) for value in values]
    return values


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


@contextmanager
def _told(lines_before: int = 0) -> Iterator[None]:
    """Turn what DuckDB has against the SQL into one line that says where."""
    try:
        yield
    except duckdb.Error as error:
        raise CliError(told(str(error), lines_before)) from error


def told(message: str, lines_before: int = 0) -> str:
    """Return a message of DuckDB's with the place in the SQL in numbers instead of an excerpt.

    Parameters
    ----------
    lines_before
        Lines that were put before the SQL.
    """
    place = _PLACE.search(message)
    said = message.split("\n\nLINE ", 1)[0].rstrip(".")
    if place is None:
        return said
    line, excerpt, indent = place.groups()
    where = f"line {int(line) - lines_before}"
    if excerpt.startswith("..."):  # a long line is shown from somewhere in its middle
        return f"{said} ({where})"
    return f"{said} ({where}, column {len(indent) - len(f'LINE {line}: ') + 1})"
