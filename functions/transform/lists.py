"""What stands in a list: the parts of a text with a separator, or of a JSON array.

Lists are made once per distinct value and travel as codes of their parts: `exploded` repeats
numbers, not text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import Distinct, distinct
from pipeline.sql import quoted

if TYPE_CHECKING:
    from pipeline.sql import SqlSteps

_SPACE: Final = r"[ \t\n\r]*"
_SPACES: Final = re.compile(_SPACE)
_TEXT: Final = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*"'
_SHORT: Final = r"-?(?:0|[1-9][0-9]{0,8})\.(?:0|[0-9]{0,3}[1-9])"
_ELEMENT: Final = rf"(?:{_TEXT}|-?[1-9][0-9]*|0|{_SHORT}|true|false|null)"
_ORDINARY: Final = (
    rf"^{_SPACE}\[{_SPACE}(?:{_ELEMENT}{_SPACE}(?:,{_SPACE}{_ELEMENT}{_SPACE})*)?\]{_SPACE}$"
)
"""Arrays that DuckDB takes apart as they stand there.

It writes some numbers in its own way (`1.10`, `1e5`, `-0`), compacts what is nested, and takes
`[1,]` and `[NaN]` for arrays.
"""


class Lists:
    """A list of texts for each row, `codes` being positions in `parts`; empty or null for none."""

    def __init__(self, codes: pa.ListArray, parts: pa.Array) -> None:
        self.codes = codes
        self.parts = parts

    def filter(self, mask: pa.Array) -> Lists:
        """Return the lists of some of the rows."""
        return Lists(self.codes.filter(mask), self.parts)


def separated_lists(column: pa.Array, by: str) -> Lists:
    """Return the parts of text between separators, as they stand there; no list for no value."""
    found = distinct(column)
    return _of_rows(found, pc.split_pattern(found.values, by))


def json_lists(column: pa.Array, name: str, sql: SqlSteps) -> tuple[Lists, pa.Array]:
    """Return the elements of JSON arrays, and the mask of values that are none.

    An element that is text is its text, any other its JSON, digit by digit as it stands there;
    `null` is no value.
    """
    found = distinct(column)
    lists = _json_parts(found.values, name, sql)
    refused = found.mask(pc.and_(pc.is_valid(found.values), pc.is_null(lists)))
    return _of_rows(found, lists), refused


def _of_rows(found: Distinct, lists: pa.ListArray) -> Lists:
    """Lists of the rows from those of the distinct values."""
    encoded = lists.flatten().dictionary_encode()
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(lists), 0)).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    codes = pa.ListArray.from_arrays(offsets, encoded.indices)
    return Lists(found.rows(codes), encoded.dictionary)


def _json_parts(values: pa.Array, name: str, sql: SqlSteps) -> pa.ListArray:
    """Elements of each value; null where it is null or no JSON array."""
    ordinary = pc.match_substring_regex(values, _ORDINARY)
    text = pc.if_else(ordinary, values, pa.scalar(None, pa.string()))
    batch = pa.RecordBatch.from_arrays([text], [name])
    elements = f"{quoted(name)} ->> '$[*]'"
    made = sql.evaluate(batch, {"_parts": elements}, [name], f"explode {name}").column("_parts")
    lists = made.combine_chunks().cast(pa.list_(pa.string()))
    rest = pc.and_(pc.is_valid(values), pc.is_null(lists))
    if not pc.any(rest, min_count=0).as_py():
        return lists
    exact = [json_elements(value) for value in values.filter(rest).to_pylist()]
    return _with(lists, rest, pa.array(exact, lists.type))


def _with(lists: pa.ListArray, mask: pa.Array, others: pa.ListArray) -> pa.ListArray:
    """Lists with others in the places of a mask; Arrow replaces no lists by a mask."""
    among_others = pc.add(pc.cumulative_sum(mask.cast(pa.int64())), len(lists) - 1)
    places = pc.if_else(mask, among_others, pa.arange(0, len(lists)))
    return pa.concat_arrays([lists, others]).take(places)


def json_elements(text: str) -> list[str | None] | None:
    """Return the elements of a JSON array, each as it stands there; None if it is none.

    Text elements are given as their text, `null` as None, others (numbers with all their digits,
    objects, arrays) as their JSON text.
    """
    try:
        return _elements(text)
    except (ValueError, RecursionError, IndexError):
        return None


def _elements(text: str) -> list[str | None]:
    """Elements of a JSON array, or an error where the text is no such."""
    at = _after_space(text, 0)
    if text[at] != "[":
        raise ValueError(text)
    at = _after_space(text, at + 1)
    elements: list[str | None] = []
    while elements or text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        elements.append(_as_text(value, text[at:end]))
        at = _after_space(text, end)
        if text[at] == "]":
            break
        if text[at] != ",":
            raise ValueError(text)
        at = _after_space(text, at + 1)
    if _after_space(text, at + 1) != len(text):
        raise ValueError(text)
    return elements


def _after_space(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return found.end() if found else at


def _as_text(value: Any, spelled: str) -> str | None:
    if isinstance(value, str):
        value.encode()  # half a surrogate pair is no text: a ValueError
        return value
    return None if value is None else spelled


def _no_number(spelled: str) -> NoReturn:
    """`NaN` and the infinities are not JSON."""
    raise ValueError(spelled)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number, parse_int=float)
"""Numbers are checked here, and taken as they are spelled: integers may have any length."""
