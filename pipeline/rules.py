"""The contract's rules: each says which values break it.

A rule is a function of the typed values and its argument that returns a mask, True where the
rule is broken. It is registered under the name that findings carry; the names are ODCS's own
(`logicalTypeOptions` and library metrics). Nulls break no rule here: `required` speaks of them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import scalar_of


class Reason(StrEnum):
    """Why a row was rejected; the `rule` of a record in the quarantine."""

    REQUIRED = "required"
    TYPE = "type"
    CELLS = "cells"
    SYNTAX = "syntax"
    PRIMARY_KEY = "primaryKey"
    UNIQUE = "unique"
    LOOKUP = "lookup"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    EXCLUSIVE_MINIMUM = "exclusiveMinimum"
    EXCLUSIVE_MAXIMUM = "exclusiveMaximum"
    MIN_LENGTH = "minLength"
    MAX_LENGTH = "maxLength"
    PATTERN = "pattern"
    VALID_VALUES = "validValues"


Rule = Callable[[pa.Array, Any], pa.Array]


def _bound(values: pa.Array, limit: Any) -> pa.Scalar:
    """Limit as a scalar to compare the values with; integers may have a fractional one."""
    fractional = pa.types.is_integer(values.type) and isinstance(limit, float)
    return scalar_of(limit, pa.float64() if fractional else values.type)


def _minimum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.less(values, _bound(values, limit))


def _maximum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.greater(values, _bound(values, limit))


def _exclusive_minimum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.less_equal(values, _bound(values, limit))


def _exclusive_maximum(values: pa.Array, limit: Any) -> pa.Array:
    return pc.greater_equal(values, _bound(values, limit))


def _min_length(values: pa.Array, characters: int) -> pa.Array:
    return pc.less(pc.utf8_length(values), characters)


def _max_length(values: pa.Array, characters: int) -> pa.Array:
    return pc.greater(pc.utf8_length(values), characters)


def _pattern(values: pa.Array, expression: str) -> pa.Array:
    """Found anywhere in the value unless anchored: ODCS follows ECMA-262 and JSON Schema."""
    return pc.invert(pc.match_substring_regex(values, expression))


def _valid_values(values: pa.Array, allowed: list[Any]) -> pa.Array:
    return pc.and_(
        pc.is_valid(values), pc.invert(pc.is_in(values, pa.array(allowed).cast(values.type)))
    )


RULES: Final[dict[Reason, Rule]] = {
    Reason.MINIMUM: _minimum,
    Reason.MAXIMUM: _maximum,
    Reason.EXCLUSIVE_MINIMUM: _exclusive_minimum,
    Reason.EXCLUSIVE_MAXIMUM: _exclusive_maximum,
    Reason.MIN_LENGTH: _min_length,
    Reason.MAX_LENGTH: _max_length,
    Reason.PATTERN: _pattern,
    Reason.VALID_VALUES: _valid_values,
}


def broken(rule: str, values: pa.Array, argument: Any) -> pa.Array:
    """Return the mask of values that break a rule; nulls are False."""
    return pc.fill_null(RULES[Reason(rule)](values, argument), False)


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
    Reason.PATTERN: "must match {}",
    Reason.VALID_VALUES: "must be one of {}",
    Reason.PRIMARY_KEY: "the key ({}) stands in an earlier row",
    Reason.UNIQUE: "({}) stands in an earlier row",
    Reason.CELLS: "the row has another number of cells than the header",
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
