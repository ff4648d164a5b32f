"""The cleaning steps on values, each a function registered under its name.

A step sees the distinct values of a column (or its rows, where hardly any repeat) and its
argument, and returns as many values of the same type. Nulls pass through. `fill`, which acts on
rows without a value, and the steps that make another type of text (`text_parsing.py`) are not
among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import scalar_of

if TYPE_CHECKING:
    from collections.abc import Callable

FILL: Final = "fill"
_BLANKS: Final = r"[\s\p{Z}]+"


class CleaningStep(NamedTuple):
    """A step: what it does to values, and whether it is for text only."""

    apply: Callable[[pa.Array, Any], pa.Array]
    text_only: bool


def _trim(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_trim_whitespace(values)


def _collapse(values: pa.Array, _: Any) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), _BLANKS, " ")


def _upper(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_upper(values)


def _lower(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_lower(values)


def _title(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_title(values)


def _capitalize(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_capitalize(values)


def _unicode(values: pa.Array, form: str) -> pa.Array:
    return pc.utf8_normalize(values, form=form)


def _null_words(values: pa.Array, words: list[str]) -> pa.Array:
    known = pc.is_in(values, pa.array(words, pa.string()))
    return pc.if_else(known, pa.scalar(None, values.type), values)


def _map(values: pa.Array, mapping: dict[str, str | None]) -> pa.Array:
    at = pc.index_in(values, pa.array(list(mapping), pa.string()))
    mapped = pa.array(list(mapping.values()), values.type).take(at)
    return pc.if_else(pc.is_valid(at), mapped, values)


def _replace(values: pa.Array, change: dict[str, str]) -> pa.Array:
    if "text" in change:
        return pc.replace_substring(values, change["text"], change["with"])
    return pc.replace_substring_regex(values, change["pattern"], change["with"])


def _clip(values: pa.Array, limits: dict[str, Any]) -> pa.Array:
    if "min" in limits:
        lowest = scalar_of(limits["min"], values.type)
        values = pc.max_element_wise(values, lowest, skip_nulls=False)
    if "max" in limits:
        highest = scalar_of(limits["max"], values.type)
        values = pc.min_element_wise(values, highest, skip_nulls=False)
    return values


def _round(values: pa.Array, digits: int) -> pa.Array:
    """Halves go to the even digit, as in IEEE 754, pandas and Python."""
    return pc.round(values, ndigits=digits)


STEPS: Final[dict[str, CleaningStep]] = {
    "trim": CleaningStep(_trim, text_only=True),
    "collapse": CleaningStep(_collapse, text_only=True),
    "upper": CleaningStep(_upper, text_only=True),
    "lower": CleaningStep(_lower, text_only=True),
    "title": CleaningStep(_title, text_only=True),
    "capitalize": CleaningStep(_capitalize, text_only=True),
    "unicode": CleaningStep(_unicode, text_only=True),
    "null_words": CleaningStep(_null_words, text_only=True),
    "map": CleaningStep(_map, text_only=True),
    "replace": CleaningStep(_replace, text_only=True),
    "clip": CleaningStep(_clip, text_only=False),
    "round": CleaningStep(_round, text_only=False),
}
"""Steps on values that keep their type."""
