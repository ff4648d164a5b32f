"""Markdown: tables, and what a docstring says, whose tables are those of reStructuredText."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RULE: Final = re.compile(r"=+( +=+)+")
_TABLE: Final = re.compile(r"^ *=+(?: +=+)+\n(?:.+\n)*? *=+(?: +=+)+$(?!\n.)", re.MULTILINE)


_DEFINED: Final = re.compile(r"^(\w+)\n((?: +\S.*(?:\n|$))+)", re.MULTILINE)
"""A word, and what it means, set in."""


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def table(head: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table of rows."""
    names = list(head)
    return "\n".join([row(*names), row(*("---" for _ in names)), *rows])


def told(docstring: str, head: Iterable[str]) -> str:
    """Return what a docstring says after its title; `head` names columns that it does not name."""
    _, _, body = docstring.partition("\n\n")
    names = list(head)
    text = _DEFINED.sub(lambda found: f"* `{found[1]}`: {' '.join(found[2].split())}\n", body)
    return _TABLE.sub(lambda found: _converted(found[0].splitlines(), names), text.strip())


def _converted(lines: list[str], head: list[str]) -> str:
    starts = [run.start() for run in re.finditer("=+", lines[0])]
    rules = [at for at, line in enumerate(lines) if _RULE.fullmatch(line.strip())]
    if len(rules) > 2:
        (head,) = _rows(lines[1 : rules[1]], starts)
    rows = _rows(lines[rules[-2] + 1 : rules[-1]], starts)
    return table(head, [row(*cells) for cells in rows])


def _rows(lines: list[str], starts: list[int]) -> Iterator[list[str]]:
    """Cells of the rows; a line whose first cell is empty goes on with the row before."""
    rows: list[list[str]] = []
    for line in lines:
        ends = [*starts[1:], len(line)]
        cells = [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [f"{before} {more}" for before, more in zip(rows[-1], cells, strict=True)]
    yield from rows
