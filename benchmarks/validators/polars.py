"""The contract's rules as polars expressions: the first stage of the peer, and nothing after it."""

from __future__ import annotations

import polars as pl

from benchmarks.ending import end_process
from benchmarks.peers.arguments import Work, work
from benchmarks.peers.polars import accepted, checked, rejected, scanned


def process(asked: Work) -> None:
    """Write the accepted rows, and the rejected ones with the columns whose rules they break."""
    rows = checked(scanned(asked.file)).collect().lazy()
    kept, broken = pl.collect_all([accepted(rows), rejected(rows)])
    kept.write_parquet(asked.output / "written" / "data.parquet", compression_level=1)
    broken.write_parquet(asked.output / "rejected.parquet", compression_level=1)


if __name__ == "__main__":
    process(work())
    end_process()
