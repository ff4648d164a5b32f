"""CSV files as raw record batches: every cell as text, every row numbered.

pyarrow's reader does the parsing, a block of whole rows at a time. Cells are read
dictionary-encoded, so that checks run once per distinct value, except in columns where it does not
pay: integers in the plain spelling, which are cast more quickly than they are encoded, and text
that is hardly repeated. What a column holds, the first block shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv as pacsv

from pipeline.arrow_types import TEXT
from pipeline.distinct import WORTHWHILE_SHARE
from pipeline.errors import NoRowsError, RowLimitError
from pipeline.formats.csv_blocks import Block, BlockMaker
from pipeline.formats.csv_footer import WithoutFooter
from pipeline.formats.csv_header import Header, take_header
from pipeline.formats.csv_rows import MalformedRows, RowNumbering
from pipeline.formats.limits import LimitedLines, limit_error
from pipeline.formats.text import BLOCK_BYTES, TextStream
from pipeline.lexical import plain_integers
from pipeline.typed_columns import is_read_by_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.formats import ByteStream, RawChunks
    from pipeline.plan import Plan


def read_csv(text: TextStream, plan: Plan) -> RawChunks:
    """Yield the file's rows, at most a block and at most `CHUNK_ROWS` of them at a time.

    The limit on a row's bytes is on each of its lines, and on what its quotes hold together.

    Raises
    ------
    EmptyFileError, NoRowsError, MissingColumnError, DuplicateColumnError, ExtraColumnError,
    MalformedCsvError
        If the file as a whole is not what the contract describes.
    ColumnLimitError, RowLimitError
        If its header or a line is beyond the limits.
    """
    header = take_header(text, plan)
    chunks = _chunks(text, header, plan)
    if plan.drift.salvage:
        from pipeline.formats.salvage import salvaged_csv  # noqa: PLC0415 - few datasets need it

        delimiter, ends = header.dialect.delimiter.decode(), header.dialect.line_ends

        def is_cut() -> bool:
            return not any(end.endswith(text.last_byte) for end in ends)

        chunks = salvaged_csv(chunks, header.names, delimiter, plan, is_cut=is_cut)
    yield from chunks


def _chunks(text: TextStream, header: Header, plan: Plan) -> RawChunks:
    numbering = RowNumbering(len(header.names), header.lines + 1)
    for block, batch, malformed in _Blocks(text, header, plan):
        yield from numbering.chunks(batch, malformed, block.lines, block.rows_at)
    if not numbering.passed:
        raise NoRowsError(
            "The file has a header and no rows."
            if plan.source.header_rows
            else "The file has no rows.",
            remedy="Check the export that wrote it; an empty delivery needs no file.",
        )


class _Blocks:
    """A file's text as blocks of whole rows, and the rows of each."""

    def __init__(self, text: TextStream, header: Header, plan: Plan) -> None:
        self._dialect = header.dialect
        self._limits = plan.limits
        self._maker = BlockMaker(header.dialect, len(header.names), plan.limits.max_row_bytes)
        self._parser = _Parser(header, plan)
        # By their last bytes: a line end of several may stand in two blocks.
        ends = tuple(end[-1:] for end in header.dialect.line_ends)
        self._source: ByteStream = LimitedLines(text, plan.limits, ends=ends)
        if plan.source.footer_rows:
            rows = plan.source.footer_rows
            self._source = WithoutFooter(self._source, header.dialect, plan.limits, rows)
        self._held = b""
        self._final = False

    def __iter__(self) -> Iterator[tuple[Block, pa.RecordBatch, MalformedRows]]:
        while self._held or not self._final:
            if not self._final:
                self._read_on()
            while parsed := self._taken():
                yield parsed
                if not self._final and len(self._held) <= self._limits.max_row_bytes:
                    break

    def _read_on(self) -> None:
        more = self._source.read(max(BLOCK_BYTES, len(self._held)))
        self._held += more
        while more and self._dialect.is_open_ended(self._held):
            more = self._source.read(1)
            self._held += more
        self._final = not more
        if self._final and self._held and not self._held.endswith(self._dialect.line_ends):
            self._held += self._dialect.line_ends[0]

    def _taken(self) -> tuple[Block, pa.RecordBatch, MalformedRows] | None:
        """The next block; None where the text that is held has no whole row."""
        block = self._maker.block(self._held, final=self._final)
        if not block.used:
            self._check_held()
            return None
        batch, malformed = self._parser.rows(block)
        if malformed.is_doubtful:
            block = self._maker.block(self._held, final=self._final, careful=True)
            batch, malformed = self._parser.rows(block)
        self._maker.passed(block)
        self._held = self._held[block.used :]
        return block, batch, malformed

    def _check_held(self) -> None:
        """Raise if a row has no end: line ends may be escaped without quotes."""
        if len(self._held) > BLOCK_BYTES + 2 * self._limits.max_row_bytes:
            found = f"A row has more than {self._limits.max_row_bytes:,} bytes"
            raise limit_error(RowLimitError, self._limits, "max_row_bytes", found)


class _Parser:
    """Takes blocks apart into columns."""

    def __init__(self, header: Header, plan: Plan) -> None:
        self._header = header
        self._by_row = {
            column.source_name: column for column in plan.columns if is_read_by_row(column, plan)
        }
        self._types = {
            name: pa.string() if name in self._by_row else TEXT for name in header.wanted
        }
        self._first: pa.Table | None = None
        self._is_decided = False

    def rows(self, block: Block) -> tuple[pa.RecordBatch, MalformedRows]:
        """Return the rows that fit the header, and the others."""
        if self._first is not None:
            self._decide(self._first)
        malformed = MalformedRows(block.refused, block.doubted)
        table = self._table(block, malformed.skip)
        if table.num_rows and not self._is_decided:
            self._first = table
        return _batch(table), malformed

    def _table(self, block: Block, refuse: Any) -> pa.Table:
        text = pa.py_buffer(block.text)
        if not text.size:  # nothing but comments
            return pa.schema(self._types.items()).empty_table()
        return pacsv.read_csv(
            pa.BufferReader(text),
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=text.size + 1, column_names=self._header.names
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=block.delimiter.decode(),
                quote_char=block.quote.decode() or False,
                double_quote=block.double_quote,
                newlines_in_values=bool(block.quote),
                invalid_row_handler=refuse,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=self._types,
                include_columns=self._header.wanted,
                strings_can_be_null=False,
                check_utf8=False,  # the text stream has done that, and says where
            ),
        )

    def _decide(self, first: pa.Table) -> None:
        """Choose between dictionaries and plain text by the first rows, once there are more."""
        for name, column in zip(first.column_names, first.columns, strict=True):
            plain = all(self._is_plain(name, chunk) for chunk in column.chunks)
            self._types[name] = pa.string() if plain else TEXT
        self._first, self._is_decided = None, True

    def _is_plain(self, name: str, cells: pa.Array) -> bool:
        """Whether a dictionary loses: hardly any text is repeated, or all are plain integers."""
        if pa.types.is_dictionary(cells.type):
            return len(cells.dictionary) > WORTHWHILE_SHARE * len(cells)
        return plain_integers(cells, self._by_row[name]) is not None


def _batch(table: pa.Table) -> pa.RecordBatch:
    """The rows of a table that has them in one piece."""
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
