"""Output formats: record batches to the bytes of a Parquet, CSV or JSON Lines file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import WORTHWHILE_SHARE, distinct, plain, value_type
from pipeline.formats.cell_text import json_texts, moment_texts

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from pipeline.plan_steps import Write

_FORMULA: Final = r"^[=+\-@\t\r]"
"""Text that begins like this is a formula to spreadsheets."""
_ENCODED_ROWS: Final = range(1024, 16 * 1024)
_ENCODED_BYTES: Final = 1024 * 1024
"""What is encoded at a time of a Parquet column. By default 1,024 rows are, which takes a sixth
more time; pages end between such pieces, and those of wide text shall not become longer.
"""
_PAGE_ROWS: Final = 1024 * 1024
"""Pages end at their bytes; by default at 20,000 rows, too, which takes 3 % more time and room.
"""
_FEW_ROWS: Final = 512
"""Numbers of so few rows take a tenth less room without a dictionary, and the file a sixth less
time: most of it goes into beginning to compress something.
"""
_SAMPLES: Final = (256, 8192)
"""Rows at the beginning that tell whether a column's values come twice; few tell it of most."""
_UNIQUE_SHARE: Final = 0.9
"""A dictionary of more distinct values takes longer than none, and room besides."""


class FormatWriter(Protocol):
    """Writes tables of one schema into a sink; the sink belongs to the caller."""

    def write(self, table: pa.Table) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what the format needs at its end."""


def extension(write: Write) -> str:
    """Return the file name's ending for a dataset's output."""
    ending = {"parquet": ".parquet", "csv": ".csv", "json": ".jsonl"}[write.format]
    return f"{ending}.gz" if write.compression == "gzip" and write.format != "parquet" else ending


def format_writer(sink: Any, schema: pa.Schema, write: Write) -> FormatWriter:
    """Return the writer of the plan's output format."""
    if write.format == "parquet":
        return _ParquetWriter(sink, schema, write.compression or "zstd")
    packed = pa.CompressedOutputStream(sink, "gzip") if write.compression == "gzip" else sink
    kind = _CsvWriter if write.format == "csv" else _JsonWriter
    return kind(packed, schema, write)


class _ParquetWriter:
    """Parquet with plain types: readers need not know how the pipeline encodes text."""

    def __init__(self, sink: Any, schema: pa.Schema, compression: str) -> None:
        self._sink = sink
        self._schema = schema
        self._compression = compression
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._schema = _without_long_dictionaries(table)
        fitting = table if table.schema == self._schema else table.cast(self._schema)
        alike = fitting.unify_dictionaries()
        if self._writer is None:
            self._writer = self._opened(alike)
        self._writer.write_table(alike, row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        if self._writer is None:
            self._writer = self._opened(self._schema.empty_table())
        self._writer.close()

    def _opened(self, table: pa.Table) -> pq.ParquetWriter:
        """Begin a file whose other row groups are like its first one."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - not for datasets that write text

        return pq.ParquetWriter(
            self._sink,
            self._schema,
            compression=self._compression,
            use_dictionary=self._with_dictionary(table),
            store_schema=False,
            write_batch_size=_rows_at_once(table),
            max_rows_per_page=_PAGE_ROWS,
        )

    def _with_dictionary(self, table: pa.Table) -> list[str]:
        """Names of the columns that are encoded by their distinct values."""
        few = table.num_rows <= _FEW_ROWS and self._compression != "none"
        return [
            name
            for name, column in zip(table.column_names, table.columns, strict=True)
            if pa.types.is_dictionary(column.type) or not (few or _is_unique(column))
        ]


def _is_unique(column: pa.ChunkedArray) -> bool:
    """Whether hardly any value of a column comes twice, as in a key."""
    if len(column) < max(_SAMPLES):
        return False
    samples = (column.slice(0, rows) for rows in _SAMPLES)
    return all(len(rows.unique()) > _UNIQUE_SHARE * len(rows) for rows in samples)


def _rows_at_once(table: pa.Table) -> int:
    """How many rows of a table like this one are encoded at a time, by its widest column."""
    if table.num_rows <= _ENCODED_ROWS.start:
        return _ENCODED_ROWS.start
    widest = max((column.nbytes for column in table.columns), default=0)
    rows = int(_ENCODED_BYTES * table.num_rows / (1 + widest))
    return min(max(rows, _ENCODED_ROWS.start), _ENCODED_ROWS.stop)


def _without_long_dictionaries(table: pa.Table) -> pa.Schema:
    """Schema of a table in which text that hardly repeats is plain.

    Its dictionaries would be made one, and taken apart again: five times the memory of wide text.
    """
    fields = []
    for field, column in zip(table.schema, table.columns, strict=True):
        encoded = pa.types.is_dictionary(field.type)
        values = sum(len(chunk.dictionary) for chunk in column.chunks) if encoded else 0
        long = values > WORTHWHILE_SHARE * table.num_rows
        fields.append(field.with_type(field.type.value_type) if long else field)
    return pa.schema(fields)


class _CsvWriter:
    """CSV after RFC 4180: text in quotes, other values not, moments in ISO 8601 or as declared.

    No value is `null_text` without quotes, which tells it from a text of the same letters. In a
    file of one column an empty line would be no row to many readers: no value is `""` there.
    """

    def __init__(self, sink: Any, schema: pa.Schema, write: Write) -> None:
        import pyarrow.csv as pacsv  # noqa: PLC0415

        self._sink = sink
        self._write = write
        self._write_csv = pacsv.write_csv
        self._options = pacsv.WriteOptions(
            include_header=False,
            quoting_style="needed",
            delimiter=write.delimiter,
            null_string=write.null_text,
        )
        self._lone = len(schema.names) == 1 and not write.null_text
        header = pa.table({name: pa.array([name]) for name in schema.names})
        self._write_csv(header, sink, self._options)

    def write(self, table: pa.Table) -> None:
        cells = [self._cells(column) for column in table.columns]
        self._write_csv(pa.table(cells, table.column_names), self._sink, self._options)

    def close(self) -> None:
        _close_packed(self._sink)

    def _cells(self, column: pa.ChunkedArray) -> pa.Array:
        values = column.combine_chunks()
        if self._write.formula_guard and pa.types.is_string(value_type(values.type)):
            parts = distinct(values)
            values = parts.rows(_without_formulas(parts.values))
        cells = moment_texts(plain(values), self._write)
        return cells.cast(pa.string()).fill_null("") if self._lone else cells


def _without_formulas(text: pa.Array) -> pa.Array:
    """Text that no spreadsheet runs; see OWASP's page on CSV injection."""
    guarded = pc.binary_join_element_wise("'", text, "")
    return pc.if_else(pc.match_substring_regex(text, _FORMULA), guarded, text)


class _JsonWriter:
    """JSON Lines; moments in ISO 8601 or as declared; nulls, NaN and the infinities as null.

    Numbers have all their digits, decimals too; objects and arrays stay the text that they are.
    """

    def __init__(self, sink: Any, schema: pa.Schema, write: Write) -> None:
        self._sink = sink
        self._write = write
        names = [json.dumps(name, ensure_ascii=False) for name in schema.names]
        self._before = [_large(f"{', ' if at else '{'}{name}: ") for at, name in enumerate(names)]

    def write(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        parts: list[Any] = []
        for before, column in zip(self._before, table.columns, strict=True):
            texts = json_texts(column.combine_chunks(), self._write).cast(pa.large_string())
            parts += [before, texts]
        lines = pc.binary_join_element_wise(*parts, _large("}\n"), _large(""))
        _, _, text = lines.buffers()
        self._sink.write(memoryview(text)[: pc.sum(pc.binary_length(lines)).as_py()])

    def close(self) -> None:
        _close_packed(self._sink)


def _large(text: str) -> pa.Scalar:
    """Text as part of lines that may have more than 2 GiB together."""
    return pa.scalar(text, pa.large_string())


def _close_packed(sink: Any) -> None:
    """Close a compressing stream, so that its last bytes reach the sink below."""
    if isinstance(sink, pa.CompressedOutputStream):
        sink.close()
