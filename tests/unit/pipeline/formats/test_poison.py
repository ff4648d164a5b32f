"""Files that demand too much: what becomes of them, and how little memory and time they get."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[4]
MOST_MB = 600
"""A third of the functions' memory size; the libraries alone take 70 MB."""

# kind of file: the error, what its message says
REFUSED = {
    "bomb": (
        "CompressionRatioLimitError",
        r"^The first [\d,]+ bytes unpack to 6\d,\d+,\d+ or more",
    ),
    "blank bomb": ("CompressionRatioLimitError", "the limit maxCompressionRatio is 400"),
    "long line": ("RowLimitError", "begins at byte 9 of the text has more than 4,194,304 bytes"),
    "long quoted line": ("RowLimitError", "line that begins at byte 9 of"),
    "long json line": ("RowLimitError", "line that begins at byte 9 of the text"),
    "long json element": ("RowLimitError", "element that begins at character 2 of the JSON array"),
    "json without an end": ("MalformedJsonError", "',' expected, 'the end' found"),
    "long header": ("RowLimitError", "^The header has more than 4,194,304 bytes"),
    "wide header": ("ColumnLimitError", r"names [\d,]+ columns or more .* maxColumns is 5,000"),
    "blank lines": ("EmptyFileError", "white space"),
    "nul bytes": ("BinaryFileError", "not text"),
    "empty gzip members": ("CompressionError", "members without content"),
}
# kind of file: good rows, malformed ones
READ = {
    "long row of short lines": (1, 52_941),
    "blank lines below": (1, 0),
    "blank json lines": (1, 0),
    "malformed rows": (0, 32_768),
    "malformed lines": (1, 32_768),
    "long malformed rows": (0, 35_200),
    "wide rows": (1, 208),
    "many keys": (5, 0),
    "deep lines": (1, 5),
    "deep elements": (1, 5),
}


def outcome(kind: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "tests.unit.pipeline.formats.poison", kind],
        check=True,
        capture_output=True,
        cwd=REPOSITORY,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(run.stdout)
    assert found["peak_mb"] < MOST_MB
    return found


@pytest.mark.parametrize("kind", REFUSED)
def test_a_poison_file_is_refused_in_little_memory(kind: str) -> None:
    error, said = REFUSED[kind]

    found = outcome(kind)

    assert found["error"] == error
    assert re.search(said, found["message"])


@pytest.mark.parametrize("kind", READ)
def test_a_file_of_bad_rows_is_read_to_its_end_in_little_memory(kind: str) -> None:
    found = outcome(kind)

    assert found["error"] is None
    assert (found["good"], found["bad"]) == READ[kind]
