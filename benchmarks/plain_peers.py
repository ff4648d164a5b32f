"""Peers for the datasets of `special`: `python -m benchmarks.plain_peers TOOL DATASET FILE OUTPUT`.

polars and DuckDB read the file as text, check types, rules and the key, trim what is good, and
write it and the rejected rows as Parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.ending import end_process
from benchmarks.special import COLUMNS

if TYPE_CHECKING:
    import polars as pl

    from benchmarks.special import Column

WRITTEN: Final = "written/all.parquet"
REJECTED: Final = "rejected.parquet"
_DUCKDB_TYPES: Final = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
}


def with_duckdb(columns: list[Column], file: Path, output: Path) -> None:
    """Do the work in DuckDB, in a few statements of SQL."""
    import duckdb  # noqa: PLC0415 - the other peer is to be started without it

    names = ", ".join(f'"{column.name}"' for column in columns)
    typed = ", ".join(f'{_duckdb_value(column)} AS "{column.name}"' for column in columns)
    good = " AND ".join(f"coalesce({_duckdb_rule(column)}, false)" for column in columns)
    key = next(column.name for column in columns if column.key)
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(
        f"CREATE TABLE checked AS SELECT *, ({good}) AND row_number() OVER "
        f'(PARTITION BY "{key}" ORDER BY line) = 1 AS good FROM (SELECT *, row_number() OVER () '
        f"AS line FROM read_csv('{file}', all_varchar = true, header = true))"
    )
    con.execute(
        f"COPY (SELECT {typed} FROM checked WHERE good) TO '{output / WRITTEN}' "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    con.execute(
        f"COPY (SELECT line, {names} FROM checked WHERE NOT good) TO '{output / REJECTED}' "
        "(FORMAT parquet, COMPRESSION zstd)"
    )


def _duckdb_value(column: Column) -> str:
    if column.kind == "string":
        return f'trim("{column.name}")'
    return f'TRY_CAST("{column.name}" AS {_DUCKDB_TYPES[column.kind]})'


def _duckdb_rule(column: Column) -> str:
    if column.pattern is not None:
        return f"regexp_matches(\"{column.name}\", '{column.pattern}')"
    if column.most is not None:
        return f"{_duckdb_value(column)} BETWEEN 0 AND {column.most}"
    return f"{_duckdb_value(column)} IS NOT NULL"


def with_polars(columns: list[Column], file: Path, output: Path) -> None:
    """Do the work in polars, in memory."""
    import polars as pl  # noqa: PLC0415 - the other peer is to be started without it

    key = next(column.name for column in columns if column.key)
    rules = [_polars_rule(column).fill_null(value=False) for column in columns]
    checked = (
        pl.scan_csv(file, infer_schema=False)
        .with_row_index("line", 1)
        .with_columns(good=pl.all_horizontal(*rules, pl.col(key).is_first_distinct()))
        .collect()
    )
    good = pl.col("good")
    values = [_polars_value(column) for column in columns]
    checked.filter(good).select(values).write_parquet(output / WRITTEN, compression="zstd")
    checked.filter(~good).drop("good").write_parquet(output / REJECTED, compression="zstd")


def _polars_value(column: Column) -> pl.Expr:
    import polars as pl  # noqa: PLC0415

    raw = pl.col(column.name)
    return {
        "integer": raw.cast(pl.Int64, strict=False),
        "number": raw.cast(pl.Float64, strict=False),
        "string": raw.str.strip_chars(),
        "timestamp": raw.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False, time_zone="UTC"),
    }[column.kind]


def _polars_rule(column: Column) -> pl.Expr:
    import polars as pl  # noqa: PLC0415

    if column.pattern is not None:
        return pl.col(column.name).str.contains(column.pattern)
    value = _polars_value(column)
    return value.is_between(0, column.most) if column.most is not None else value.is_not_null()


if __name__ == "__main__":
    tool, dataset, file, output = sys.argv[1:]
    (Path(output) / WRITTEN).parent.mkdir()
    work = {"duckdb": with_duckdb, "polars": with_polars}[tool]
    work(COLUMNS[dataset](), Path(file), Path(output))
    end_process()
