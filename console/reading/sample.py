"""The first rows of an output file, read from its beginning only."""

from __future__ import annotations

import csv
import io
import json
import zlib
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from console.reading.cells import Cell, cell
from console.reading.ranged import RangedFile, beginning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow.parquet as pq
    from types_boto3_s3 import S3Client

    from pipeline.manifest import OutputFile
    from pipeline.plan import Plan

ROWS: Final = 20
COLUMNS: Final = 100
COLUMNS_OF_LARGE: Final = 30
"""Columns that are shown; of a large file each one takes a request or two of its own."""
WHOLE_FILE: Final = 4_000_000
"""Bytes up to which a Parquet file is fetched in one request."""
BEGINNING: Final = 1_000_000
UNPACKED: Final = 4_000_000
"""Bytes that are read of a text file, and that they are unpacked to at most."""
GZIP: Final = 16 + zlib.MAX_WBITS
DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True)
class Sample:
    """Rows of an output file; `types` are empty texts where nobody knows them.

    `are_masked` tells whether values are hidden; `columns` counts all that the file has, of which
    the first are shown. `trouble` says why there is nothing to show.
    """

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    columns: int = 0
    trouble: str = ""
    are_masked: bool = False


def sample(
    s3: S3Client, file: OutputFile, plan: Plan | None, hidden: Callable[[str], bool]
) -> Sample:
    """Return the first rows of a committed file.

    Parameters
    ----------
    plan
        How the file was written; None if that is not known any more.
    hidden
        Says of a column's name whether its values are masked.
    """
    return _masked(_first_rows(s3, file, plan), hidden)


def _masked(found: Sample, hidden: Callable[[str], bool]) -> Sample:
    """Return the sample without the values of hidden columns; that there is none is told."""
    from pipeline.masking import MASK  # noqa: PLC0415 - it loads Arrow, which most pages do without

    places = {at for at, name in enumerate(found.names) if hidden(name)}
    rows = (
        tuple(
            Cell(MASK, "masked") if at in places and shown.kind != "null" else shown
            for at, shown in enumerate(row)
        )
        for row in found.rows
    )
    return replace(found, rows=tuple(rows), are_masked=bool(places))


def _first_rows(s3: S3Client, file: OutputFile, plan: Plan | None) -> Sample:
    import pyarrow as pa  # noqa: PLC0415 - a tenth of a second that most pages do without

    try:
        if file.key.endswith(".parquet"):
            return _of_parquet(s3, file)
        return _of_text(s3, file, plan)
    except ClientError as error:
        code = error.response["Error"].get("Code")
        return Sample(trouble=f"The file cannot be fetched: {code}. It may have been deleted.")
    except (pa.ArrowException, OSError, ValueError, csv.Error, zlib.error) as error:
        return Sample(trouble=f"The file's beginning cannot be read: {error}")


def _of_parquet(s3: S3Client, file: OutputFile) -> Sample:
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.parquet as pq  # noqa: PLC0415

    is_large = file.bytes > WHOLE_FILE
    if is_large:  # Arrow takes a short read for the file's end, so one that reads on is between
        source: io.BufferedIOBase = io.BufferedReader(RangedFile(s3, file))
    else:
        source = io.BytesIO(beginning(s3, file, file.bytes))
    with pq.ParquetFile(pa.PythonFile(source, "r"), buffer_size=64 * 1024) as opened:
        schema = opened.schema_arrow
        shown = range(min(len(schema), COLUMNS_OF_LARGE if is_large else COLUMNS))
        fields = [schema.field(at) for at in shown]
        columns = _first_columns(opened, [field.name for field in fields])
    return Sample(
        names=tuple(field.name for field in fields),
        types=tuple(str(field.type) for field in fields),
        rows=tuple(zip(*columns, strict=True)),
        columns=len(schema),
    )


def _first_columns(opened: pq.ParquetFile, names: list[str]) -> list[list[Cell]]:
    """Cells of the first rows, by column."""
    batches = opened.iter_batches(batch_size=ROWS, row_groups=[0], columns=names)
    if not opened.metadata.num_row_groups or not names:
        return []
    first = next(iter(batches), None)
    if first is None:
        return []
    return [[cell(_plain(value)) for value in first.column(name)] for name in names]


def _plain(value: Any) -> Any:
    """Python's value of Arrow's; a moment finer than Python has them as text."""
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        return str(value)


def _of_text(s3: S3Client, file: OutputFile, plan: Plan | None) -> Sample:
    packed = beginning(s3, file, BEGINNING)
    is_packed = file.key.endswith(".gz")
    text = zlib.decompressobj(GZIP).decompress(packed, UNPACKED) if is_packed else packed
    if is_packed or file.bytes > len(packed):
        text = text[: text.rfind(b"\n") + 1]
    if ".jsonl" in file.key:
        return _of_json_lines(text, plan)
    return _of_csv(text.decode(errors="replace"), plan)


def _of_json_lines(text: bytes, plan: Plan | None) -> Sample:
    lines = islice(filter(None, text.split(b"\n")), ROWS)
    rows = [row for line in lines if isinstance(row := json.loads(line), dict)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _shown(names, ([row.get(name) for name in names[:COLUMNS]] for row in rows), plan)


def _of_csv(text: str, plan: Plan | None) -> Sample:
    """Return the rows of a CSV file; an empty text in quotes is taken for no value, too."""
    header = text.split("\n", 1)[0]
    delimiter = plan.write.delimiter if plan else max(DELIMITERS, key=header.count)
    null = plan.write.null_text if plan else ""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = next(reader, [])
    rows = ([None if value == null else value for value in row] for row in islice(reader, ROWS))
    return _shown(names, rows, plan)


def _shown(names: Sequence[str], rows: Iterable[Sequence[Any]], plan: Plan | None) -> Sample:
    types: Mapping[str, str] = plan.schemas.get("enrich", {}) if plan else {}
    first = names[:COLUMNS]
    return Sample(
        names=tuple(first),
        types=tuple(types.get(name, "") for name in first),
        rows=tuple(tuple(map(cell, row[:COLUMNS])) for row in rows),
        columns=len(names),
    )
