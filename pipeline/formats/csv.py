"""CSV files as raw record batches: every cell as text, every row numbered.

pyarrow's reader does the parsing. Cells are read dictionary-encoded, so that checks run once per
distinct value, except in columns that a sample of the file shows to have hardly any repetition.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv

from pipeline.arrow_types import TEXT
from pipeline.distinct import WORTHWHILE_SHARE
from pipeline.errors import MalformedCsvError, NoRowsError
from pipeline.formats.csv_header import take_header
from pipeline.formats.csv_rows import RowNumbering
from pipeline.formats.limits import LimitedLines
from pipeline.formats.text import BLOCK_BYTES, TextStream
from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from pipeline.formats import RawChunk, RawChunks
    from pipeline.plan import Plan

_SAMPLE_BYTES: Final = 256 * 1024
_LINE_ENDS: Final = b"\r\n"


def read_csv(text: TextStream, plan: Plan) -> RawChunks:
    """Yield the file's rows, at most a block and at most `CHUNK_ROWS` of them at a time.

    The limit on a row's bytes is on each of its lines; a row whose quotes hold several lines
    together may have more, up to the parser's block, and is malformed beyond that.

    Raises
    ------
    EmptyFileError, NoRowsError, MissingColumnError, DuplicateColumnError, MalformedCsvError
        If the file as a whole is not what the contract describes.
    ColumnLimitError, RowLimitError
        If its header or a line is beyond the limits.
    """
    text.skip_blank_lines()
    header = take_header(text, plan)
    sample = _sample(text.head(_SAMPLE_BYTES), header, plan)
    # Where the first block has no row that fits, the parser would read on until it finds one.
    padding = b"" if sample is not None and sample.num_rows else _padding(header, plan)
    numbering = RowNumbering(len(header), padding=bool(padding))
    try:
        reader = pacsv.open_csv(
            LimitedLines(text, plan.limits, ends=_LINE_ENDS, before=padding),
            read_options=_read_options(header, max(BLOCK_BYTES, plan.limits.max_row_bytes)),
            parse_options=_parse_options(plan, numbering.skip),
            convert_options=_convert_options(_column_types(sample, header)),
        )
        chunk = None
        for chunk in _chunks(reader, numbering, padding=bool(padding)):
            yield chunk
        if chunk is None:
            raise NoRowsError(
                "The file has a header and no rows.",
                remedy="Check the export that wrote it; an empty delivery needs no file.",
            )
        _check_last_quote(chunk, text, plan)
    except pa.ArrowInvalid as error:
        raise MalformedCsvError(
            f"The CSV cannot be taken apart after row {numbering.passed:,}: {_first_line(error)}.",
            remedy="Look for a quote that is opened and never closed near that row. Where a cell "
            "really holds that many lines, raise `limits.maxRowBytes` in the contract's "
            "customProperties and deploy.",
        ) from error


def _chunks(
    reader: pacsv.CSVStreamingReader, numbering: RowNumbering, *, padding: bool
) -> RawChunks:
    for batch in reader:
        if padding and batch.num_rows:
            batch, padding = batch.slice(1), False  # noqa: PLW2901
        if ROW_NUMBER in batch.schema.names:  # a column of the file's own, in no contract
            batch = batch.drop_columns([ROW_NUMBER])  # noqa: PLW2901
        yield from numbering.chunks(batch)
    yield from numbering.rest()


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


def _read_options(header: list[str], block_bytes: int) -> pacsv.ReadOptions:
    return pacsv.ReadOptions(use_threads=False, block_size=block_bytes, column_names=header)


def _parse_options(plan: Plan, invalid_row_handler: Any) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(
        delimiter=plan.source.delimiter,
        quote_char=plan.source.quote or False,
        newlines_in_values=bool(plan.source.quote),
        invalid_row_handler=invalid_row_handler,
    )


def _convert_options(column_types: dict[str, pa.DataType]) -> pacsv.ConvertOptions:
    return pacsv.ConvertOptions(
        column_types=column_types,
        strings_can_be_null=False,
        check_utf8=False,  # the text stream has done that, and says where
    )


def _sample(head: bytes, header: list[str], plan: Plan) -> pa.Table | None:
    """The first rows; None where they cannot be had without what follows."""
    cut = len(head) == _SAMPLE_BYTES
    complete = head[: 1 + max(head.rfind(b"\n"), head.rfind(b"\r"))] if cut else head
    try:
        return pacsv.read_csv(
            io.BytesIO(complete),
            read_options=_read_options(header, len(complete) + 1),
            parse_options=_parse_options(plan, lambda _row: "skip"),
            convert_options=_convert_options(dict.fromkeys(header, TEXT)),
        )
    except pa.ArrowInvalid:  # a quoted cell cut by the sample's end: the reader itself will tell
        return None


def _column_types(sample: pa.Table | None, header: list[str]) -> dict[str, pa.DataType]:
    """Dictionary-encoded text where values repeat in the sample, plain text elsewhere."""
    types = dict.fromkeys(header, TEXT)
    for name, column in zip(header, sample.columns if sample is not None else [], strict=False):
        distinct = max((len(chunk.dictionary) for chunk in column.chunks), default=0)
        if distinct > WORTHWHILE_SHARE * len(column):
            types[name] = pa.string()
    return types


def _padding(header: list[str], plan: Plan) -> bytes:
    """A row that fits the header; a single empty cell would be a blank line."""
    return (plan.source.delimiter * (len(header) - 1) or "0").encode() + b"\n"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300].rstrip(".")
