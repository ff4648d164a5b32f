"""Output formats: record batches to the bytes of a Parquet, CSV or JSON Lines file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import plain
from pipeline.rules import json_ready

if TYPE_CHECKING:
    from pipeline.plan import Write

_TIMESTAMP_TEXT: Final = "%Y-%m-%dT%H:%M:%S"


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
    return _CsvWriter(packed, schema) if write.format == "csv" else _JsonWriter(packed)


class _ParquetWriter:
    """Parquet with plain types: readers need not know how the pipeline encodes text."""

    def __init__(self, sink: Any, schema: pa.Schema, compression: str) -> None:
        import pyarrow.parquet as pq  # noqa: PLC0415 - not for datasets that write text

        self._writer = pq.ParquetWriter(sink, schema, compression=compression, store_schema=False)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table.unify_dictionaries(), row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        self._writer.close()


class _CsvWriter:
    """CSV after RFC 4180, quoted where needed, timestamps in ISO 8601, nulls empty."""

    def __init__(self, sink: Any, schema: pa.Schema) -> None:
        import pyarrow.csv as pacsv  # noqa: PLC0415

        self._sink = sink
        self._write_csv = pacsv.write_csv
        self._options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
        header = pa.table({name: pa.array([name]) for name in schema.names})
        self._write_csv(header, sink, self._options)

    def write(self, table: pa.Table) -> None:
        texts = [_csv_column(column) for column in table.columns]
        self._write_csv(pa.table(texts, table.column_names), self._sink, self._options)

    def close(self) -> None:
        _close_packed(self._sink)


def _csv_column(column: pa.ChunkedArray) -> pa.Array:
    values = plain(column.combine_chunks())
    if not pa.types.is_timestamp(values.type):
        return values
    zone = "Z" if values.type.tz else ""
    if not pc.any(pc.not_equal(pc.subsecond(values), 0)).as_py():
        values = values.cast(pa.timestamp("s", values.type.tz))  # whose text has no fraction
    return pc.binary_join_element_wise(pc.strftime(values, _TIMESTAMP_TEXT), zone, "")


class _JsonWriter:
    """JSON Lines; moments in ISO 8601; nulls, NaN and the infinities as null."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink

    def write(self, table: pa.Table) -> None:
        lines = (
            json.dumps({name: json_ready(value) for name, value in row.items()}, ensure_ascii=False)
            for row in table.to_pylist()
        )
        self._sink.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        _close_packed(self._sink)


def _close_packed(sink: Any) -> None:
    """Close a compressing stream, so that its last bytes reach the sink below."""
    if isinstance(sink, pa.CompressedOutputStream):
        sink.close()
