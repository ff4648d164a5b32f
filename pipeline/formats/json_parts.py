"""Parts of JSON lines between two commas, as the texts that a column takes its values from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.formats.json_values import (
    NUMBERS,
    Number,
    column_text,
    misfits,
    parsed_json,
    without_missing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.formats.json_shapes import Part
    from pipeline.plan_contract import Column

_PLAIN_TEXT: Final = r'"[^"\\\x00-\x1f]*"'
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_BLANKS: Final = " \t"
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""The byte order mark, which may stand before a file's text and is else no JSON."""


class PartValues(NamedTuple):
    """Values of a column's parts, one for each.

    `texts` are null for no value. `refused` is the mask of values that no column of the type can
    hold, `odd` that of parts that are not this name and a text, a number, a truth value or null;
    either is None where there is none. Two parts may have the same text where `merged` is true.
    """

    texts: pa.Array
    refused: pa.Array | None = None
    odd: pa.Array | None = None
    merged: bool = False


def part_values(
    parts: pa.Array, shape: Part, column: Column, missing: Mapping[str, tuple[float, ...]]
) -> PartValues:
    """Return the values of parts of a column's name.

    Parameters
    ----------
    missing
        Numbers that stand for no value, by the column's name in the file.
    """
    values = _values(parts, shape)
    quoted = pc.starts_with(values, '"')
    texts = values
    if _any(quoted):
        texts = pc.if_else(quoted, pc.utf8_slice_codeunits(values, 1, -1), values)
    as_written = pc.match_substring_regex(values, _written_as_read(column, missing))
    if _all(as_written):
        return PartValues(texts, merged=_any(quoted) and not _all(quoted))
    others = pc.invert(pc.fill_null(as_written, False))
    read = [_read(value, column, missing) for value in values.filter(others).to_pylist()]
    found = [pa.array(each) for each in zip(*read, strict=True)]
    texts = pc.replace_with_mask(texts, others, found[0].cast(pa.string()))
    refused, odd = (_placed(mask, others) for mask in found[1:])
    return PartValues(texts, refused, odd, merged=True)


def _values(parts: pa.Array, shape: Part) -> pa.Array:
    """The JSON text of the values; null where a part is of another name."""
    values = pc.utf8_slice_codeunits(parts, len(shape.before), -len(shape.after) or None)
    fit = pc.starts_with(parts, shape.before)
    if shape.after:
        fit = pc.and_(fit, pc.ends_with(parts, shape.after))
    return values if _all(fit) else pc.if_else(fit, values, pa.nulls(len(values), pa.string()))


def _written_as_read(column: Column, missing: Mapping[str, tuple[float, ...]]) -> str:
    """Pattern of JSON values whose text is what the column takes, but for quotes."""
    own_spelling = column.type in NUMBERS and column.spelling.decimal_char != "."
    if column.type == "string" or own_spelling or missing.get(column.source_name):
        return f"^{_PLAIN_TEXT}$"
    return f"^(?:{_PLAIN_TEXT}|{_NUMBER})$"


def _read(
    json_text: str | None, column: Column, missing: Mapping[str, tuple[float, ...]]
) -> tuple[str | None, bool, bool]:
    """A value's text, whether the column refuses it, and whether it is odd."""
    bare = (json_text or "").strip(_BLANKS)
    elsewhere = bare.startswith(("[", "{", _MARK))  # a mark is none but before a whole line
    value = None if elsewhere else parsed_json(bare.encode())
    is_word = isinstance(value, Number) and not value[-1].isdigit()  # NaN
    if is_word or (value is None and bare != "null"):
        return None, False, True
    value = without_missing(value, missing, column.source_name)
    return column_text(value, column), misfits(value, column), False


def _placed(mask: pa.Array, among: pa.Array) -> pa.Array | None:
    """A mask of some values as one of all; None where it is nowhere true."""
    return pc.replace_with_mask(among, among, mask) if _any(mask) else None


def _any(mask: pa.Array) -> bool:
    return bool(pc.any(mask, min_count=0).as_py())


def _all(mask: pa.Array) -> bool:
    return not mask.null_count and bool(pc.all(mask, min_count=0).as_py())
