"""From text to typed values: which spellings each logical type accepts.

The rules are those of Frictionless Table Schema with its default options, except that `NaN` and
the infinities are not numbers (Parquet, SQL and JSON disagree about them) and that surrounding
white space is not part of a value of any type but string. A spelling that is not accepted is a
finding about that value; nothing is guessed, and nothing is rounded.

=========  ====================================================================================
string     anything, as it stands: `007` stays `007`, ` a ` keeps its spaces
integer    optional sign, ASCII digits; within 64 bits. `007` is 7, `+5` is 5, ` 12 ` is 12;
           `1e3`, `1,000`, `1.0`, `0x10` and the empty text are none
number     optional sign, digits with optional point, optional exponent: `1.`, `.5`, `1e3`.
           A double must keep the digits: `0.1`, and all that was written from a double, it does,
           `9007199254740993` and `1e400` it does not. `NaN`, `inf`, `1,5` and `1 000` are none
decimal    integers and numbers of `physicalType: DECIMAL(p,s)`: as number, with all their digits;
           at most `p`, of which `s` after the point, zeros at the end not counted
boolean    `true`, `True`, `TRUE`, `1`; `false`, `False`, `FALSE`, `0`. `yes` and `tRUE` are none
date       `2013-01-31`, or the contract's `format`. `2013-02-31` and `2013-1-31` are none
timestamp  `2013-01-31T12:00:00Z` or with an offset, with optional fraction of up to six digits;
           with `timezone: false` without an offset, as it stands; or the `format`.
           `2013-01-31 12:00:00Z` (no `T`), 24:00 and a leap second are none
time       `12:00:00`, with optional fraction, or the `format`. `7:00` and `24:00:00` are none
object     JSON text of an object, `{"a": 1}`; stays text
array      JSON text of an array, `[1, "b"]`; stays text
=========  ====================================================================================

Dates and timestamps are of the years 1 to 9999. A property may say otherwise, by `format` or by the
customProperties of the same name:

=============  ================================================================================
decimalChar    the sign for the point of a number: with `,`, `1,5` is 1.5 and `1.5` is none
groupChar      the sign between groups of three digits (in India, of two before the last
               three): with `,`, `1,234,567` and `12,34,567` are numbers, `1,5` is none
bareNumber     with `false`, what stands before and after a number is passed over: `95 %` is 95,
               `EUR -5` and `-$5` are -5. Other digits, signs and parentheses are not: `(5)`
               may be minus five, and is none
trueValues     the words for true, in place of the default ones; falseValues likewise
missingValues  the words for no value, in place of the file's, compared with the whole text
format         a JDK date pattern (`dd.MM.yyyy HH:mm`), for dates, times and timestamps
=============  ================================================================================

Where a timestamp's format has no offset (or a text lacks the optional one), it is a local time of
`defaultTimezone`, else UTC. A local time that the zone's clocks skip or show twice is refused:
nobody knows which moment it is; `timezone: false` keeps it as it stands.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import column_type
from pipeline.buffers import no_rows, without_nulls
from pipeline.jdk_format import WEEKDAYS, compiled_format
from pipeline.json_text import is_json_of
from pipeline.moments import is_known_moment
from pipeline.numerals import INTEGER, NUMBER, fitting, lost_digits, matching, plain_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.jdk_format import DateFormat
    from pipeline.plan_contract import Column

__all__ = [
    "FALSE",
    "INTEGER",
    "ISO_FORMATS",
    "NUMBER",
    "TRUE",
    "Parsed",
    "nothing",
    "parsed",
    "plain_integers",
    "without_missing",
]

TRUE: Final = ("true", "True", "TRUE", "1")
FALSE: Final = ("false", "False", "FALSE", "0")
ISO_FORMATS: Final = {
    "date": "yyyy-MM-dd",
    "timestamp": "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]X",
    "timestamp in a zone": "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS][X]",
    "local timestamp": "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS]",
    "time": "HH:mm:ss[.SSSSSS]",
}

_LOCAL: Final = pa.timestamp("us")
_UTC: Final = "UTC"
_OFFSET: Final = "[T ].*(Z|[+-][0-9:]+)$"


class Parsed(NamedTuple):
    """Typed values, null where the text is null or not accepted.

    `refused` is the mask of texts that are not accepted; `lost` of those among them that are of
    the type, but cannot be kept without a change (None: there are none).
    """

    values: pa.Array
    refused: pa.Array
    lost: pa.Array | None = None


def parsed(text: pa.Array, column: Column) -> Parsed:
    """Return the typed values of plain text values under a column's logical type."""
    if column.type == "string":
        return Parsed(text, nothing(text))
    values, lost = _PARSERS[column.type](pc.utf8_trim_whitespace(text), column)
    if values.null_count == text.null_count:  # all that has a text has a value
        return Parsed(values, nothing(values), lost)
    return Parsed(values, pc.and_(pc.is_valid(text), pc.is_null(values)), lost)


def without_missing(text: pa.Array, words: Sequence[str]) -> pa.Array:
    """Return text values with null for those that are one of the words for no value."""
    missing = pc.is_in(text, _array_of(tuple(words)))
    if not missing.true_count:
        return text
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


@cache
def _array_of(words: tuple[str, ...]) -> pa.Array:
    return pa.array(words, pa.string())


def nothing(values: pa.Array) -> pa.Array:
    """Return a mask over the values that marks none of them."""
    return no_rows(len(values))


_Read = tuple[pa.Array, pa.Array | None]
"""Typed values, and the mask of texts whose value cannot be kept."""


def plain_integers(text: pa.Array, column: Column) -> pa.Array | None:
    """Return the integers that texts are; None where one of them is not in the plain spelling.

    Arrow casts digits, behind a minus sign or not, and the hexadecimal ones after `0x`.
    """
    kind, spelling = column_type(column), column.spelling
    if not pa.types.is_integer(kind) or spelling.group_char or not spelling.bare_number:
        return None
    data = bytes(text.buffers()[2] or b"")
    if b"x" in data or b"X" in data:
        return None
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        return None


def _integers(text: pa.Array, column: Column) -> _Read:
    plain = plain_integers(text, column)
    if plain is not None:
        return plain, None
    return _exact(plain_numbers(text, column.spelling, whole=True), column_type(column))


def _numbers(text: pa.Array, column: Column) -> _Read:
    kind = column_type(column)
    plain = plain_numbers(text, column.spelling, whole=False)
    if not pa.types.is_floating(kind):
        return _exact(plain, kind)
    values = plain.cast(pa.float64())
    finite = pc.is_finite(values)
    lost = lost_digits(plain, values)
    if lost is None and pc.all(finite, min_count=0).as_py():
        return values.cast(kind), None
    lost = pc.invert(finite) if lost is None else pc.or_(lost, pc.invert(finite))
    return pc.if_else(lost, pa.scalar(None, pa.float64()), values).cast(kind), _marked(lost)


def _exact(digits: pa.Array, kind: pa.DataType) -> _Read:
    """Integers and decimals; those that have no room in their type are lost."""
    values = _cast(fitting(digits, kind) if pa.types.is_decimal(kind) else digits, kind)
    lost = pc.and_(pc.is_valid(digits), pc.is_null(values))
    return values, lost if pc.any(lost).as_py() else None


def _marked(mask: pa.Array) -> pa.Array:
    return without_nulls(mask)


def _booleans(text: pa.Array, column: Column) -> _Read:
    spelling = column.spelling
    true = pc.is_in(text, pa.array(spelling.true or TRUE, pa.string()))
    known = pc.or_(true, pc.is_in(text, pa.array(spelling.false or FALSE, pa.string())))
    return pc.if_else(known, true, pa.scalar(None, pa.bool_())), None


def _json(text: pa.Array, column: Column) -> _Read:
    known = is_json_of(column.type, text)
    return pc.if_else(known, text, pa.scalar(None, pa.string())), None


# --- Dates, times and timestamps -----------------------------------------------------------


def _moments(text: pa.Array, column: Column) -> _Read:
    """Rewritten to ISO 8601, then cast by Arrow."""
    kind = column_type(column)
    declared = compiled_format(column.spelling.format or _iso_format(column))
    iso = _iso_text(text, declared)
    if column.type == "time":  # Arrow casts no text to a time of day
        clock = pc.binary_join_element_wise("1970-01-01", iso, "T")
        return _cast(clock, _LOCAL).cast(kind), None
    if column.type == "timestamp" and column.timezone and not _all_have_offset(declared):
        values, lost = _zoned(iso, column, declared)
    else:
        values, lost = _cast(iso, kind), None
    known = is_known_moment(values)
    if not pc.all(known).as_py():
        values = pc.if_else(known, values, pa.scalar(None, values.type))
    if declared.weekday is not None:
        values = _on_their_weekday(values, iso, text, declared.weekday)
    return values, lost


def _iso_format(column: Column) -> str:
    if column.type != "timestamp":
        return ISO_FORMATS[column.type]
    if not column.timezone:
        return ISO_FORMATS["local timestamp"]
    return ISO_FORMATS["timestamp" if column.spelling.zone == _UTC else "timestamp in a zone"]


def _iso_text(text: pa.Array, declared: DateFormat) -> pa.Array:
    iso = matching(text, declared.pattern)
    if declared.rewrite is None:
        return iso
    iso = pc.replace_substring_regex(iso, declared.pattern, declared.rewrite)
    for found, replacement in declared.fixes:
        iso = pc.replace_substring_regex(iso, found, replacement)
    return iso


def _all_have_offset(declared: DateFormat) -> bool:
    return declared.zoned and not declared.optional


def _zoned(iso: pa.Array, column: Column, declared: DateFormat) -> _Read:
    """Moments of texts some of which have no offset: those are local times of the zone."""
    kind, zone = column_type(column), column.spelling.zone
    if not declared.zoned:
        return _local(iso, kind, zone)
    offset = pc.match_substring_regex(iso, _OFFSET)
    if pc.all(offset, min_count=0).as_py():
        return _cast(iso, kind), None
    nothing_else = pa.scalar(None, pa.string())
    local, lost = _local(pc.if_else(offset, nothing_else, iso), kind, zone)
    return pc.coalesce(_cast(pc.if_else(offset, iso, nothing_else), kind), local), lost


def _local(iso: pa.Array, kind: pa.DataType, zone: str) -> _Read:
    if zone == _UTC:
        return _cast(pc.binary_join_element_wise(iso, "Z", ""), kind), None
    clocks = _cast(iso, _LOCAL)
    try:
        return pc.assume_timezone(clocks, zone).cast(kind), None
    except pa.ArrowInvalid:  # a time that the clocks skip or show twice: find out which
        first, last = (
            pc.assume_timezone(clocks, zone, ambiguous=which, nonexistent=which).cast(kind)
            for which in ("earliest", "latest")
        )
        sure = pc.equal(first, last)
        values = pc.if_else(sure, first, pa.scalar(None, kind))
        return values, _marked(pc.invert(sure))


def _on_their_weekday(values: pa.Array, iso: pa.Array, text: pa.Array, pattern: str) -> pa.Array:
    """Moments whose date is of the weekday that the text names; null for others."""
    said = pc.utf8_slice_codeunits(
        pc.utf8_lower(pc.replace_substring_regex(text, pattern, r"\1")), 0, 3
    )
    known = pc.index_in(said, pa.array([name[:3].lower() for name in WEEKDAYS]))
    days = _cast(pc.utf8_slice_codeunits(iso, 0, 10), pa.date32())
    fits = pc.or_kleene(pc.is_null(known), pc.equal(known.cast(pa.int64()), pc.day_of_week(days)))
    return pc.if_else(pc.fill_null(fits, False), values, pa.scalar(None, values.type))


def _cast(iso: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return iso.cast(kind)
    except pa.ArrowInvalid:  # well-formed, but no such moment (31 February): find out which
        return _cast_each(iso, kind)


def _cast_each(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast text, null where a value has no representation in `kind`.

    Slow, and reached only by batches that hold at least one such value: each distinct spelling is
    tried, half by half.
    """
    encoded = text.dictionary_encode()
    return _cast_halves(encoded.dictionary, kind).take(encoded.indices)


def _cast_halves(text: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        if len(text) == 1:
            return pa.nulls(1, kind)
    half = len(text) // 2
    return pa.concat_arrays([_cast_halves(text[:half], kind), _cast_halves(text[half:], kind)])


_PARSERS: Final = {
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _moments,
    "timestamp": _moments,
    "time": _moments,
    "object": _json,
    "array": _json,
}
