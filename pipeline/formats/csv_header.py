"""The header of a CSV file: its columns, read off the text before any row is."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pipeline.errors import (
    ColumnLimitError,
    DuplicateColumnError,
    EmptyFileError,
    MalformedCsvError,
    MissingColumnError,
    RowLimitError,
)
from pipeline.formats.limits import limit_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.formats.text import TextStream
    from pipeline.plan import Plan

_FIRST_TRY_BYTES: Final = 64 * 1024
_LINE_END: Final = re.compile(rb"[\r\n]")
_NAMES_SHOWN: Final = 30
_CHARACTERS_SHOWN: Final = 60


def take_header(text: TextStream, plan: Plan) -> list[str]:
    """Consume the header; return its names.

    Raises
    ------
    EmptyFileError, MalformedCsvError, MissingColumnError, DuplicateColumnError
        If it is none, or not the contract's.
    RowLimitError, ColumnLimitError
        If it is beyond the limits; nothing is allocated for each of its columns then.
    """
    size = _FIRST_TRY_BYTES
    while True:
        head = text.head(size)
        if not head.strip():
            raise EmptyFileError(
                "The file holds nothing but white space.", remedy="Check the export that wrote it."
            )
        _check_column_count(head, plan)
        whole_text = len(head) < size
        if whole_text or _LINE_END.search(head):
            header, taken = _first_record(head, plan)
            if whole_text or taken < len(head):
                break
        if size > plan.limits.max_row_bytes:
            found = f"The header has more than {plan.limits.max_row_bytes:,} bytes"
            raise limit_error(RowLimitError, plan.limits, "max_row_bytes", found)
        size = min(4 * size, plan.limits.max_row_bytes + 1)
    _check_names(header, plan)
    text.read(taken)
    return header


def _check_column_count(head: bytes, plan: Plan) -> None:
    """Raise if the first line has too many delimiters outside of quotes."""
    line = _LINE_END.split(head, maxsplit=1)[0]
    if plan.source.quote:
        quote = re.escape(plan.source.quote.encode())
        line = re.sub(quote + b"[^" + quote + b"]*" + quote, b"", line)
    columns = line.count(plan.source.delimiter.encode()) + 1
    if columns > plan.limits.max_columns:
        raise limit_error(
            ColumnLimitError,
            plan.limits,
            "max_columns",
            f"The header names {columns:,} columns or more (the delimiter is "
            f"{plan.source.delimiter!r})",
        )


def _first_record(head: bytes, plan: Plan) -> tuple[list[str], int]:
    """Names of the first line that is not blank, and the bytes up to its end."""
    consumed: list[str] = []
    quote = plan.source.quote or None
    records = csv.reader(
        _noted(io.StringIO(head.decode("utf-8", errors="replace"), newline=""), consumed),
        delimiter=plan.source.delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    try:
        header = next(filter(None, records))
    except csv.Error as error:
        raise MalformedCsvError(
            f"The header cannot be taken apart: {error}.",
            remedy="Look for a quote that is opened and never closed in the first line.",
        ) from error
    # A character that the head's end cuts is replaced by one of another length.
    return header, min(len(head), sum(len(line.encode()) for line in consumed))


def _noted(lines: Iterable[str], consumed: list[str]) -> Iterator[str]:
    for line in lines:
        consumed.append(line)
        yield line


def _check_names(header: list[str], plan: Plan) -> None:
    known = set(header)
    missing = tuple(column.name for column in plan.columns if column.name not in known)
    if missing:
        raise MissingColumnError(
            f"The file lacks {_listed(missing)}; its header has {_listed(header)}.",
            remedy=f"Deliver all {len(plan.columns)} columns of the contract, in any order, with "
            f"a header row and the delimiter {plan.source.delimiter!r}.",
            columns=missing,
        )
    twice = sorted(name for name, times in Counter(header).items() if times > 1)
    if twice:
        raise DuplicateColumnError(
            f"The header names {_listed(twice)} more than once.",
            remedy="Rename the columns in the export: the contract cannot tell them apart.",
        )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(repr(name[:_CHARACTERS_SHOWN]) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
