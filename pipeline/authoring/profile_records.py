"""The rows of a piece of CSV text, taken apart as the pipeline's own reader does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.formats.csv_dialect import CsvDialect
from pipeline.formats.csv_records import Record, RecordReader, Stray

if TYPE_CHECKING:
    from pipeline.plan_contract import Source


ESCAPE: Final = "\\"
"""What stands before a quote inside a cell, where quotes are not doubled."""


class Row(NamedTuple):
    """Cells of a row, and the line that it begins on, from 1."""

    line: int
    cells: list[str]

    @property
    def filled(self) -> int:
        """Cells with more in them than white space."""
        return sum(bool(cell.strip()) for cell in self.cells)


def rows_of(text: str, source: Source, *, final: bool = True) -> list[Row]:
    """Return the rows of a text that begins with a line, but for blank ones.

    A line with a stray quote is a row of one cell.

    Parameters
    ----------
    final
        Whether the file ends where the text does; if not, a row that is not whole is left out.
    """
    dialect = CsvDialect.of(source, source.delimiter or ",")
    content = text.encode()
    reader = RecordReader(dialect, 0, len(content) + 1)
    rows: list[Row] = []
    at, line = 0, 1
    while at < len(content):
        found = reader.take(content, at, final=final)
        if found is None:
            break
        cells, end = _line(content, at, dialect) if isinstance(found, Stray) else _taken(found)
        if any(cell.strip() for cell in cells):
            rows.append(Row(line, [cell.decode() for cell in cells]))
        line += dialect.lines(content, at, end)
        at = end
    return rows


def _taken(record: Record) -> tuple[list[bytes], int]:
    return record.cells, record.end


def _line(content: bytes, at: int, dialect: CsvDialect) -> tuple[list[bytes], int]:
    ended = dialect.line_end.search(content, at)
    text_end, end = ended.span() if ended else (len(content), len(content))
    return [content[at:text_end]], end
