"""One naive function: two columns more, nothing validated, cleaned or looked up.

What there was before there were stages: the least that a pandas user would do to a file.
"""

from __future__ import annotations

import pandas as pd

from benchmarks.ending import end_process
from benchmarks.peers.arguments import Work, work


def process(asked: Work) -> None:
    """Write the rows as CSV, with when and how they were processed."""
    rows = pd.read_csv(asked.file)
    rows["processed_date"] = pd.Timestamp.now(tz="UTC").isoformat()
    rows["status"] = "processed"
    rows.to_csv(asked.output / "copy.csv", index=False)


if __name__ == "__main__":
    process(work())
    end_process()
