"""The answer to a query as a table, as JSON or as CSV."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from pipeline.rules import json_ready

if TYPE_CHECKING:
    from cli.query import Answer

WIDEST: Final = 40
"""Characters of a cell that are shown at most."""
_MARGIN: Final = 2
"""Characters between two columns of the table."""


def json_rows(answer: Answer) -> list[dict[str, Any]]:
    """Rows as JSON objects: moments and decimals as text, NaN and the infinities as null."""
    names = answer.names
    return [dict(zip(names, (_json(value) for value in row), strict=True)) for row in answer.rows]


def write_csv(answer: Answer) -> None:
    """Write the rows to stdout as CSV with a header; NULL is empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.names)
    writer.writerows([_text(value) for value in row] for row in answer.rows)


def answer_table(answer: Answer, width: int) -> tuple[Table, int]:
    """Return a table as wide as fits, and how many columns found no room in it."""
    cells = [[_cell(value) for value in row] for row in answer.rows]
    widths = [
        min(WIDEST, max([len(name), *(len(row[at]) for row in cells)]))
        for at, name in enumerate(answer.names)
    ]
    shown = _fitting(widths, width)
    table = Table(box=None, padding=(0, _MARGIN, 0, 0), pad_edge=False, header_style="bold")
    for name, numeric in list(zip(answer.names, answer.numeric, strict=True))[:shown]:
        table.add_column(
            Text(name),
            justify="right" if numeric else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=WIDEST,
        )
    for row in cells:
        table.add_row(*row[:shown])
    return table, len(widths) - shown


def _fitting(widths: list[int], width: int) -> int:
    """Return how many columns there is room for; the first is always shown."""
    taken = 0
    for at, needed in enumerate(widths):
        taken += needed + _MARGIN
        if taken > width and at:
            return at
    return len(widths)


def _cell(value: Any) -> Text:
    return Text("NULL", style="dim") if value is None else Text(" ".join(_text(value).split("\n")))


def _text(value: Any) -> str:
    """Text of a value; empty for NULL."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    plain = _json(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _json(value: Any) -> Any:
    """Value that JSON can hold, with what lists and structs hold."""
    if isinstance(value, dict):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    return value.hex() if isinstance(value, bytes) else json_ready(value)
