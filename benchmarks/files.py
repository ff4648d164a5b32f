"""Write a file to measure with: `python -m benchmarks.files DATASET ROWS FILE SAMPLES`.

A process of its own, whose memory is not counted as that of what is measured.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

from benchmarks.data import write_departures
from benchmarks.special import COLUMNS, write_special


def main(dataset: str, rows: int, file: Path, samples: Path) -> None:
    """Write the file aside, and rename it: one that is interrupted is never measured."""
    aside = file.with_name(f"part-{file.name}")
    longer = _longer(dataset, rows, file)
    if longer is not None:
        _write_beginning(aside, longer, rows)
    elif dataset in COLUMNS:
        write_special(aside, dataset, rows)
    else:
        write_departures(aside, rows, samples=samples)
    aside.replace(file)


def _longer(dataset: str, rows: int, file: Path) -> Path | None:
    """A file beside this one that begins with its rows, if there is any."""
    beside = file.parent.glob(f"{dataset}-*{file.suffix}")
    return next((each for each in beside if int(each.stem.rpartition("-")[2]) > rows), None)


def _write_beginning(file: Path, longer: Path, rows: int) -> None:
    header = 1 if file.suffix == ".csv" else 0
    with longer.open("rb") as lines, file.open("wb") as out:
        out.writelines(islice(lines, header + rows))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
