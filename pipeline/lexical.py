"""From text to typed values: which spellings each logical type accepts.

The rules are those of Frictionless Table Schema with its default options, except that `NaN` and
the infinities are not numbers (Parquet, SQL and JSON disagree about them) and that surrounding
white space is not part of a value of any type but string. A spelling that is not accepted is a
finding about that value; nothing is guessed.

=========  ====================================================================================
integer    optional sign, digits; within 64 bits. `007` is 7; `1e3`, `1,000` and `1.0` are none
number     optional sign, digits with optional point, optional exponent
boolean    `true`, `True`, `TRUE`, `1`; `false`, `False`, `FALSE`, `0`
date       `2013-01-31`, or the contract's `format`
timestamp  `2013-01-31T12:00:00Z` with offset (without, where `timezone: false`), or the `format`
time       `12:00:00`, with optional fraction, or the `format`
string     anything
=========  ====================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import logical_arrow_type
from pipeline.jdk_format import compiled_format

if TYPE_CHECKING:
    from pipeline.plan import Column

INTEGER: Final = r"^[+-]?[0-9]+$"
NUMBER: Final = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
TRUE: Final = ("true", "True", "TRUE", "1")
FALSE: Final = ("false", "False", "FALSE", "0")
ISO_FORMATS: Final = {
    "date": "yyyy-MM-dd",
    "timestamp": "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]X",
    "local timestamp": "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]",
    "time": "HH:mm:ss[.SSSSSS]",
}


_LOCAL: Final = pa.timestamp("us")
_YEARS: Final = ("0001-01-01", "9999-12-31T23:59:59.999999")
_ABSENT_PARTS: Final = (
    (r"-(-|T|$)", r"-01\1"),
    (r"-(-|T|$)", r"-01\1"),
    (r"(^|T):", r"\100:"),
    (r":(:|\.|Z|[+-]|$)", r":00\1"),
    (r":(:|\.|Z|[+-]|$)", r":00\1"),
    (r"\.(Z|[+-]|$)", r"\1"),
)
"""What a rewrite leaves of optional sections that a text has not, and the lowest value instead."""


class Parsed(NamedTuple):
    """Typed values, null where the text is null or not accepted, and a mask of the latter."""

    values: pa.Array
    refused: pa.Array


def parsed(text: pa.Array, column: Column) -> Parsed:
    """Return the typed values of plain text values under a column's logical type."""
    if column.type == "string":
        return Parsed(text, nothing(text))
    values = _within_years(_PARSERS[column.type](pc.utf8_trim_whitespace(text), column))
    refused = pc.and_(pc.is_valid(text), pc.is_null(values))
    return Parsed(values, refused)


def _within_years(values: pa.Array) -> pa.Array:
    """Moments of the years 1 to 9999, null for others: Python and most readers know no more."""
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        return values
    first, last = (pa.scalar(year).cast(_LOCAL).cast(values.type, safe=False) for year in _YEARS)
    known = pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last))
    if pc.all(known).as_py():
        return values
    return pc.if_else(known, values, pa.scalar(None, values.type))


def nothing(values: pa.Array) -> pa.Array:
    """Return a mask over the values that marks none of them."""
    return pa.nulls(len(values), pa.bool_()).fill_null(False)


def _matching(text: pa.Array, pattern: str) -> pa.Array:
    """Text where the pattern matches, null elsewhere."""
    matches = pc.match_substring_regex(text, pattern)
    if pc.all(matches, skip_nulls=True, min_count=0).as_py():
        return text
    return pc.if_else(matches, text, pa.scalar(None, pa.string()))


def _integers(text: pa.Array, _column: Column) -> pa.Array:
    digits = pc.replace_substring_regex(_matching(text, INTEGER), r"^\+", "")
    try:
        return digits.cast(pa.int64())
    except pa.ArrowInvalid:  # a number beyond 64 bits: find out which
        return _cast_each(digits, pa.int64())


def _numbers(text: pa.Array, _column: Column) -> pa.Array:
    values = pc.replace_substring_regex(_matching(text, NUMBER), r"^\+", "").cast(pa.float64())
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def _booleans(text: pa.Array, _column: Column) -> pa.Array:
    true = pc.is_in(text, pa.array(TRUE, pa.string()))
    known = pc.or_(true, pc.is_in(text, pa.array(FALSE, pa.string())))
    return pc.if_else(known, true, pa.scalar(None, pa.bool_()))


def _moments(text: pa.Array, column: Column) -> pa.Array:
    """Dates, times and timestamps: rewritten to ISO 8601, then cast by Arrow."""
    kind = logical_arrow_type(column.type, timezone=column.timezone)
    local = "local " if column.type == "timestamp" and not column.timezone else ""
    declared = compiled_format(column.format or ISO_FORMATS[f"{local}{column.type}"])
    iso = _matching(text, declared.pattern)
    if declared.rewrite is not None:
        iso = pc.replace_substring_regex(iso, declared.pattern, declared.rewrite)
        for absent, lowest in _ABSENT_PARTS if "[" in (column.format or "") else ():
            iso = pc.replace_substring_regex(iso, absent, lowest)
    if column.type == "timestamp" and column.timezone and not declared.zoned:
        iso = pc.binary_join_element_wise(iso, "Z", "")
    if column.type == "time":  # Arrow casts no text to a time of day
        return pc.binary_join_element_wise("1970-01-01", iso, "T").cast(_LOCAL).cast(kind)
    try:
        return iso.cast(kind)
    except pa.ArrowInvalid:  # well-formed, but no such moment (31 February): find out which
        return _cast_each(iso, kind)


def _cast_each(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast value by value, null where a value has no representation in `kind`.

    Slow, and reached only by batches that hold at least one such value; each distinct spelling
    is tried once.
    """
    encoded = text.dictionary_encode()
    values = [_cast_one(value, kind) for value in encoded.dictionary]
    return pa.concat_arrays([pa.array([], kind), *values]).take(encoded.indices)


def _cast_one(value: pa.Scalar, kind: pa.DataType) -> pa.Array:
    try:
        return pa.repeat(value, 1).cast(kind)
    except pa.ArrowInvalid:
        return pa.nulls(1, kind)


_PARSERS: Final = {
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _moments,
    "timestamp": _moments,
    "time": _moments,
}
