"""From JSON documents back to the dataclasses that they were made of."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def decoded(kind: type[T], document: Any) -> T:
    """Return the dataclass whose `asdict` is the document.

    Fields may be dataclasses, tuples and mappings of them, or optional ones. All of them must be
    there, and no others.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If the document is none of that class.
    """
    made: T = _decoded(kind, document)
    return made


def _decoded(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return _instance(kind, value)
    arguments = get_args(kind)
    if get_origin(kind) is UnionType:
        (only,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _decoded(only, value)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_decoded(arguments[0], item) for item in value)
    if get_origin(kind) is dict:
        return {name: _decoded(arguments[1], item) for name, item in value.items()}
    if kind is not Any and not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"{value!r} is no {kind}")
    return value


def _instance(kind: Any, document: Any) -> Any:
    hints = _hints(kind)
    if document.keys() != hints.keys():
        raise ValueError(f"{kind.__name__} has {sorted(hints)}, not {sorted(document)}")
    return kind(**{name: _decoded(hints[name], item) for name, item in document.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    known = get_type_hints(kind)
    return {item.name: known[item.name] for item in fields(kind)}
