"""CSV files as raw record batches: every cell as text, every row numbered.

pyarrow's reader does the parsing. Cells are read dictionary-encoded, so that checks run once per
distinct value, except in columns that a sample of the file shows to have hardly any repetition.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import deque
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from pipeline.arrow_types import TEXT
from pipeline.distinct import WORTHWHILE_SHARE
from pipeline.errors import (
    DuplicateColumnError,
    EmptyFileError,
    MalformedCsvError,
    MissingColumnError,
    NoRowsError,
)
from pipeline.findings import Reject, Violation
from pipeline.formats import RawChunk, RawChunks, row_numbers
from pipeline.formats.text import BLOCK_BYTES, TextStream
from pipeline.plan import ROW_NUMBER
from pipeline.rules import Reason, spoken

if TYPE_CHECKING:
    from pipeline.plan import Plan

_SAMPLE_BYTES: Final = 256 * 1024


def read_csv(text: TextStream, plan: Plan) -> RawChunks:
    """Yield the file's rows, a block at a time.

    Raises
    ------
    EmptyFileError, NoRowsError, MissingColumnError, DuplicateColumnError, MalformedCsvError
        If the file as a whole is not what the contract describes.
    """
    head = text.head(_SAMPLE_BYTES)
    header = _header(head, plan)
    _check_header(header, plan)
    numbering = _RowNumbering()
    try:
        reader = pacsv.open_csv(
            text,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=_parse_options(plan, numbering),
            convert_options=pacsv.ConvertOptions(
                column_types=_column_types(head, header, plan),
                strings_can_be_null=False,
                check_utf8=False,  # the text stream has done that, and says where
            ),
        )
        chunk = None
        for chunk in _chunks(reader, numbering):
            yield chunk
        if chunk is None:
            raise _no_rows()
        _check_last_quote(chunk, text, plan)
    except pa.ArrowInvalid as error:
        raise MalformedCsvError(
            f"The CSV cannot be taken apart after row {numbering.passed:,}: {_first_line(error)}.",
            remedy="Look for a quote that is opened and never closed near that row.",
        ) from error


def _chunks(reader: pacsv.CSVStreamingReader, numbering: _RowNumbering) -> RawChunks:
    for batch in reader:
        if batch.num_rows:
            if ROW_NUMBER in batch.schema.names:  # a column of the file's own, in no contract
                batch = batch.drop_columns([ROW_NUMBER])  # noqa: PLW2901
            numbers, malformed = numbering.numbered(batch.num_rows)
            yield RawChunk(batch.append_column(ROW_NUMBER, numbers), malformed)
    if malformed := numbering.rest():
        yield RawChunk(
            pa.RecordBatch.from_arrays([pa.array([], pa.int64())], [ROW_NUMBER]), malformed
        )


def _check_last_quote(chunk: RawChunk, text: TextStream, plan: Plan) -> None:
    """Raise if the file ends inside quotes: the last row has then swallowed what follows them."""
    quote = plan.source.quote
    malformed = chunk.malformed[-1] if chunk.malformed else None
    last = chunk.batch.column(ROW_NUMBER)[-1].as_py() if chunk.batch.num_rows else 0
    if malformed is not None and malformed.row_number > last:
        last = malformed.row_number
        swallowed = bool(quote) and malformed.raw.count(quote) % 2 == 1 and "\n" in malformed.raw
    else:
        cell = chunk.batch.column(chunk.batch.num_columns - 2)[-1].as_py()
        swallowed = bool(quote) and "\n" in cell and text.last_byte != quote.encode()
    if swallowed:
        raise MalformedCsvError(
            f"A quote is opened in row {last:,} and never closed: all that follows is one cell.",
            remedy="Close it, or double it where it is part of the text; then upload again.",
        )


def _no_rows() -> NoRowsError:
    return NoRowsError(
        "The file has a header and no rows.",
        remedy="Check the export that wrote it; an empty delivery needs no file.",
    )


class _RowNumbering:
    """Numbers of the data rows; those with a wrong number of cells are kept as rejects."""

    def __init__(self) -> None:
        self.passed = 0
        self._malformed: deque[Reject] = deque()

    def skip(self, row: pacsv.InvalidRow) -> str:
        """Handle a row that pyarrow cannot fit into the columns; it counts the header as 1."""
        message = (
            f"{spoken(Reason.CELLS, None)}: {row.actual_columns} instead of {row.expected_columns}"
        )
        violation = Violation(None, Reason.CELLS, row.actual_columns, message)
        self._malformed.append(Reject(row.number - 1, (violation,), row.text))
        return "skip"

    def numbered(self, rows: int) -> tuple[pa.Array, list[Reject]]:
        """Row numbers of the next `rows` good rows, and the malformed ones between them."""
        last = self.passed + rows
        between = []
        while self._malformed and self._malformed[0].row_number <= last + 1:
            between.append(self._malformed.popleft())
            last += 1
        numbers = row_numbers(self.passed + 1, last - self.passed)
        if between:
            skipped = pa.array([reject.row_number for reject in between], pa.int64())
            numbers = numbers.filter(pc.invert(pc.is_in(numbers, skipped)))
        self.passed = last
        return numbers, between

    def rest(self) -> list[Reject]:
        """Malformed rows after the last good one."""
        left, self._malformed = list(self._malformed), deque()
        self.passed += len(left)
        return left


def _parse_options(plan: Plan, numbering: _RowNumbering) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(
        delimiter=plan.source.delimiter,
        quote_char=plan.source.quote or False,
        newlines_in_values=bool(plan.source.quote),
        invalid_row_handler=numbering.skip,
    )


def _header(head: bytes, plan: Plan) -> list[str]:
    if not head.strip():
        raise EmptyFileError(
            "The file holds nothing but white space.", remedy="Check the export that wrote it."
        )
    lines = io.StringIO(head.decode("utf-8", errors="replace"), newline="")
    quote = plan.source.quote or None
    rows = csv.reader(
        lines,
        delimiter=plan.source.delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    found: list[list[str]] = []
    try:
        for row in itertools.islice(filter(None, rows), 2):
            found.append(row)
    except csv.Error as error:
        if not found:
            raise MalformedCsvError(
                f"The header cannot be taken apart: {error}.",
                remedy="Look for a quote that is opened and never closed in the first line.",
            ) from error
        return found[0]  # the reader itself tells what is wrong below
    if len(found) == 1 and len(head) < _SAMPLE_BYTES:
        raise _no_rows()
    return found[0]


def _check_header(header: list[str], plan: Plan) -> None:
    missing = tuple(column.name for column in plan.columns if column.name not in header)
    if missing:
        raise MissingColumnError(
            f"The file lacks {_listed(missing)}; its header has {_listed(header)}.",
            remedy=f"Deliver all {len(plan.columns)} columns of the contract, in any order, with "
            f"a header row and the delimiter {plan.source.delimiter!r}.",
            columns=missing,
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DuplicateColumnError(
            f"The header names {_listed(twice)} more than once.",
            remedy="Rename the columns in the export: the contract cannot tell them apart.",
        )


def _listed(names: list[str] | tuple[str, ...], most: int = 30) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _column_types(head: bytes, header: list[str], plan: Plan) -> dict[str, pa.DataType]:
    """Dictionary-encoded text where values repeat in the sample, plain text elsewhere."""
    types = dict.fromkeys(header, TEXT)
    complete = head[: head.rfind(b"\n") + 1]
    try:
        sample = pacsv.read_csv(
            io.BytesIO(complete),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=len(complete) + 1),
            parse_options=_parse_options(plan, _RowNumbering()),
            convert_options=pacsv.ConvertOptions(
                column_types=types, strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:  # a quoted cell cut by the sample's end: the reader itself will tell
        return types
    for name, column in zip(sample.column_names, sample.columns, strict=True):
        distinct = max((len(chunk.dictionary) for chunk in column.chunks), default=0)
        if distinct > WORTHWHILE_SHARE * sample.num_rows:
            types[name] = pa.string()
    return types


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300].rstrip(".")
