"""The least that a file from CSV to Parquet costs with pyarrow: no other work.

Whole numbers are read as such, but for a column that has cells which are none.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.ending import end_process
from benchmarks.peers.arguments import Work, work
from benchmarks.peers.departures import COLUMNS, MISSING, RANGES


def process(asked: Work) -> None:
    """Write the rows as Parquet."""
    numbers = RANGES.keys() - {"dep_delay"}
    types = {name: pa.int64() if name in numbers else pa.string() for name in COLUMNS}
    convert = pa.csv.ConvertOptions(column_types=types, null_values=list(MISSING))
    rows = pa.csv.read_csv(asked.file, convert_options=convert)
    pq.write_table(rows, asked.output / "copy.parquet", compression="zstd")


if __name__ == "__main__":
    process(work())
    end_process()
