"""The contract as a pandera schema on polars, validated lazily: all failures of all rows.

With pandas in place of polars the work took 0.9 CPU seconds rather than 0.2 at 100,000 rows; to
import pandera takes two with either. Left to the script: reading values of a column's type
(pandera's coercion takes missing values for failures), and which row of those with one key is the
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from benchmarks.ending import end_process
from benchmarks.peers import departures as contract
from benchmarks.peers.arguments import Work, work
from benchmarks.peers.polars import cell, scanned, typed

if TYPE_CHECKING:
    from collections.abc import Iterable


def process(asked: Work) -> None:
    """Write the accepted rows, and the rejected ones with the columns whose rules they break."""
    rows = scanned(asked.file).with_columns(typed(name) for name in contract.COLUMNS).collect()
    rows = rows.with_columns(pl.col(pl.Categorical).cast(pl.String))
    broken = pl.concat([unreadable(rows), failures(schema(), rows)])
    sound = rows.join(broken, on="row_number", how="anti", maintain_order="left")
    broken = pl.concat([broken, repeated(sound)])
    kept = sound.join(broken, on="row_number", how="anti").select(contract.COLUMNS)
    kept.write_parquet(asked.output / "written" / "data.parquet", compression_level=1)
    rejected(rows, broken).write_parquet(asked.output / "rejected.parquet", compression_level=1)


def schema() -> pa.DataFrameSchema:
    """Return the contract but for its key."""
    return pa.DataFrameSchema(
        {
            name: pa.Column(kind(name), check(name), nullable=name in contract.OPTIONAL)
            for name in contract.COLUMNS
        }
    )


def kind(name: str) -> pl.DataType:
    """Return a column's type."""
    if name in contract.RANGES:
        return pl.Int64()
    return pl.Datetime("us", "UTC") if name == "time_hour" else pl.String()


def check(name: str) -> pa.Check | None:
    """Return the rule of a column's values."""
    if name in contract.RANGES:
        return pa.Check.in_range(*contract.RANGES[name])
    if name in contract.PATTERNS:
        return pa.Check.str_matches(contract.PATTERNS[name])
    return pa.Check.isin(contract.ORIGINS) if name == "origin" else None


def unreadable(rows: pl.DataFrame) -> pl.DataFrame:
    """Return which rows have cells in optional columns that are of another type."""
    return pl.concat(
        rows.filter(pl.col(name).is_null() & ~cell(name).is_in(contract.MISSING)).select(
            "row_number", broken=pl.lit(name)
        )
        for name in contract.COLUMNS
        if name in contract.OPTIONAL
    )


def failures(rules: pa.DataFrameSchema, rows: pl.DataFrame) -> pl.DataFrame:
    """Return which rows break which column's rules."""
    try:
        rules.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as found:
        cases = found.failure_cases
        return pl.DataFrame(
            {"row_number": rows["row_number"].gather(cases["index"]), "broken": cases["column"]}
        )
    return pl.DataFrame(schema={"row_number": rows["row_number"].dtype, "broken": pl.String})


def repeated(rows: pl.DataFrame) -> pl.DataFrame:
    """Return which rows have a key that stands in an earlier one."""
    key = list(contract.KEY)
    twice = failures(pa.DataFrameSchema(unique=key), rows).select("row_number")
    later = rows.join(twice, on="row_number", how="semi", maintain_order="left")
    later = later.filter(~pl.struct(key).is_first_distinct())
    return later.select("row_number", broken=pl.lit(", ".join(key)))


def rejected(rows: pl.DataFrame, broken: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that break rules as the file has them, with the columns."""
    names = broken.group_by("row_number").agg(pl.col("broken").str.join(", "))
    cells: Iterable[pl.Expr] = (cell(name).alias(name) for name in contract.COLUMNS)
    return rows.join(names, on="row_number").select("row_number", *cells, "broken")


if __name__ == "__main__":
    process(work())
    end_process()
