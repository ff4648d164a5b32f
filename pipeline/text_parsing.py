"""The cleaning steps that read numbers and dates out of text, each registered under its name.

They change the type of their column. Text that is none is a finding about its row, as it is in
validate; the rules are those of `lexical.py`, whose spellings the arguments choose.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lexical import Parsed, parsed
from pipeline.month_names import english_of
from pipeline.plan_contract import Column, Spelling

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANK: Final = r"[\s\p{Z}]"
_LIKE: Final = {" ": "\u00a0\u202f\u2009", "'": "\u2019"}
"""Marks between groups of digits that are written like another one."""


class ParsingStep(NamedTuple):
    """A step: what it makes of text, the type of that, and what it expects, in words."""

    apply: Callable[[pa.Array, Any], Parsed]
    type: pa.DataType
    wanted: Callable[[Any], str]


def _number(text: pa.Array, form: dict[str, Any]) -> Parsed:
    group = form.get("group", "")
    for alike in _LIKE.get(group, ""):
        text = pc.replace_substring(text, alike, group)
    spelling = Spelling(decimal_char=form.get("decimal", "."), group_char=group)
    if ignored := form.get("ignore"):
        text = _without(text, ignored)
    return parsed(text, Column("", "number", spelling=spelling))


def _without(text: pa.Array, words: list[str]) -> pa.Array:
    """Text without the words before and after the digits; a sign may stand before or after them."""
    longest_first = sorted(words, key=len, reverse=True)
    passed_over = f"(?:{_BLANK}|{'|'.join(map(re.escape, longest_first))})*"
    return pc.replace_substring_regex(
        text, rf"^{passed_over}([+-]?){passed_over}(.*?){passed_over}$", r"\1\2"
    )


def _date(text: pa.Array, form: dict[str, Any]) -> Parsed:
    column = Column("", "date", spelling=Spelling(format=form["format"]))
    locale = form.get("locale", "en")
    if not re.search("MMM|EEE", form["format"]):
        return parsed(text, column)
    encoded = text.dictionary_encode()
    english = english_of(locale, form["format"])
    names = [None if value is None else english(value) for value in encoded.dictionary.to_pylist()]
    return parsed(pa.array(names, pa.string()).take(encoded.indices), column)


def _wanted_number(form: dict[str, Any]) -> str:
    marks = [f"{mark} {form[mark]!r}" for mark in ("decimal", "group") if form.get(mark)]
    return f"number with {' and '.join(marks)}" if marks else "number"


def _wanted_date(form: dict[str, Any]) -> str:
    return f"date in the form {form['format']} ({form.get('locale', 'en')})"


PARSERS: Final[dict[str, ParsingStep]] = {
    "parse_number": ParsingStep(_number, pa.float64(), _wanted_number),
    "parse_date": ParsingStep(_date, pa.date32(), _wanted_date),
}
"""Steps that make another type of text."""
