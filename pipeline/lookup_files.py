"""Files of lookups: CSV (plain or gzip) or Parquet to typed tables with one row for each key.

The same rules hold for a file in the dataset's folder, which is read when the dataset is checked,
and for one in the input bucket, which is read when a run needs it.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import LOGICAL
from pipeline.distinct import plain
from pipeline.formats.csv_dialect import DELIMITERS
from pipeline.lexical import parsed
from pipeline.plan_contract import Column

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.plan_steps import Duplicates

ENDINGS: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")
"""Endings of the names of files that can be lookups."""
_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_AT: Final = "_at"


class UnusableTableError(ValueError):
    """A file that is no lookup as declared; the text is a sentence for the dataset's author."""


@dataclass(frozen=True)
class RepeatedKeys:
    """Keys that stand in several rows: how many there are, and one of them."""

    count: int
    example: dict[str, Any]


def lookup_table(
    data: bytes,
    *,
    expected: Collection[str],
    missing: Sequence[str],
    text: Collection[str] | None = None,
) -> pa.Table:
    """Return the table that a file's bytes hold, with plain columns of types that plans know.

    Parameters
    ----------
    expected
        Columns that the header is going to name: they tell the delimiter of a CSV file.
    missing
        Words of a CSV file that mean no value.
    text
        Columns of a CSV file that are read as they are written (`007` stays that), None for
        all; the types of the others are found out.

    Raises
    ------
    UnusableTableError
        If it cannot be read, or its header names a column twice.
    """
    try:
        packed = data[: len(_GZIP)] == _GZIP
        table = _read(gzip.decompress(data) if packed else data, expected, missing, text)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise UnusableTableError(f"it cannot be read: {error}") from error
    names = table.column_names
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UnusableTableError(f"its header names {', '.join(map(repr, repeated))} twice")
    return _plain_types(table)


def _read(
    data: bytes, expected: Collection[str], missing: Sequence[str], text: Collection[str] | None
) -> pa.Table:
    if data[: len(_PARQUET)] == _PARQUET:
        import pyarrow.parquet as pq  # noqa: PLC0415 - enrich starts without, most have none

        return pq.read_table(pa.BufferReader(data))
    import pyarrow.csv as pacsv  # noqa: PLC0415

    delimiter, names = _header(data, expected)
    return pacsv.read_csv(
        pa.BufferReader(data),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names if text is None else text, pa.string()),
            null_values=list(missing),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _header(data: bytes, expected: Collection[str]) -> tuple[str, list[str]]:
    """Return the delimiter under which the header names most columns expected, and these names.

    Of delimiters that tell equally much, the one that makes most columns is taken.
    """
    line = io.BytesIO(data).readline().decode("utf-8-sig")
    headers = {each: next(csv.reader([line], delimiter=each), []) for each in DELIMITERS}
    best = max(
        DELIMITERS,
        key=lambda each: (len(set(expected) & set(headers[each])), len(headers[each])),
    )
    return best, headers[best]


def typed(table: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    """Return the columns that `types` names, in these types: text by the rules of `lexical.py`.

    Raises
    ------
    UnusableTableError
        If a column is missing, or a value is none of its column's type.
    """
    absent = [name for name in types if name not in table.column_names]
    if absent:
        raise UnusableTableError(
            f"there is no column {', '.join(map(repr, absent))}; there are: "
            f"{', '.join(table.column_names)}"
        )
    columns = {name: _typed(table.column(name), name, kind) for name, kind in types.items()}
    return pa.table(columns)


def _typed(column: pa.ChunkedArray, name: str, kind: pa.DataType) -> pa.Array:
    values = _one(column)
    if pa.types.is_string(values.type) and not pa.types.is_string(kind):
        values = _parsed(values, name, kind)
    try:
        return _cast(values, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UnusableTableError(
            f"its column {name} is {values.type}, not {kind}: {error}"
        ) from error


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values in another type; Arrow alone would round a double for a decimal without a word."""
    made = values.cast(kind)
    if pa.types.is_floating(values.type) and pa.types.is_decimal(kind):
        same = pc.equal(made.cast(values.type), values)
        if not pc.all(same, min_count=0).as_py():
            raise pa.ArrowInvalid(f"{values.filter(pc.invert(same))[0]} has more digits")
    return made


def _parsed(text: pa.Array, name: str, kind: pa.DataType) -> pa.Array:
    logical = logical_type(kind)
    arrow = str(kind) if pa.types.is_decimal(kind) else ""
    zoned = not pa.types.is_timestamp(kind) or kind.tz is not None
    found = parsed(text, Column(name, logical, timezone=zoned, arrow=arrow))
    if pc.any(found.refused).as_py():
        row = pc.index(found.refused, True).as_py()
        raise UnusableTableError(
            f"its row {row + 1:,} has {text[row].as_py()!r} as {name}, which is no {logical}"
        )
    return found.values


def logical_type(kind: pa.DataType) -> str:
    """Return the ODCS logical type of an Arrow type; empty for one that has none."""
    families = {
        "integer": pa.types.is_integer,
        "number": lambda known: pa.types.is_floating(known) or pa.types.is_decimal(known),
        "timestamp": pa.types.is_timestamp,
        "time": pa.types.is_time,
    }
    for name, belongs in families.items():
        if belongs(kind):
            return name
    return next((name for name, known in LOGICAL.items() if known == kind), "")


def repeated_keys(table: pa.Table, keys: Sequence[str]) -> RepeatedKeys | None:
    """Return the keys of a table that stand in several rows; None if there are none."""
    counted = _complete(table, keys).group_by(list(keys)).aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted.column("count_all"), 1))
    if not repeated.num_rows:
        return None
    example = {key: repeated.column(key)[0].as_py() for key in keys}
    return RepeatedKeys(repeated.num_rows, example)


def one_row_each(table: pa.Table, keys: Sequence[str], which: Duplicates | None) -> pa.Table:
    """Return a row for each complete key, in the table's order.

    In the order of a column, rows without a value in it count only if there are no others, and of
    equal ones the first does (the last, if the order's last row counts).
    """
    complete = _complete(table, keys)
    order = _order(complete, which)
    places = complete.select(list(dict.fromkeys(keys))).take(order)
    places = places.append_column(_AT, pa.array(range(len(order)), pa.int64()))
    end = "max" if which is not None and which.keep == "last" else "min"
    kept = places.group_by(list(dict.fromkeys(keys)), use_threads=False).aggregate([(_AT, end)])
    rows = order.take(kept.column(f"{_AT}_{end}"))
    return complete.take(rows.take(pc.sort_indices(rows)))


def _order(table: pa.Table, which: Duplicates | None) -> pa.Array:
    """Rows in the order in which the first or last of a key counts; the sort is stable."""
    if which is None or which.order_by is None:
        return pa.array(range(table.num_rows), pa.uint64())
    name = which.order_by.removeprefix("-")
    direction = "descending" if which.order_by.startswith("-") else "ascending"
    nulls = "at_start" if which.keep == "last" else "at_end"
    return pc.sort_indices(table.select([name]), sort_keys=[(name, direction, nulls)])


def _complete(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Rows that have a value in every part of the key."""
    return table.filter(reduce(pc.and_, (pc.is_valid(table.column(key)) for key in keys)))


def _plain_types(table: pa.Table) -> pa.Table:
    """Types that plans know: seconds become microseconds, columns of nulls become text."""
    return pa.table({name: _plain(_one(table.column(name))) for name in table.column_names})


def _plain(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us", kind.tz))
    if pa.types.is_time(kind):
        return values.cast(pa.time64("us"))
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return values.cast(pa.string())
    return values


def _one(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, without dictionary encoding."""
    return plain(column.combine_chunks())
