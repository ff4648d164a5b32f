"""From `cast` to the plan: SQL of the new values, and the condition that they are the old ones.

SQL casts round (`1.5` to an integer is 2), cut off (the time of a timestamp) and take a zone away.
Here a value that does not stay what it is cannot be cast, as it could not be read by validate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import arrow_type
from pipeline.authoring.frame_schema import BindingError, Types, bound_types, sql_type, type_lengths
from pipeline.authoring.steps import known_columns
from pipeline.errors import InvalidPlanError
from pipeline.lexical import NUMBER
from pipeline.plan_steps import Step
from pipeline.sql import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.yaml_source import Location, YamlSource

SUPPORTED: Final = (
    "VARCHAR, BIGINT, INTEGER, DOUBLE, DECIMAL(p, s), BOOLEAN, DATE, TIME, TIMESTAMP, TIMESTAMPTZ"
)
_FAMILIES: Final[dict[str, Callable[[pa.DataType], bool]]] = {
    "text": pa.types.is_string,
    "whole number": pa.types.is_integer,
    "decimal number": pa.types.is_decimal,
    "floating number": pa.types.is_floating,
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date,
    "time": pa.types.is_time,
    "timestamp": pa.types.is_timestamp,
}
_NUMBERS: Final = frozenset({"whole number", "decimal number", "floating number", "boolean"})
_DAYS: Final = frozenset({"date", "timestamp"})
_FRACTION_DIGITS: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_DOUBLE_DIGITS: Final = 15
_FLOAT_DIGITS: Final = 6
"""Digits of any decimal number that a double (a float) keeps."""


def cast_step(
    types: dict[str, str], columns: Types, where: Location, source: YamlSource
) -> tuple[Step, Types]:
    """Return the step and the columns after it; errors go to the source."""
    made: Types = {}
    casts: dict[str, Any] = {}
    for name, written in types.items():
        if not known_columns([name], columns, (*where, name), source):
            continue
        try:
            made[name] = _type_after(name, written, columns)
            casts[name] = {
                "type": written,
                "cast": f"TRY_CAST({quoted(name)} AS {written})",
                "keeps": _keeps(quoted(name), columns[name], made[name]),
            }
        except BindingError as error:
            source.error((*where, name), f"{name}: {error}")
    return Step("cast", {"columns": casts}), columns | made


def _type_after(name: str, written: str, columns: Types) -> pa.DataType:
    """Type of a column that is cast; an error where no value of it could be."""
    lengths = type_lengths(written)
    kind = bound_types({name: f"TRY_CAST({quoted(name)} AS {written})"}, columns)[name]
    try:
        arrow_type(str(kind))
        before, after = _family(columns[name]), _family(kind)
    except InvalidPlanError as error:
        raise BindingError(f"the type {written} is not supported; there are {SUPPORTED}") from error
    if after == "text" and lengths:
        raise BindingError(
            f"{written} would cut nothing off: write VARCHAR, and maxLength in the contract"
        )
    if not _may_become(before, after):
        raise BindingError(f"a {before} cannot be cast to {written} and stay what it is; derive it")
    return kind


def _family(kind: pa.DataType) -> str:
    for name, belongs in _FAMILIES.items():
        if belongs(kind):
            return name
    raise InvalidPlanError(f"Columns of the Arrow type {kind} cannot be cast.")


def _may_become(before: str, after: str) -> bool:
    pair = {before, after}
    return "text" in pair or len(pair) == 1 or pair <= _NUMBERS or pair <= _DAYS


# --- Conditions that a value has stayed what it was, in SQL; `_made` is the new one -----------


def _keeps(value: str, before: pa.DataType, after: pa.DataType) -> str:
    if pa.types.is_string(after):
        return "TRUE"
    if not pa.types.is_string(before):
        same = f"TRY_CAST(_made AS {sql_type(before)}) = {value}"
        if pa.types.is_floating(after):  # 0.1 is not the same number in two widths, yet is 0.1
            return f"{same} OR CAST(_made AS VARCHAR) = CAST({value} AS VARCHAR)"
        return same
    return _TEXT_KEEPS[_family(after)](value, after)


def _text_as_boolean(_value: str, _kind: pa.DataType) -> str:
    return "TRUE"


def _text_as_decimal(value: str, kind: pa.DataType) -> str:
    """No digit is rounded away."""
    digits = kind.scale if pa.types.is_decimal(kind) else 0
    return (
        f"{_is_number(value)} AND NOT {_has_fraction(value, digits)} AND {value} NOT ILIKE '%e-%'"
    )


def _text_as_floating(value: str, kind: pa.DataType) -> str:
    """At most as many digits as the type always keeps, or digits that it happens to keep."""
    digits = _DOUBLE_DIGITS if pa.types.is_float64(kind) else _FLOAT_DIGITS
    mantissa = f"regexp_replace(lower({value}), 'e.*', '')"
    significant = f"ltrim(regexp_replace({mantissa}, '[^0-9]', '', 'g'), '0')"
    exact = "DECIMAL(38, 19)"
    return (
        f"{_is_number(value)} AND isfinite(_made) AND (length({significant}) <= {digits} OR "
        f"(NOT {_has_fraction(value, 19)} AND {value} NOT ILIKE '%e%' AND "
        f"TRY_CAST({value} AS {exact}) = TRY_CAST(CAST(_made AS VARCHAR) AS {exact})))"
    )


def _text_as_date(value: str, _kind: pa.DataType) -> str:
    """No time of the day is lost."""
    return f"{_of_our_years()} AND TRY_CAST({value} AS TIMESTAMP) = CAST(_made AS TIMESTAMP)"


def _text_as_time(value: str, kind: pa.DataType) -> str:
    """Nothing but a time of the day, without an offset."""
    form = r"\s*[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]*)?)?\s*"
    digits = _FRACTION_DIGITS[kind.unit]
    return f"regexp_full_match({value}, '{form}') AND NOT {_has_fraction(value, digits)}"


def _text_as_timestamp(value: str, kind: pa.DataType) -> str:
    """No fraction of a second is lost; no offset either, where the type has none."""
    kept = f"{_of_our_years()} AND NOT {_has_fraction(value, _FRACTION_DIGITS[kind.unit])}"
    if kind.tz is not None:
        return kept
    return rf"{kept} AND NOT regexp_matches({value}, ':[0-9.]+\s*([zZ]|[+-][0-9]|[A-Za-z])')"


def _is_number(value: str) -> str:
    return f"regexp_full_match(trim({value}), '{NUMBER.strip('^$')}')"


def _has_fraction(value: str, digits: int) -> str:
    """Condition that a text has more digits after its point than these, but for zeros."""
    return rf"regexp_matches({value}, '\.[0-9]{{{digits}}}[0-9]*[1-9]')"


def _of_our_years() -> str:
    """Condition of the years that Parquet's readers, Python among them, know."""
    return "year(_made) BETWEEN 1 AND 9999"


_TEXT_KEEPS: Final[dict[str, Callable[[str, pa.DataType], str]]] = {
    "boolean": _text_as_boolean,
    "whole number": _text_as_decimal,
    "decimal number": _text_as_decimal,
    "floating number": _text_as_floating,
    "date": _text_as_date,
    "time": _text_as_time,
    "timestamp": _text_as_timestamp,
}
