"""Whether what was found is what a case expects, whose values are those that YAML can write."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from math import isclose
from typing import Any, Final

ANY: Final = "<any>"
"""Stands in a case for any value but none."""
_PARTS_OF_TEXT: Final = ("message",)
_ALIASES: Final = {"row": "row_number"}


def same(found: Any, expected: Any) -> bool:
    """Tell whether a value is the expected one: moments in ISO 8601, decimals digit by digit."""
    if expected == ANY:
        return found is not None
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, Decimal):
        return str(found) == expected or _same_number(found, expected)
    if isinstance(found, (date, time)):  # a datetime is a date, too
        return isinstance(expected, str) and found == _moment(type(found), expected)
    return bool(found == expected) or _same_number(found, expected)


def _same_number(found: Any, expected: Any) -> bool:
    numbers = isinstance(expected, (int, float)) and isinstance(found, (float, Decimal))
    return numbers and isclose(found, expected, rel_tol=1e-12)


def _moment(kind: Any, text: str) -> Any:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        return None


def same_row(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Tell whether two rows have equal values in the same columns, in any order."""
    return found.keys() == expected.keys() and all(
        same(found[name], value) or same_text(found[name], value)
        for name, value in expected.items()
    )


def same_text(found: Any, expected: Any) -> bool:
    """Tell whether a text, as CSV files have for any value, is how one would write the value."""
    if not isinstance(found, str) or isinstance(expected, str):
        return False
    if isinstance(expected, bool):
        return found == str(expected).lower()
    return found == ("" if expected is None else str(expected))


def part_of(expected: Any, found: Any) -> bool:
    """Tell whether a document has all that is expected of it; messages need only contain it."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            _holds(found, _ALIASES.get(name, name), value) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(part_of(one, other) for one, other in zip(expected, found, strict=True))
        )
    return same(found, expected)


def _holds(found: dict[str, Any], name: str, value: Any) -> bool:
    if name in _PARTS_OF_TEXT and isinstance(value, str):
        return value in str(found.get(name))
    return name in found and part_of(value, found[name])
