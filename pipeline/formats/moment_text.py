"""Dates and timestamps as text in a JDK pattern: the counterpart of `jdk_format.py`.

Each field of a pattern is made by Arrow for all values at once, so that no locale and no clock of
the machine has a say. Months and days have their English names. What is in square brackets is
always written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InvalidPlanError
from pipeline.jdk_format import MONTHS, TOKEN, WEEKDAYS

CLOCK: Final = frozenset("HhmsSaXxZ")
"""Letters that speak of the time of day, which dates have not."""
ZONE: Final = frozenset("XxZ")
"""Letters that speak of the offset, which timestamps without a zone have not."""
_ABBREVIATION: Final = 3
_NOON: Final = 12

Field = Callable[[pa.Array, int], pa.Array]


def _digits(numbers: pa.Array, width: int) -> pa.Array:
    return pc.utf8_lpad(numbers.cast(pa.string()), width, "0")


def _year(values: pa.Array, width: int) -> pa.Array:
    if width == 2:  # noqa: PLR2004 - `yy` is a case of its own in JDK patterns
        return pc.utf8_slice_codeunits(_digits(pc.year(values), 4), -2)
    return _digits(pc.year(values), width)


def _named(numbers: pa.Array, names: tuple[str, ...], width: int) -> pa.Array:
    short = width <= _ABBREVIATION
    words = pa.array([name[:_ABBREVIATION] if short else name for name in names])
    return words.take(numbers)


def _month(values: pa.Array, width: int) -> pa.Array:
    if width < _ABBREVIATION:
        return _digits(pc.month(values), width)
    return _named(pc.subtract(pc.month(values), 1), MONTHS, width)


def _hour12(values: pa.Array, width: int) -> pa.Array:
    hour = pc.hour(values)
    turned = pc.subtract(hour, pc.multiply(pc.divide(hour, _NOON), _NOON))
    return _digits(pc.if_else(pc.equal(turned, 0), _NOON, turned), width)


def _fraction(values: pa.Array, width: int) -> pa.Array:
    micros = pc.add(pc.multiply(pc.millisecond(values), 1000), pc.microsecond(values))
    return pc.utf8_slice_codeunits(pc.utf8_rpad(_digits(micros, 6), width, "0"), 0, width)


def _half_day(values: pa.Array, _width: int) -> pa.Array:
    return pc.if_else(pc.less(pc.hour(values), _NOON), "AM", "PM")


def _utc(values: pa.Array, _width: int) -> pa.Array:
    return pc.if_else(pc.is_valid(values), "Z", None)


def _offset(values: pa.Array, width: int) -> pa.Array:
    word = {1: "+00", 2: "+0000"}.get(width, "+00:00")
    return pc.if_else(pc.is_valid(values), word, None)


def _zone(values: pa.Array, _width: int) -> pa.Array:
    return _offset(values, 2)


_FIELDS: Final[dict[str, tuple[Field, range]]] = {
    "y": (_year, range(1, 10)),
    "u": (_year, range(1, 10)),
    "M": (_month, range(1, 5)),
    "d": (lambda values, width: _digits(pc.day(values), width), range(1, 3)),
    "E": (
        lambda values, width: _named(pc.day_of_week(values), WEEKDAYS, width),
        range(1, 5),
    ),
    "H": (lambda values, width: _digits(pc.hour(values), width), range(1, 3)),
    "h": (_hour12, range(1, 3)),
    "m": (lambda values, width: _digits(pc.minute(values), width), range(1, 3)),
    "s": (lambda values, width: _digits(pc.second(values), width), range(1, 3)),
    "S": (_fraction, range(1, 10)),
    "a": (_half_day, range(1, 2)),
    "X": (_utc, range(1, 4)),
    "x": (_offset, range(1, 4)),
    "Z": (_zone, range(1, 4)),
}
"""How each letter is written, and how often it may be repeated."""


@cache
def fields(pattern: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of a pattern in order: a letter's field, or text with an empty letter.

    Raises
    ------
    InvalidPlanError
        If it has letters that are not supported, or an open quote.
    """
    found = [match[0] for match in TOKEN.finditer(pattern)]
    return tuple(_part(token, pattern) for token in found if token not in ("[", "]"))


def _part(token: str, pattern: str) -> tuple[str, str]:
    if token == "'":
        raise InvalidPlanError(f"The date pattern {pattern!r} has a quote without its counterpart.")
    if token[0] == "'":
        return "", token[1:-1].replace("''", "'") or "'"
    if not (token.isascii() and token.isalpha()):
        return "", token
    field, widths = _FIELDS.get(token[0], (None, range(0)))
    if field is None or len(token) not in widths:
        raise InvalidPlanError(
            f"The date pattern {pattern!r} uses {token!r}, which cannot be written.",
            remedy="Use yyyy, MM, MMM, dd, EEE, HH, hh, mm, ss, S, a, X, x, Z, and quote other "
            "letters.",
        )
    return token[0], token


def letters(pattern: str) -> frozenset[str]:
    """Return the letters whose fields a pattern has."""
    return frozenset(letter for letter, _ in fields(pattern) if letter)


def in_pattern(values: pa.Array, pattern: str) -> pa.Array:
    """Return dates or timestamps (these as UTC, or as they stand without a zone) as text."""
    parts = [
        _FIELDS[letter][0](values, len(text)) if letter else text
        for letter, text in fields(pattern)
    ]
    return pc.binary_join_element_wise(*parts, "") if parts else values.cast(pa.string())
