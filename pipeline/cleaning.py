"""The cleaning steps, each a function of plain values registered under its name.

A step sees the distinct values of a column (or its rows, where hardly any repeat) and its
argument, and returns as many values. Nulls pass through every step but `fill`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable


class CleaningStep(NamedTuple):
    """A step: what it does to values, and whether it is for text only."""

    apply: Callable[[pa.Array, Any], pa.Array]
    text_only: bool


def _trim(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_trim_whitespace(values)


def _collapse(values: pa.Array, _: Any) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), r"\s+", " ")


def _upper(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_upper(values)


def _lower(values: pa.Array, _: Any) -> pa.Array:
    return pc.utf8_lower(values)


def _null_words(values: pa.Array, words: list[str]) -> pa.Array:
    known = pc.is_in(values, pa.array(words, pa.string()))
    return pc.if_else(known, pa.scalar(None, values.type), values)


def _map(values: pa.Array, mapping: dict[str, str | None]) -> pa.Array:
    at = pc.index_in(values, pa.array(list(mapping), pa.string()))
    mapped = pa.array(list(mapping.values()), values.type).take(at)
    return pc.if_else(pc.is_valid(at), mapped, values)


def _replace(values: pa.Array, change: dict[str, str]) -> pa.Array:
    return pc.replace_substring_regex(values, change["pattern"], change["with"])


def _clip(values: pa.Array, limits: dict[str, Any]) -> pa.Array:
    if "min" in limits:
        values = pc.max_element_wise(
            values, pa.scalar(limits["min"], values.type), skip_nulls=False
        )
    if "max" in limits:
        values = pc.min_element_wise(
            values, pa.scalar(limits["max"], values.type), skip_nulls=False
        )
    return values


def _round(values: pa.Array, digits: int) -> pa.Array:
    return pc.round(values, ndigits=digits)


STEPS: Final[dict[str, CleaningStep]] = {
    "trim": CleaningStep(_trim, text_only=True),
    "collapse": CleaningStep(_collapse, text_only=True),
    "upper": CleaningStep(_upper, text_only=True),
    "lower": CleaningStep(_lower, text_only=True),
    "null_words": CleaningStep(_null_words, text_only=True),
    "map": CleaningStep(_map, text_only=True),
    "replace": CleaningStep(_replace, text_only=True),
    "clip": CleaningStep(_clip, text_only=False),
    "round": CleaningStep(_round, text_only=False),
}
"""Steps on values. `fill` is not among them: it acts on rows without a value."""

FILL: Final = "fill"
