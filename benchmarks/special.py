"""Datasets of an unusual shape: many columns, wide texts, no value that comes twice.

A dataset is told once, here: its contract, its file and what `plain_peers` check come of it. Of
every hundred rows two break the contract, and of every hundred five have a text to trim.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Cells = Callable[[Random, int], str]

SEED: Final = 20130101
BAD_SHARE: Final = 0.02
UNTIDY_SHARE: Final = 0.05
BROKEN: Final = "?"
"""Breaks every type and every pattern."""
WIDE_COLUMNS: Final = 500
LETTER_CHARACTERS: Final = 10_000
_BOOK_WORDS: Final = 50_000
_WORDS: Final = ("north", "south", "east", "west", "up", "down", "left", "right", "in", "out")
_WORD: Final = "^ *[a-z]+ *$"
_BEGINNING: Final = datetime(2013, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Column:
    """A column: its type in the contract, its rule, and the cells of a file.

    `most` is a number's maximum (its minimum is 0), `pattern` a text's regular expression.
    """

    name: str
    kind: str
    cells: Cells
    most: int | None = None
    pattern: str | None = None
    key: bool = False

    def described(self) -> dict[str, Any]:
        """Return the column in the words of the contract standard."""
        options: dict[str, Any] = {}
        if self.most is not None:
            options |= {"minimum": 0, "maximum": self.most}
        if self.pattern is not None:
            options["pattern"] = self.pattern
        if self.kind == "timestamp":
            options |= {"format": "yyyy-MM-dd'T'HH:mm:ssX", "timezone": True}
        found = {"name": self.name, "logicalType": self.kind, "required": True}
        found |= {"primaryKey": True, "primaryKeyPosition": 1} if self.key else {}
        return found | ({"logicalTypeOptions": options} if options else {})


def _id(_: Random, row: int) -> str:
    return str(row)


def _whole(random: Random, _: int) -> str:
    return str(random.randrange(1_000))


def _decimal(random: Random, _: int) -> str:
    return str(random.randrange(10_000) / 100)


def _word(random: Random, _: int) -> str:
    return random.choice(_WORDS)


def _wide() -> list[Column]:
    return [
        Column("id", "integer", _id, key=True),
        *(Column(f"c{number}", *_KINDS[number % len(_KINDS)]) for number in range(1, WIDE_COLUMNS)),
    ]


_KINDS: Final[list[tuple[str, Cells, int | None, str | None]]] = [
    ("integer", _whole, 999, None),
    ("number", _decimal, 100, None),
    ("string", _word, None, _WORD),
]


def _letters() -> list[Column]:
    random = Random(SEED)
    book = " ".join(random.choices(_WORDS, k=_BOOK_WORDS))

    def letter(random: Random, _: int) -> str:
        begin = random.randrange(len(book) - LETTER_CHARACTERS)
        return "a" + book[begin : begin + LETTER_CHARACTERS - 2] + "z"

    return [
        Column("id", "integer", _id, key=True),
        Column("sender", "string", _word, pattern=_WORD),
        Column("letter", "string", letter, pattern="^ *a[a-z ]+z *$"),
    ]


def _distinct() -> list[Column]:
    return [
        Column("id", "integer", _id, key=True),
        Column("code", "string", _code, pattern="^ *[0-9a-f]{32} *$"),
        Column("person", "string", lambda _, row: f"p{row}@example.com", pattern="^ *[a-z0-9]+@"),
        Column("amount", "number", lambda _, row: f"{row}.25", most=10**12),
        Column("counted", "integer", lambda _, row: str(row * 7), most=10**12),
        Column(
            "moment", "timestamp", lambda _, row: f"{_BEGINNING + timedelta(seconds=row):{_ISO}}"
        ),
    ]


def _code(random: Random, _: int) -> str:
    return f"{random.getrandbits(128):032x}"


_ISO: Final = "%Y-%m-%dT%H:%M:%SZ"
COLUMNS: Final[dict[str, Callable[[], list[Column]]]] = {
    "wide": _wide,
    "letters": _letters,
    "distinct": _distinct,
}


def write_special(file: Path, name: str, rows: int) -> None:
    """Write a CSV file of so many rows of one of the datasets."""
    columns = COLUMNS[name]()
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        writer.writerows(_rows(columns, rows))


def _rows(columns: list[Column], rows: int) -> Iterator[list[str]]:
    random = Random(SEED)
    texts = [number for number, column in enumerate(columns) if column.kind == "string"]
    for row in range(rows):
        cells = [column.cells(random, row) for column in columns]
        if random.random() < UNTIDY_SHARE:
            number = random.choice(texts)
            cells[number] = f" {cells[number]} "
        if random.random() < BAD_SHARE:
            cells[random.randrange(len(columns))] = BROKEN
        yield cells


def write_datasets(folder: Path) -> None:
    """Write the contracts and steps of all of them, a folder each."""
    for name, columns in COLUMNS.items():
        dataset = folder / name
        dataset.mkdir(parents=True)
        for file, document in (
            ("contract.odcs.yaml", _contract(name, columns())),
            ("pipeline.yaml", _STEPS),
        ):
            (dataset / file).write_text(json.dumps(document, indent=1), "utf-8")  # JSON is YAML


def _contract(name: str, columns: list[Column]) -> dict[str, Any]:
    location = f"s3://landing/input/{name}/*.csv"
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"benchmark-{name}",
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "landing", "type": "s3", "location": location, "format": "csv"}],
        "schema": [{"name": name, "properties": [column.described() for column in columns]}],
    }


_STEPS: Final = {
    "rejects": {"max_share": 0.5},
    "clean": {"all": ["trim"]},
    "write": {"format": "parquet", "compression": "zstd"},
}
