"""The contract's rules: each says which values break it.

A rule is a function of the typed values and its argument that returns a mask, True where the
rule is broken. It is registered under the name that findings carry; the names are ODCS's own
(`logicalTypeOptions` and library metrics). Nulls break no rule here: `required` speaks of them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import scalar_of
from pipeline.buffers import without_nulls
from pipeline.json_text import with_equal_items, with_fewer, with_more, without_any_of
from pipeline.string_formats import MOST_CHARACTERS, STRING_FORMATS


class Reason(StrEnum):
    """Why a row was rejected; the `rule` of a record in the quarantine."""

    REQUIRED = "required"
    TYPE = "type"
    CELLS = "cells"
    QUOTES = "quotes"
    SYNTAX = "syntax"
    PRIMARY_KEY = "primaryKey"
    UNIQUE = "unique"
    RELATIONSHIP = "relationship"
    LOOKUP = "lookup"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    EXCLUSIVE_MINIMUM = "exclusiveMinimum"
    EXCLUSIVE_MAXIMUM = "exclusiveMaximum"
    MULTIPLE_OF = "multipleOf"
    MIN_LENGTH = "minLength"
    MAX_LENGTH = "maxLength"
    PATTERN = "pattern"
    FORMAT = "format"
    VALID_VALUES = "validValues"
    MISSING_VALUES = "missingValues"
    MIN_ITEMS = "minItems"
    MAX_ITEMS = "maxItems"
    UNIQUE_ITEMS = "uniqueItems"
    MIN_PROPERTIES = "minProperties"
    MAX_PROPERTIES = "maxProperties"
    REQUIRED_PROPERTIES = "requiredProperties"


_EXACT: Final = 2**53
"""Up to here, doubles have all integers."""

Rule = Callable[[pa.Array, Any], pa.Array]


def _bound(values: pa.Array, limit: Any) -> pa.Scalar:
    """Limit as a scalar to compare the values with; integers may have a fractional one."""
    if pa.types.is_decimal(values.type):
        return _exact(Decimal(str(limit)))
    fractional = pa.types.is_integer(values.type) and isinstance(limit, float)
    return scalar_of(limit, pa.float64() if fractional else values.type)


def _exact(number: Decimal) -> pa.Scalar:
    """Decimal scalar that compares with any decimal128, whatever digits either has."""
    _, digits, exponent = number.as_tuple()
    scale = max(0, -int(exponent))
    return pa.scalar(number, pa.decimal256(max(len(digits) + int(exponent), 0) + scale or 1, scale))


def _minimum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.less(values, _bound(values, limit))


def _maximum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.greater(values, _bound(values, limit))


def _exclusive_minimum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.less_equal(values, _bound(values, limit))


def _exclusive_maximum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.greater_equal(values, _bound(values, limit))


def _multiple_of(values: pa.Array, unit: Any) -> pa.Array:
    """Exact in decimals: 0.3 is a multiple of 0.1, whatever their doubles are."""
    part = Fraction(str(unit))
    if pa.types.is_integer(values.type):
        return _remains(values, part.numerator)
    if not pa.types.is_floating(values.type):
        return _remains_each(values, part)
    scale = 10 ** len(str(unit).partition(".")[2])
    whole = pc.round(pc.multiply(values, float(scale)))
    # A double is the decimal number with `scale` if dividing the digits gives it back.
    exact = pc.equal(pc.divide(whole, float(scale)), values)
    if pc.any(pc.greater(pc.abs(whole), _EXACT)).as_py() or scale > _EXACT or "e" in str(unit):
        return _remains_each(values, part)
    digits = pc.if_else(exact, whole, pa.scalar(0.0)).cast(pa.int64())
    return pc.or_(pc.invert(exact), _remains(digits, int(part * scale)))


def _remains(values: pa.Array, unit: int) -> pa.Array:
    """Mask of integers that are no multiples of one; Arrow has no remainder."""
    whole = pc.multiply(pc.divide(values, unit), unit)
    return pc.not_equal(whole, values)


def _remains_each(values: pa.Array, unit: Fraction) -> pa.Array:
    numbers = (None if value is None else Fraction(str(value)) for value in values.to_pylist())
    return pa.array(
        [number is not None and (number / unit).denominator > 1 for number in numbers], pa.bool_()
    )


def _min_length(values: pa.Array, characters: int) -> pa.Array:
    return pc.less(pc.utf8_length(values), characters)


def _max_length(values: pa.Array, characters: int) -> pa.Array:
    return pc.greater(pc.utf8_length(values), characters)


def _pattern(values: pa.Array, expression: str) -> pa.Array:
    """Found anywhere in the value unless anchored: ODCS follows ECMA-262 and JSON Schema."""
    return pc.invert(pc.match_substring_regex(values, expression))


def _format(values: pa.Array, name: str) -> pa.Array:
    alien = pc.invert(pc.match_substring_regex(values, STRING_FORMATS[name]))
    if name not in MOST_CHARACTERS:
        return alien
    return pc.or_(alien, pc.greater(pc.utf8_length(values), MOST_CHARACTERS[name]))


def _valid_values(values: pa.Array, allowed: list[Any]) -> pa.Array:
    if pa.types.is_decimal(values.type):
        allowed = [str(value) for value in allowed]
    return pc.and_(
        pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(allowed).cast(values.type)))
    )


def _missing_values(values: pa.Array, words: list[str | None]) -> pa.Array:
    """Values as the file has them; those it has for no value, `required` speaks of."""
    return pc.is_in(values.cast(pa.string()), pa.array(words, pa.string()), skip_nulls=True)


RULES: Final[dict[Reason, Rule]] = {
    Reason.MINIMUM: _minimum,
    Reason.MAXIMUM: _maximum,
    Reason.EXCLUSIVE_MINIMUM: _exclusive_minimum,
    Reason.EXCLUSIVE_MAXIMUM: _exclusive_maximum,
    Reason.MIN_LENGTH: _min_length,
    Reason.MAX_LENGTH: _max_length,
    Reason.PATTERN: _pattern,
    Reason.FORMAT: _format,
    Reason.VALID_VALUES: _valid_values,
    Reason.MISSING_VALUES: _missing_values,
    Reason.MULTIPLE_OF: _multiple_of,
    Reason.MIN_ITEMS: with_fewer,
    Reason.MAX_ITEMS: with_more,
    Reason.UNIQUE_ITEMS: with_equal_items,
    Reason.MIN_PROPERTIES: with_fewer,
    Reason.MAX_PROPERTIES: with_more,
    Reason.REQUIRED_PROPERTIES: without_any_of,
}
OF_RAW_VALUES: Final = frozenset({Reason.MISSING_VALUES})
"""Rules on what the file has, before it is read in the column's type."""


def broken(rule: str, values: pa.Array, argument: Any) -> pa.Array:
    """Return the mask of values that break a rule; nulls are False."""
    return without_nulls(RULES[Reason(rule)](values, argument))


def spoken(rule: str, argument: Any) -> str:
    """Return the rule as a person would say it."""
    return _WORDING[Reason(rule)].format(argument)


_WORDING: Final[dict[Reason, str]] = {
    Reason.REQUIRED: "a value is required",
    Reason.TYPE: "must be of type {}",
    Reason.MINIMUM: "must be at least {}",
    Reason.MAXIMUM: "must be at most {}",
    Reason.EXCLUSIVE_MINIMUM: "must be greater than {}",
    Reason.EXCLUSIVE_MAXIMUM: "must be less than {}",
    Reason.MIN_LENGTH: "must have at least {} characters",
    Reason.MAX_LENGTH: "must have at most {} characters",
    Reason.MULTIPLE_OF: "must be a multiple of {}",
    Reason.PATTERN: "must match {}",
    Reason.FORMAT: "must have the format {}",
    Reason.VALID_VALUES: "must be one of {}",
    Reason.MISSING_VALUES: "must be none of {}, which stand for no value",
    Reason.MIN_ITEMS: "must have at least {} items",
    Reason.MAX_ITEMS: "must have at most {} items",
    Reason.UNIQUE_ITEMS: "must have no item twice",
    Reason.MIN_PROPERTIES: "must have at least {} properties",
    Reason.MAX_PROPERTIES: "must have at most {} properties",
    Reason.REQUIRED_PROPERTIES: "must have the properties {}",
    Reason.RELATIONSHIP: "must be in {}",
    Reason.PRIMARY_KEY: "the key ({}) stands in an earlier row",
    Reason.UNIQUE: "({}) stands in an earlier row",
    Reason.CELLS: "the row has another number of cells than the header",
    Reason.QUOTES: "a quote opens a cell, and none before a delimiter or line end closes it",
    Reason.SYNTAX: "the line is not a JSON object",
    Reason.LOOKUP: "the key is in no row of the lookup {}",
}


def json_ready(value: Any) -> Any:
    """Return a value that JSON can hold: moments as ISO text, NaN as null, others as `str`."""
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
