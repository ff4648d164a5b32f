"""The contract as a Table Schema of Frictionless, whose rows are streamed with their errors.

Its own primary key counts the keys of rows that break other rules, so the key is looked up here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from frictionless import Resource, Schema

from benchmarks.ending import end_process
from benchmarks.peers import departures as contract
from benchmarks.peers.arguments import Work, work

if TYPE_CHECKING:
    from frictionless import Row

    Values = dict[str, list[Any]]


def process(asked: Work) -> None:
    """Write the accepted rows, and the rejected ones with the columns whose rules they break."""
    accepted: Values = {name: [] for name in contract.COLUMNS}
    rejected: Values = {name: [] for name in ("row_number", *contract.COLUMNS, "broken")}
    seen: set[tuple[Any, ...]] = set()
    schema = Schema.from_descriptor(table_schema())
    with Resource(path=asked.file.name, basepath=str(asked.file.parent), schema=schema) as file:
        for row in file.row_stream:
            broken = broken_columns(row, seen)
            if broken:
                values = (row.row_number - 1, *row.cells, ", ".join(broken))
            else:
                values = tuple(row.values())
            for column, value in zip(
                (rejected if broken else accepted).values(), values, strict=True
            ):
                column.append(value)
    pq.write_table(typed(accepted), asked.output / "written" / "data.parquet", compression="zstd")
    pq.write_table(pa.table(rejected), asked.output / "rejected.parquet", compression="zstd")


def table_schema() -> dict[str, Any]:
    """Return the contract, but for its key, as a Table Schema."""
    return {
        "fields": [field(name) for name in contract.COLUMNS],
        "missingValues": list(contract.MISSING),
    }


def field(name: str) -> dict[str, Any]:
    """Return a column as a field of a Table Schema."""
    rules: dict[str, Any] = {"required": name not in contract.OPTIONAL}
    if name in contract.RANGES:
        rules["minimum"], rules["maximum"] = contract.RANGES[name]
        return {"name": name, "type": "integer", "constraints": rules}
    if name == "time_hour":
        return {"name": name, "type": "datetime", "format": contract.MOMENT, "constraints": rules}
    if name in contract.PATTERNS:
        rules["pattern"] = contract.PATTERNS[name]
    if name == "origin":
        rules["enum"] = list(contract.ORIGINS)
    return {"name": name, "type": "string", "constraints": rules}


def broken_columns(row: Row, seen: set[tuple[Any, ...]]) -> list[str]:
    """Return the columns whose rules a row breaks; remember the key of one that breaks none."""
    if not row.valid:
        return list(dict.fromkeys(error.field_name for error in row.errors))
    key = tuple(row[name] for name in contract.KEY)
    if key in seen:
        return [", ".join(contract.KEY)]
    seen.add(key)
    return []


def typed(values: Values) -> pa.Table:
    """Return columns of values as a table; time_hour is told without a zone, and is UTC."""
    types = {**dict.fromkeys(contract.COLUMNS, pa.string())}
    types |= dict.fromkeys(contract.RANGES, pa.int64())
    types["time_hour"] = pa.timestamp("us", "UTC")
    return pa.table(values, schema=pa.schema(types))


if __name__ == "__main__":
    process(work())
    end_process()
