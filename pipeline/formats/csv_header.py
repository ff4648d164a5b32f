"""The header of a CSV file: its columns, read off the text before any row is."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from pipeline.errors import (
    ColumnLimitError,
    DuplicateColumnError,
    EmptyFileError,
    ExtraColumnError,
    MalformedCsvError,
    MissingColumnError,
    RowLimitError,
)
from pipeline.formats.csv_dialect import DELIMITERS, CsvDialect
from pipeline.formats.csv_records import RecordReader, Stray
from pipeline.formats.limits import limit_error
from pipeline.plan import REFUSED, is_own_name

if TYPE_CHECKING:
    from pipeline.formats.text import TextStream
    from pipeline.plan import Plan

_FIRST_TRY_BYTES: Final = 64 * 1024
_NAMES_SHOWN: Final = 30
_CHARACTERS_SHOWN: Final = 60


@dataclass(frozen=True)
class Header:
    """What a file's header says.

    `names` are its columns in their order, each under a name of its own; `wanted` those of them
    that are read. `lines` is the number of lines before the first row.
    """

    dialect: CsvDialect
    names: list[str]
    wanted: list[str]
    lines: int


class _Found(NamedTuple):
    """A header as one delimiter takes it apart: its cells, and where it ends.

    `cells` is None where a quote is opened and not closed, `columns` then a lower bound.
    """

    delimiter: str
    columns: int
    cells: list[str] | None = None
    end: int = 0
    lines: int = 0


def take_header(text: TextStream, plan: Plan) -> Header:
    """Consume the header and what stands before it; return what it says.

    Raises
    ------
    EmptyFileError, MalformedCsvError, MissingColumnError, DuplicateColumnError, ExtraColumnError
        If it is none, or not the contract's.
    RowLimitError, ColumnLimitError
        If it is beyond the limits; nothing is allocated for each of its columns then.
    """
    skipped = text.skip_blank_lines() if plan.source.header_rows == (1,) else 0
    found = _found(text, plan)
    dialect = CsvDialect.of(plan.source, found.delimiter)
    if not plan.source.header_rows:
        names = [column.source_name for column in plan.columns]
        return Header(dialect, names, names, 0)
    header = found.cells or []
    _check_names(header, plan, found.delimiter)
    text.read(found.end)
    names = _distinct(header, plan)
    known = {column.source_name for column in plan.columns}
    keep = plan.drift.extra_column == "keep" or not plan.columns  # no contract: all are wanted
    wanted = [name for name in names if keep or name in known]
    return Header(dialect, names, wanted, skipped + found.lines)


def _found(text: TextStream, plan: Plan) -> _Found:
    """The header under the delimiter that fits it best."""
    size = _FIRST_TRY_BYTES
    while True:
        head = text.head(size)
        whole = len(head) < size
        if whole and not head.strip():
            raise EmptyFileError(
                "The file holds nothing but white space.", remedy="Check the export that wrote it."
            )
        tried = [_under(delimiter, head, plan, whole=whole) for delimiter in _delimiters(plan)]
        found = [one for one in tried if one is not None]
        if len(found) == len(tried) or any(one.columns > plan.limits.max_columns for one in found):
            return _best(found, plan)
        if size > plan.limits.max_row_bytes:
            said = f"The header has more than {plan.limits.max_row_bytes:,} bytes"
            raise limit_error(RowLimitError, plan.limits, "max_row_bytes", said)
        size = min(4 * size, plan.limits.max_row_bytes + 1)


def _delimiters(plan: Plan) -> tuple[str, ...]:
    return DELIMITERS if plan.source.delimiter is None else (plan.source.delimiter,)


def _best(found: list[_Found], plan: Plan) -> _Found:
    """The one that names most of the contract's columns; the first of equally good ones."""
    best = max(found, key=lambda one: _fitting(one, plan))
    if not plan.source.header_rows:
        return best
    too_wide = [one for one in found if one.columns > plan.limits.max_columns]
    if too_wide and (best in too_wide or not _fitting(best, plan)):
        raise limit_error(
            ColumnLimitError,
            plan.limits,
            "max_columns",
            f"The header names {too_wide[0].columns:,} columns or more (the delimiter is "
            f"{too_wide[0].delimiter!r})",
        )
    if best.cells is None:
        raise MalformedCsvError(
            "The header cannot be taken apart: a quote is opened and never closed as one is, "
            "before a delimiter or the end of the line.",
            remedy="Look at the quotes of the first line.",
        )
    return best


def _fitting(found: _Found, plan: Plan) -> int:
    """How many columns a header shares with the contract."""
    if found.cells is None:
        return 0
    if not plan.source.header_rows:
        return int(found.columns == len(plan.columns))
    return len({column.source_name for column in plan.columns} & set(found.cells))


def _under(delimiter: str, head: bytes, plan: Plan, *, whole: bool) -> _Found | None:
    """The header under a delimiter; None if it goes on beyond the head."""
    dialect = CsvDialect.of(plan.source, delimiter)
    reader = RecordReader(dialect, 0, plan.limits.max_row_bytes)
    at, lines, wanted = 0, 0, plan.source.header_rows
    if wanted in ((), (1,)):
        at, lines = _after_comments(head, dialect)
        wanted = (lines + 1,)
    cells: list[list[str]] = []
    while lines < max(wanted):
        if lines + 1 in wanted:
            width = _width(head, at, dialect)
            found = reader.take(head, at, final=whole) if width <= plan.limits.max_columns else None
            if isinstance(found, Stray) or width > plan.limits.max_columns:
                return _Found(delimiter, width)
            if found is None:
                return None
            cells.append([cell.decode() for cell in found.cells])
            end = found.end
        else:
            end = _line_end(head, at, dialect)
            if not whole and end == len(head):
                return None
        if end == at:  # the file has fewer lines than that
            break
        lines += dialect.lines(head, at, end)
        at = end
    names = _joined(cells, plan.source.header_join)
    return _Found(delimiter, len(names), names, at, lines)


def _after_comments(head: bytes, dialect: CsvDialect) -> tuple[int, int]:
    """Where the first line begins that is neither blank nor a comment, and the lines before."""
    at = 0
    while at < len(head) and (
        dialect.is_comment(head, at) or dialect.line_end.match(head, at) is not None
    ):
        at = _line_end(head, at, dialect)
    return at, dialect.lines(head, 0, at)


def _line_end(head: bytes, at: int, dialect: CsvDialect) -> int:
    found = dialect.line_end.search(head, at)
    return found.end() if found else len(head)


def _width(head: bytes, at: int, dialect: CsvDialect) -> int:
    """Cells of a line, as far as delimiters outside of quotes tell, before any is allocated."""
    found = dialect.line_end.search(head, at)
    line = head[at : found.start() if found else len(head)]
    if dialect.quote:
        quote = re.escape(dialect.quote)
        line = re.sub(quote + b"[^" + quote + b"]*" + quote, b"", line)
    return line.count(dialect.delimiter) + 1


def _joined(rows: list[list[str]], join: str) -> list[str]:
    """One name of each column's cells, those without a text left out."""
    columns = zip_longest(*rows, fillvalue="")
    return [join.join(filter(None, column)) for column in columns]


def _distinct(header: list[str], plan: Plan) -> list[str]:
    """A name of its own for each column: extra ones may have none, or another's."""
    known = {column.source_name for column in plan.columns}
    taken = set(known)
    names: list[str] = []
    for number, said in enumerate(header, start=1):
        name = said
        if said not in known:
            name = said if said and not said.startswith(REFUSED) else f"column_{number}"
            while name in taken or is_own_name(name):
                name = f"{name}_{number}"
        taken.add(name)
        names.append(name)
    return names


def _check_names(header: list[str], plan: Plan, delimiter: str) -> None:
    """Raise unless the header has the columns that the contract and its drift policy ask for."""
    _check_missing(header, plan, delimiter)
    known = {column.source_name for column in plan.columns}
    twice = sorted(name for name, times in Counter(header).items() if times > 1 and name in known)
    if twice:
        raise DuplicateColumnError(
            f"The header names {_listed(twice)} more than once.",
            remedy="Rename the columns in the export: the contract cannot tell them apart.",
        )
    extra = [name for name in header if name not in known]
    if extra and plan.drift.extra_column == "reject-file":
        raise ExtraColumnError(
            f"The file has columns that the contract has not: {_listed(extra)}.",
            remedy="Add them to the contract, or choose another `drift.extra_column` than "
            "reject-file in pipeline.yaml.",
        )


def _check_missing(header: list[str], plan: Plan, delimiter: str) -> None:
    there = set(header)
    missing = [column for column in plan.columns if column.source_name not in there]
    optional = plan.drift.missing_column == "nulls" and len(missing) < len(plan.columns)
    lacking = tuple(column.source_name for column in missing if not optional or column.required)
    if lacking:
        columns = "columns" if plan.drift.missing_column == "reject-file" else "required columns"
        raise MissingColumnError(
            f"The file lacks {_listed(lacking)}; its header has {_listed(header)}.",
            remedy=f"Deliver all {columns} of the contract, in any order, with a header row and "
            f"the delimiter {delimiter!r}.",
            columns=lacking,
        )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(repr(name[:_CHARACTERS_SHOWN]) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "no names"
