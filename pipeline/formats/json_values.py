"""JSON values by their own digits: parsing that rounds nothing, and the texts that columns take."""

from __future__ import annotations

import codecs
import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.plan import Plan
    from pipeline.plan_contract import Column

NAN: Final = "NaN"
NUMBERS: Final = ("integer", "number")
_DIGITS_THAT_A_DOUBLE_KEEPS: Final = 15
_JSON_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_quoted: Final = json.encoder.encode_basestring


class Number(str):
    """A JSON number by its own digits; or one of the words NaN and Infinity, which JSON has not."""

    __slots__ = ()


def parsed_json(text: bytes) -> Any:
    r"""JSON value of a text with numbers as `Number`; None where it is not JSON.

    Half a surrogate pair (`"\ud800"`) is no text.
    """
    try:
        value = _EXACT.decode(_decoded(text))
        if b"\\u" in text:
            json_text(value).encode()
    except ValueError:
        return None
    return value


def _decoded(text: bytes) -> str:
    return text.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogatepass")


def keeps_digits(digits: str) -> bool:
    """Tell whether a double keeps all digits of a number."""
    if len(digits) <= _DIGITS_THAT_A_DOUBLE_KEEPS and "e" not in digits.lower():
        return True
    nearest = float(digits)
    return repr(nearest) == digits or (
        math.isfinite(nearest) and Decimal(digits) == Decimal(repr(nearest))
    )


def json_text(value: Any) -> str:
    """Return the JSON text of a parsed value, numbers by their own digits."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        items = (f"{_quoted(name)}: {json_text(item)}" for name, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(json_text, value))}]"
    return _CONSTANTS[value]


_CONSTANTS: Final[dict[Any, str]] = {None: "null", True: "true", False: "false"}


def plain_value(text: bytes) -> Any:
    """Return what `plain_json` makes of the value of a text that is JSON."""
    try:
        return _PLAIN.decode(_decoded(text))
    except ValueError:  # more digits than Python turns into a number
        return plain_json(parsed_json(text))


def plain_json(value: Any) -> Any:
    """Return a parsed value with its numbers as numbers; digits that no double keeps as text."""
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, dict):
        return {name: plain_json(item) for name, item in value.items()}
    return [plain_json(item) for item in value] if isinstance(value, list) else value


def _number(digits: Number) -> Any:
    if not _JSON_NUMBER.fullmatch(digits):
        return str(digits)
    if digits.lstrip("-").isdigit():
        try:
            return int(digits)
        except ValueError:  # more digits than Python turns into a number
            return str(digits)
    return _real(digits)


def _real(digits: str) -> float | str:
    return float(digits) if keeps_digits(digits) else str(digits)


_EXACT: Final = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number)
_PLAIN: Final = json.JSONDecoder(parse_float=_real, parse_constant=str)
"""Twice as fast as `plain_json` after `_EXACT`."""


def column_text(value: Any, column: Column) -> str | None:
    """Return a parsed value as the text that a column of the file is read from.

    Numbers and truth values are spelled as the contract spells them in text, since JSON's own
    spelling needs no declaration.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        words = column.spelling.true if value else column.spelling.false
        return words[0] if words and column.type == "boolean" else _CONSTANTS[value]
    if isinstance(value, Number):
        own = column.type in NUMBERS and column.spelling.decimal_char != "."
        return value.replace(".", column.spelling.decimal_char) if own else str(value)
    return value if isinstance(value, str) else json_text(value)


def misfits(value: Any, column: Column) -> bool:
    """Tell whether a value has a JSON type that the column's type rules out, whatever it says."""
    if column.type in ("object", "array") or value is None:
        return False
    if column.type != "string":
        return isinstance(value, (dict, list))
    return not isinstance(value, str) or isinstance(value, Number)


def missing_numbers(column: Column, plan: Plan) -> tuple[float, ...]:
    """Return the words for no value that a number of the column may be equal to."""
    words = column.spelling.missing
    words = plan.source.missing_values if words is None else words
    if column.type not in NUMBERS:
        return ()
    return tuple(float(word) for word in words if _JSON_NUMBER.fullmatch(word))


def without_missing(row_value: Any, missing: Mapping[str, tuple[float, ...]], name: str) -> Any:
    """Return a column's value in a row; None for a number that stands for none."""
    words = missing.get(name)
    if not words or not isinstance(row_value, Number):
        return row_value
    return None if float(row_value) in words else row_value
