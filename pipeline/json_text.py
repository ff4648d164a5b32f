"""Objects and arrays, which travel as JSON text: what is one, and what is in it.

Each distinct text is parsed by itself; numbers keep their digits.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_KINDS: Final = {"object": dict, "array": list}


def is_json_of(kind: str, text: pa.Array) -> pa.Array:
    """Return the mask of texts that are a JSON object or array; False where there is none.

    Parameters
    ----------
    kind
        `object` or `array`.
    """
    return _mask(text, lambda value: isinstance(value, _KINDS[kind]))


def with_fewer(text: pa.Array, least: int) -> pa.Array:
    """Return the mask of objects and arrays that have fewer members."""
    return _mask(text, lambda value: len(value) < least)


def with_more(text: pa.Array, most: int) -> pa.Array:
    """Return the mask of objects and arrays that have more members."""
    return _mask(text, lambda value: len(value) > most)


def without_any_of(text: pa.Array, names: Iterable[str]) -> pa.Array:
    """Return the mask of objects that lack one of the names."""
    wanted = set(names)
    return _mask(text, lambda value: not wanted <= value.keys())


def with_equal_items(text: pa.Array, _argument: object) -> pa.Array:
    """Return the mask of arrays in which an item stands twice; 1 equals 1.0, and not true."""
    return _mask(text, lambda value: len(set(map(_hashable, value))) < len(value))


def _mask(text: pa.Array, of_value: Callable[[Any], bool]) -> pa.Array:
    return pa.array([_holds(item, of_value) for item in text.to_pylist()], pa.bool_())


def _holds(text: str | None, of_value: Callable[[Any], bool]) -> bool:
    if text is None:
        return False
    try:
        value = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_json)
    except (ValueError, ArithmeticError, RecursionError):
        return False
    return of_value(value)


def _no_json(word: str) -> NoReturn:
    raise ValueError(word)


def _hashable(value: Any) -> Any:
    """A JSON value such that equal ones are equal: to Python, true would equal 1."""
    if isinstance(value, dict):
        return "object", frozenset((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list):
        return "array", tuple(map(_hashable, value))
    return ("boolean", value) if isinstance(value, bool) else value
