"""The work in DuckDB: the checked rows as one table, and statements that read it.

Found faster, by CPU seconds at a million rows, two cores: each month written by a statement of its
own (1.3 in place of the 2.1 of `PARTITION_BY`), repeated keys looked for among those whose hash
stands there twice (0.2 in place of 0.5). No faster: cells and typed values in tables of their own,
another level of zstd, `preserve_insertion_order=false`, a second reading of the file for the
rejected rows (0.1 less, on one thread), `store_rejects` (lines in place of cells, and only those of
a wrong type).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import duckdb

from benchmarks.ending import end_process
from benchmarks.peers import departures as contract
from benchmarks.peers.arguments import Work, work

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RAW: Final = "raw_"
"""What the names of cells as the file has them begin with; typed columns have the contract's."""
ACCEPTED: Final = "sound AND rowid NOT IN (FROM repeated)"
"""Rows that keep the contract: their values do, and their key stands in no earlier one."""


def process(asked: Work) -> None:
    """Write the accepted rows by month, and the rejected ones."""
    with duckdb.connect() as engine:
        check(engine, asked.file)
        engine.execute(copied(rejected(), asked.output / "rejected.parquet"))
        engine.execute(repeats("again", contract.REPEATED, ACCEPTED))
        for lookup in contract.LOOKUPS:
            engine.execute(lookup_table(lookup, asked.lookups / f"{lookup}.csv"))
        for (month,) in engine.execute("SELECT DISTINCT month FROM checked WHERE sound").fetchall():
            file = asked.output / "written" / f"month={month}" / "data.parquet"
            file.parent.mkdir()
            engine.execute(copied(enriched(transformed(cleaned(month))), file))


def check(engine: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Make the table `checked` of all rows, and `repeated` of those whose key came before."""
    engine.execute("SET TimeZone = 'UTC'")
    values = ", ".join(f"{typed(name)} AS {name}" for name in contract.COLUMNS)
    sound = " AND ".join(map(keeps, contract.COLUMNS))
    engine.execute(
        f"CREATE TABLE checked AS SELECT *, {sound} AS sound FROM"
        f" (SELECT *, {values} FROM {scanned(file)})"
    )
    engine.execute(repeats("repeated", contract.KEY, "sound"))


def scanned(file: Path) -> str:
    """Return all cells as text."""
    if file.suffix == ".jsonl":
        columns = ", ".join(f"{name}: 'VARCHAR'" for name in contract.COLUMNS)
        cells = ", ".join(f"{name} AS {RAW}{name}" for name in contract.COLUMNS)
        lines = f"read_json('{file}', columns={{{columns}}}, format='newline_delimited')"
        return f"(SELECT {cells} FROM {lines})"
    columns = ", ".join(f"{RAW}{name}: 'VARCHAR'" for name in contract.COLUMNS)
    dialect = "auto_detect=false, header=true, delim=',', quote='\"', escape='\"'"
    return f"read_csv('{file}', columns={{{columns}}}, {dialect})"


def typed(name: str) -> str:
    """Return a column's values, NULL where a cell has none of its type."""
    cell = RAW + name
    if name in contract.RANGES:
        return f"try_cast({cell} AS BIGINT)"
    if name == "time_hour":
        return f"try_strptime({cell}, '{contract.MOMENT}')::TIMESTAMPTZ"
    return f"CASE WHEN {cell} NOT IN ({words(contract.MISSING)}) THEN {cell} END"


def keeps(name: str) -> str:
    """Return whether a column keeps its rules."""
    if name in contract.RANGES:
        least, most = contract.RANGES[name]
        keeping = f"{name} BETWEEN {least} AND {most}"
    elif name in contract.PATTERNS:
        keeping = f"regexp_matches({name}, '{contract.PATTERNS[name]}')"
    elif name == "origin":
        keeping = f"{name} IN ({words(contract.ORIGINS)})"
    else:
        keeping = f"{name} IS NOT NULL"
    cell = RAW + name
    missing = f"{cell} IS NULL OR {cell} IN ({words(contract.MISSING)})"
    return f"coalesce({keeping}, {missing if name in contract.OPTIONAL else 'false'})"


def repeats(table: str, key: Iterable[str], condition: str) -> str:
    """Return how to make a table of the rows whose key stands in an earlier row."""
    names = ", ".join(key)
    twice = f"SELECT hash({names}) FROM checked WHERE {condition} GROUP BY ALL HAVING count(*) > 1"
    return (
        f"CREATE TABLE {table} AS SELECT rowid AS row FROM checked"
        f" WHERE {condition} AND hash({names}) IN ({twice})"
        f" QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY rowid) > 1"
    )


def rejected() -> str:
    """Return the rows that break the contract as the file has them, with what they break."""
    cells = ", ".join(f"{RAW}{name} AS {name}" for name in contract.COLUMNS)
    broken = ", ".join(
        f"CASE WHEN NOT {keeps(name)} THEN '{name}' END" for name in contract.COLUMNS
    )
    key = f"CASE WHEN sound THEN '{', '.join(contract.KEY)}' END"
    return (
        f"SELECT rowid + 1 AS row_number, {cells}, concat_ws(', ', {broken}, {key}) AS broken"
        f" FROM checked WHERE NOT ({ACCEPTED})"
    )


def accepted() -> str:
    """Return the typed columns of the rows that keep the contract."""
    return f"SELECT {', '.join(contract.COLUMNS)} FROM checked WHERE {ACCEPTED}"


def cleaned(month: int) -> str:
    """Return a month's rows with one way of writing for each value, and each flight once."""
    tailnum = f"nullif(upper(trim(tailnum)), '{contract.UNKNOWN}')"
    return (
        f"SELECT * REPLACE (coalesce({tailnum}, '{contract.NO_PLANE}') AS tailnum,"
        f" coalesce(air_time, 0) AS air_time)"
        f" FROM ({accepted()} AND rowid NOT IN (FROM again) AND month = {month})"
    )


def transformed(rows: str) -> str:
    """Return the flights that took off, with columns computed from the others."""
    delays = " ".join(f"WHEN dep_delay <= {most} THEN '{name}'" for most, name in contract.DELAYS)
    return (
        "SELECT * EXCLUDE month RENAME (dest AS destination),"
        " make_date(year, month, day) AS flight_date,"
        f" CASE WHEN dep_delay IS NULL THEN '{contract.NO_DELAY}' {delays}"
        f" ELSE '{contract.LONGEST}' END AS delay_bucket,"
        " distance / nullif(air_time, 0) * 60 AS speed_mph"
        f" FROM ({rows}) WHERE dep_time IS NOT NULL"
    )


def lookup_table(lookup: str, file: Path) -> str:
    """Return how to make a table of a lookup, under the names that its columns get."""
    _, columns = contract.LOOKUPS[lookup]
    named = ", ".join(f"{theirs} AS {ours}" for theirs, ours in columns.items())
    missing = words(contract.MISSING)
    read = f"read_csv('{file}', nullstr=[{missing}], sample_size=-1)"
    return f"CREATE TABLE {lookup} AS SELECT {named} FROM {read}"


def enriched(rows: str) -> str:
    """Return the rows with the columns of the lookups."""
    joins = (f"LEFT JOIN {name} USING ({on})" for name, (on, _) in contract.LOOKUPS.items())
    return f"FROM ({rows}) {' '.join(joins)}"


def copied(query: str, file: Path) -> str:
    """Return how to write a query's rows as Parquet."""
    return f"COPY ({query}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)"


def words(texts: Iterable[str]) -> str:
    """Return texts as SQL has them in a list."""
    return ", ".join(f"'{text}'" for text in texts)


if __name__ == "__main__":
    process(work())
    end_process()
