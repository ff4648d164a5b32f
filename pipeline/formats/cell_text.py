"""Values as the text formats write them, a column at a time."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import distinct, plain, value_type
from pipeline.formats.moment_text import in_pattern

if TYPE_CHECKING:
    from pipeline.plan_steps import Write

_ISO: Final = "%Y-%m-%dT%H:%M:%S"
_ESCAPED: Final = r'["\\\x00-\x1f]'
"""Characters that JSON text has in another form."""
_INTEGRAL: Final = r"^-?[0-9]+$"


def moment_texts(values: pa.Array, write: Write) -> pa.Array:
    """Return dates and timestamps as text in ISO 8601 or the declared pattern; bytes in base 64.

    Other values, and dates without a pattern, are returned as they are.
    """
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _moments(values, write.timestamp_format)
    if pa.types.is_date(kind) and write.date_format is not None:
        return _moments(values, write.date_format)
    if pa.types.is_binary(kind):
        return pa.array([_base64(value) for value in values.to_pylist()], pa.string())
    return values


def _moments(values: pa.Array, pattern: str | None) -> pa.Array:
    """Text in ISO 8601 or a pattern, made once per distinct value: that takes its time."""
    parts = distinct(values.dictionary_encode())
    made = _iso(parts.values) if pattern is None else in_pattern(parts.values, pattern)
    return parts.rows(made)


def _iso(values: pa.Array) -> pa.Array:
    """ISO 8601, with a fraction of seconds if any of the values has one."""
    zone = "Z" if values.type.tz else ""
    if not pc.any(pc.not_equal(pc.subsecond(values), 0)).as_py():
        values = values.cast(pa.timestamp("s", values.type.tz))  # whose text has no fraction
    return pc.binary_join_element_wise(pc.strftime(values, _ISO), zone, "")


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def json_texts(column: pa.Array, write: Write) -> pa.Array:
    """Return values as JSON; what is missing, NaN or infinite is `null`."""
    kind = value_type(column.type)
    if pa.types.is_string(kind):
        parts = distinct(column)
        texts = parts.rows(_quoted(parts.values))
    elif pa.types.is_floating(kind):
        texts = _reals(plain(column))
    elif pa.types.is_temporal(kind) or pa.types.is_binary(kind):
        texts = _quoted(moment_texts(plain(column), write).cast(pa.string()))
    else:  # integers, decimals, booleans are written alike
        texts = plain(column).cast(pa.string())
    return texts.fill_null("null")


def _quoted(text: pa.Array) -> pa.Array:
    """Text as JSON strings; null stays null."""
    quoted = pc.binary_join_element_wise('"', text, '"', "")
    odd = pc.match_substring_regex(text, _ESCAPED)
    if not pc.any(odd).as_py():
        return quoted
    odd = odd.fill_null(False)
    escaped = [json.dumps(value, ensure_ascii=False) for value in text.filter(odd).to_pylist()]
    return pc.replace_with_mask(quoted, odd, pa.array(escaped, pa.string()))


def _reals(values: pa.Array) -> pa.Array:
    """Floating point numbers, which keep a point: `1.0` is no integer to whoever reads it."""
    texts = pc.if_else(pc.is_finite(values), values, None).cast(pa.string())
    integral = pc.match_substring_regex(texts, _INTEGRAL)
    return pc.if_else(integral, pc.binary_join_element_wise(texts, ".0", ""), texts)
