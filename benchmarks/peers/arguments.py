"""The command line that all peers share: FILE OUTPUT --lookups FOLDER."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final, NamedTuple

LOOKUPS: Final = Path("datasets/flights/lookups")


class Work(NamedTuple):
    """A file to process, an empty folder for what comes of it, and the folder of lookups."""

    file: Path
    output: Path
    lookups: Path


def work() -> Work:
    """Return what the command line asks for; the folder for what is written exists."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--lookups", type=Path, default=LOOKUPS)
    asked = parser.parse_args()
    (asked.output / "written").mkdir(parents=True, exist_ok=True)
    return Work(asked.file, asked.output, asked.lookups)
