"""Which lines of a CSV file name its columns, and which are no data: notes, comments, totals."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from pipeline.authoring.profile_records import ESCAPE, Row, rows_of
from pipeline.authoring.profile_words import is_missing_word
from pipeline.formats.text import TextStream

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.plan_contract import Source

_HEAD_BYTES: Final = 256 * 1024
_TAIL_BYTES: Final = 64 * 1024
_MOST_LINES: Final = 50
"""Lines above a header, or below the last row: with more of them it is another kind of file."""
_MOSTLY: Final = 0.5
_NEARLY: Final = 0.9
_ENOUGH: Final = 3
_COMMENT: Final = "#"
_FOOTER: Final = re.compile(
    r"\W*(grand total|total|sum|summe|gesamt|insgesamt|totale|end of|eof|source|quelle|note)\b"
    r"|\W*[0-9.,]+ (rows?|records?|lines?|zeilen|datensätze)\b|[-=*]{3}",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"[-+]?[0-9][0-9.,' ]*([eE][-+]?[0-9]+)?")
_UNIT: Final = re.compile(r"[\[(]?[^\d\s]{1,12}[\])]?")


@dataclass(frozen=True)
class Layout:
    """What is no data in a CSV file, as the plan says it; `notes` are sentences about guesses.

    `names` are the cells that name the columns, as they stand.
    """

    names: tuple[str, ...] = ()
    header_rows: tuple[int, ...] = (1,)
    comment: str = ""
    footer_rows: int = 0
    escape: str = ""
    skip_initial_space: bool = False
    notes: tuple[str, ...] = ()

    def applied(self, source: Source) -> Source:
        """Return the dialect with this layout."""
        return replace(
            source,
            header_rows=self.header_rows,
            comment=self.comment,
            footer_rows=self.footer_rows,
            escape=self.escape,
            skip_initial_space=self.skip_initial_space,
            double_quote=source.double_quote and not self.escape,
        )


def layout_of(path: Path, source: Source) -> Layout:
    """Return the layout of a CSV file whose delimiter, quote and encoding are known.

    Raises
    ------
    DataError
        If the file cannot be read; see `pipeline/errors.py`.
    """
    head, tail = _ends(path, source)
    return layout_of_text(head, tail, source)


def layout_of_text(head: str, tail: str, source: Source) -> Layout:
    """Return the layout of a file that begins and ends with these texts."""
    escape = _escape(head, source)
    spaces = _has_initial_spaces(head, source)
    source = replace(source, escape=escape, double_quote=not escape, skip_initial_space=spaces)
    records = rows_of(head, source)
    comment = _comment(records)
    rows = [one for one in records if not _is_comment(one, comment)]
    width = _usual_width(rows)
    header_rows = _header_rows(rows, width) if width else (1,)
    footer_rows = _footer_rows(tail, source, comment, width) if width else 0
    return Layout(
        _named(rows, header_rows),
        header_rows,
        comment,
        footer_rows,
        escape,
        spaces,
        _notes(comment, header_rows, footer_rows, spaces=spaces),
    )


def _ends(path: Path, source: Source) -> tuple[str, str]:
    """Text of a file's beginning, and of its end from the beginning of a line."""
    with path.open("rb") as file:
        stream = TextStream(file, encoding=source.encoding or "utf-8")
        head = tail = stream.read(_HEAD_BYTES)
        while block := stream.read():
            tail = (tail + block)[-_TAIL_BYTES:]
    whole = len(tail) < _TAIL_BYTES or len(head) < _HEAD_BYTES
    lines = tail if whole else tail[tail.find(b"\n") + 1 :]
    return head.decode("utf-8", errors="ignore"), lines.decode("utf-8", errors="ignore")


def _escape(text: str, source: Source) -> str:
    """The backslash, if quotes inside cells follow one and more rows are regular with it."""
    if not source.quote or f"{ESCAPE}{source.quote}" not in text:
        return ""
    escaped = replace(source, escape=ESCAPE, double_quote=False)
    return ESCAPE if _regular(rows_of(text, escaped)) > _regular(rows_of(text, source)) else ""


def _has_initial_spaces(text: str, source: Source) -> bool:
    """Whether nearly all cells but the first of each row begin with a space."""
    delimiter = source.delimiter or ","
    cells = text.count(delimiter)
    return cells >= _ENOUGH and text.count(f"{delimiter} ") >= _NEARLY * cells


def _regular(records: list[Row]) -> float:
    """Share of the rows that have as many cells as most rows."""
    widths = Counter(len(one.cells) for one in records)
    return max(widths.values(), default=0) / max(1, len(records))


def _comment(records: list[Row]) -> str:
    """The mark of comments; a header may begin with it, too, and is none."""
    marked = [one for one in records if _is_comment(one, _COMMENT)]
    others = [one for one in records if not _is_comment(one, _COMMENT)]
    if not marked or not others:
        return ""
    is_header = marked == records[:1] and len(marked[0].cells) == _usual_width(others)
    return "" if is_header else _COMMENT


def _is_comment(record: Row, mark: str) -> bool:
    return bool(mark) and record.cells[0].startswith(mark)


def _usual_width(rows: list[Row]) -> int | None:
    """Cells that most rows have, if that is more than one."""
    if not rows:
        return None
    ((width, times),) = Counter(len(row.cells) for row in rows).most_common(1)
    return width if width > 1 and times > _MOSTLY * len(rows) else None


def _header_rows(rows: list[Row], width: int) -> tuple[int, ...]:
    """The first line that names columns, and the next one, if it has their units."""
    at = next((at for at, row in enumerate(rows) if _names(row, width)), _MOST_LINES + 1)
    if at > _MOST_LINES:
        return (1,)
    below = rows[at + 1 :]
    above = max((row.filled for row in rows[:at]), default=0)
    if above > _MOSTLY * width and not (above < width and _are_numbered(rows[at], below)):
        return (1,)
    if below and _are_units(below[0], below[1:], width):
        return (rows[at].line, below[0].line)
    return (rows[at].line,) if at else (1,)


def _names(row: Row, width: int) -> bool:
    """Whether a row could name columns: as many cells as the others, hardly empty, few numbers."""
    numbers = sum(_NUMBER.fullmatch(cell.strip()) is not None for cell in row.cells)
    return len(row.cells) == width and row.filled > _MOSTLY * width and numbers < row.filled


def _are_numbered(row: Row, below: list[Row]) -> bool:
    """Whether a row has no number, and nearly all of those below have one: it is no row itself."""
    numbered = [any(_NUMBER.fullmatch(cell.strip()) for cell in one.cells) for one in (row, *below)]
    return not numbered[0] and sum(numbered) >= _NEARLY * len(below) > 0


def _named(rows: list[Row], header_rows: tuple[int, ...]) -> tuple[str, ...]:
    """Cells of the header's lines, those of one column joined, as the reader does it."""
    header = rows[:1] if header_rows == (1,) else [one for one in rows if one.line in header_rows]
    columns = zip_longest(*(one.cells for one in header), fillvalue="")
    return tuple(" ".join(filter(None, column)) for column in columns)


def _are_units(row: Row, below: list[Row], width: int) -> bool:
    """Whether a row has units of measurement above columns of numbers, and nothing else."""
    regular = [one.cells for one in below if len(one.cells) == width]
    if len(row.cells) != width or len(regular) < _ENOUGH:
        return False
    numeric = [
        cell.strip()
        for at, cell in enumerate(row.cells)
        if all(_NUMBER.fullmatch(cells[at].strip()) for cells in regular if cells[at].strip())
        and any(cells[at].strip() for cells in regular)
    ]
    named = [cell for cell in numeric if cell]
    return bool(named) and all(
        _UNIT.fullmatch(cell) and not is_missing_word(cell) for cell in named
    )


def _footer_rows(tail: str, source: Source, comment: str, width: int) -> int:
    """Lines at the end that are totals or remarks, and what stands between them."""
    rows = [one for one in rows_of(tail, source) if not _is_comment(one, comment)][-_MOST_LINES:]
    data = [at for at, row in enumerate(rows) if not _is_footer(row, width)]
    if not data or data[-1] + 1 == len(rows):
        return 0
    lines = len(io.StringIO(tail.rstrip(), newline="").readlines())
    return lines - rows[data[-1] + 1].line + 1


def _is_footer(row: Row, width: int) -> bool:
    """Whether a row begins like a total or a remark, and has fewer values than a row has."""
    return row.filled < width and bool(_FOOTER.match(row.cells[0].strip()))


def _notes(
    comment: str, header_rows: tuple[int, ...], footer_rows: int, *, spaces: bool
) -> tuple[str, ...]:
    notes = []
    if spaces:
        notes.append("spaces after a delimiter are passed over")
    if comment:
        notes.append(f"lines that begin with {comment} are taken for comments")
    if header_rows != (1,):
        lines = " and ".join(str(line) for line in header_rows)
        notes.append(f"the columns are named in line {lines}; lines above are passed over")
    if footer_rows:
        lines = "line is" if footer_rows == 1 else f"{footer_rows} lines are"
        notes.append(f"the last {lines} taken for totals or remarks, not for rows")
    return tuple(notes)
