"""The contract's rules as SQL in DuckDB: the first statements of the peer, and none after them."""

from __future__ import annotations

import duckdb

from benchmarks.ending import end_process
from benchmarks.peers.arguments import Work, work
from benchmarks.peers.duckdb import accepted, check, copied, rejected


def process(asked: Work) -> None:
    """Write the accepted rows, and the rejected ones with the columns whose rules they break."""
    with duckdb.connect() as engine:
        check(engine, asked.file)
        engine.execute(copied(accepted(), asked.output / "written" / "data.parquet"))
        engine.execute(copied(rejected(), asked.output / "rejected.parquet"))


if __name__ == "__main__":
    process(work())
    end_process()
