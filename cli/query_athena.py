"""Queries in AWS: Athena, in the stack's workgroup, on the stack's tables."""

from __future__ import annotations

import re
import time
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError
from cli.query import Answer, check_dataset
from cli.target import stack_outputs
from pipeline.constants import (
    FILES_TABLE_SUFFIX,
    OUTPUT_QUERY_DATABASE,
    OUTPUT_QUERY_WORKGROUP,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.target import Target

POLL_SECONDS: Final = (0.1, 0.2, 0.5, 1.0)
"""Waits between looks at a query; the last one again and again."""
MEGABYTE: Final = 1_000_000
_INTEGERS: Final = ("tinyint", "smallint", "integer", "int", "bigint")
_FLOATS: Final = ("float", "real", "double")
_READING: Final = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(SELECT|WITH|VALUES|TABLE)\b", re.I | re.S
)


def athena_answer(
    target: Target, dataset: str, sql: str, *, limit: int, update: Callable[[str], None]
) -> Answer:
    """Return what Athena answers.

    Raises
    ------
    CliError
        If the dataset is unknown, or the SQL cannot be run or is no query.
    """
    outputs = stack_outputs(target.cloud, target.stack)
    try:
        database, workgroup = outputs[OUTPUT_QUERY_DATABASE], outputs[OUTPUT_QUERY_WORKGROUP]
    except KeyError:
        raise CliError(
            f"the stack {target.stack} was deployed before its output was queryable",
            "Deploy it again: npx cdk deploy",
        ) from None
    check_dataset(dataset, _tables(target, database))
    if not _READING.match(sql):
        raise CliError("only queries are run, one at a time", "Write one SELECT")
    client = target.cloud.athena()
    started = client.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=workgroup
    )
    query = started["QueryExecutionId"]
    try:
        _await(client, query, update)
    except KeyboardInterrupt:
        client.stop_query_execution(QueryExecutionId=query)
        raise
    return _answer(client, query, limit)


def _tables(target: Target, database: str) -> list[str]:
    """Names of the datasets in the stack's catalogue."""
    pages = target.cloud.glue().get_paginator("get_tables").paginate(DatabaseName=database)
    names = [table["Name"] for page in pages for table in page["TableList"]]
    return [name for name in names if not name.endswith(FILES_TABLE_SUFFIX)]


def _await(client: Any, query: str, update: Callable[[str], None]) -> None:
    """Wait for the end of a query."""
    for wait in _waits():
        found = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        status = found["Status"]
        if status["State"] == "SUCCEEDED":
            return
        if status["State"] in ("FAILED", "CANCELLED"):
            reason = status.get("StateChangeReason") or "it does not say why"
            raise CliError(f"Athena: {reason}")
        scanned = found.get("Statistics", {}).get("DataScannedInBytes", 0) / MEGABYTE
        update(f"Athena: {status['State'].lower()}, {scanned:,.1f} MB read")
        time.sleep(wait)


def _waits() -> Iterator[float]:
    yield from POLL_SECONDS
    while True:
        yield POLL_SECONDS[-1]


def _answer(client: Any, query: str, limit: int) -> Answer:
    """First `limit` rows; Athena's own first row are the names of the columns."""
    pages = iter(client.get_paginator("get_query_results").paginate(QueryExecutionId=query))
    first = next(pages)
    described = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    kinds = [column["Type"] for column in described]
    found = (row for page in chain([first], pages) for row in page["ResultSet"]["Rows"])
    rows = [_row(row["Data"], kinds) for row in islice(found, 1, limit + 2)]
    return Answer(
        columns=tuple(column["Name"] for column in described),
        numeric=tuple(kind in (*_INTEGERS, *_FLOATS, "decimal") for kind in kinds),
        rows=rows[:limit],
        cut=len(rows) > limit,
    )


def _row(cells: list[dict[str, str]], kinds: list[str]) -> tuple[Any, ...]:
    return tuple(
        _value(cell.get("VarCharValue"), kind) for cell, kind in zip(cells, kinds, strict=True)
    )


def _value(text: str | None, kind: str) -> Any:
    """Value of a cell; what is neither number nor truth stays the text that Athena writes."""
    if text is None:
        return None
    if kind in _INTEGERS:
        return int(text)
    if kind in _FLOATS:
        return float(text)
    return text == "true" if kind == "boolean" else text
