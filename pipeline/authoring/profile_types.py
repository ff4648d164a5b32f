"""The logical type of a column, from how its values are written and what it is called.

A type is chosen only if every value has it by the rules of `pipeline/lexical.py`. Where a type
would lose something (leading zeros) or two readings are possible (03/04/2013), the column stays
text, and a note says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.authoring.profile_moments import (
    date_patterns,
    has_short_year,
    swapped,
    time_patterns,
    timestamp_patterns,
)
from pipeline.authoring.profile_spellings import boolean_words, number_words
from pipeline.lexical import NUMBER, parsed
from pipeline.plan_contract import Column, Spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.authoring.profile_sample import Spellings

_FIRST: Final = 20
"""Values that a type is tried on before it is tried on all."""
_FEW_DATES: Final = 5
_LEADING_ZERO: Final = r"^[+-]?0[0-9]"
_CODE_LIKE_POWER: Final = r"^[0-9]+[eE][0-9]+$"
_COMPACT_DATE: Final = r"^(19|20)[0-9]{6}$"
_PLAIN: Final = r"^[+-]?[0-9]*\.?[0-9]*$"
_MOST_DIGITS: Final = 38
_LIKE_MOMENTS: Final = re.compile(r"[0-9][-/.:][0-9]|[0-9][ -][A-Za-z]{3}|[A-Za-z]{3} [0-9]")
_SPELLING: Final = {
    "trueValues": "true",
    "falseValues": "false",
    "decimalChar": "decimal_char",
    "groupChar": "group_char",
    "bareNumber": "bare_number",
}
"""Custom properties of a column, and what the plan calls them."""
_CODE_NAME: Final = re.compile(
    r"(^|_)(zip|zip_?code|post_?(al_?)?code|phone|telephone|mobile|fax|ssn|fips|iban|ean|upc|isbn"
    r"|gtin|account_?(number|no|nr))($|_)"
)


@dataclass(frozen=True)
class Typed:
    """A column's type as the contract writes it, and why it is not another one, if that is due.

    `written` are the column's custom properties: how its values are written, where the type alone
    does not say. `physical` is its physicalType, empty if it needs none. `impossible` says why no
    type takes all of the values; empty if one does.
    """

    type: str = "string"
    format: str | None = None
    timezone: bool = True
    note: str = ""
    impossible: str = ""
    physical: str = ""
    written: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: str, *, required: bool = False) -> Column:
        """Return the column that validate would check values with."""
        spelling = {_SPELLING[word]: value for word, value in self.written.items()}
        return Column(
            name,
            self.type,
            required=required,
            timezone=self.timezone,
            arrow=self.physical.replace("DECIMAL", "decimal128").replace(",", ", "),
            spelling=Spelling(format=self.format, **spelling),
        )


def typed(name: str, spellings: Spellings) -> Typed:
    """Return the type of a column without its missing values."""
    values = spellings.values
    if spellings.is_nested:
        return _nested(spellings)
    if not len(values):
        return Typed(note="no value at all: the type is not known")
    found = (
        _number(name, spellings)
        or _boolean(values)
        or _moment(values)
        or _otherwise_written(values)
        or Typed()
    )
    if found.type == "string" and not spellings.is_text:
        kinds = ", ".join(sorted(spellings.kinds))
        return Typed(impossible=f"holds values of several JSON types ({kinds}): no one type fits")
    return found


def fits(values: pa.Array, candidate: Typed) -> bool:
    """Tell whether all texts are values of a type."""
    column = candidate.column("")
    return all(
        not pc.any(parsed(part, column).refused).as_py() for part in (values[:_FIRST], values)
    )


def _matches(values: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(pc.utf8_trim_whitespace(values), pattern)


def _any(values: pa.Array, pattern: str) -> bool:
    return bool(pc.any(_matches(values, pattern)).as_py())


def _all(values: pa.Array, pattern: str) -> bool:
    return bool(pc.all(_matches(values, pattern)).as_py())


def _number(name: str, spellings: Spellings) -> Typed | None:
    """Integer or number; text where digits are no quantity. None if the values are none."""
    values = spellings.values
    if not _all(values, NUMBER):
        return None
    if spellings.is_text and (reason := _no_quantity(name, values)):
        return Typed(note=reason)
    if fits(values, Typed("integer")):
        if len(values) >= _FEW_DATES and _all(values, _COMPACT_DATE):
            date = Typed("date", "yyyyMMdd", note="eight digits that all are dates")
            if fits(values, date):
                return date
        return Typed("integer")
    if spellings.is_text and not _any(values, r"[.eE]"):
        return Typed(note="digits beyond 64 bits: text keeps them exactly")
    return Typed("number") if fits(values, Typed("number")) else _decimal(values)


def _decimal(values: pa.Array) -> Typed | None:
    """Number that keeps digits which a double does not, with room for two more before the point."""
    if not _all(values, _PLAIN):
        return None
    parts = [text.strip(" +-").split(".") for text in values.to_pylist()]
    scale = max((len(part[1]) for part in parts if len(part) > 1), default=0)
    digits = min(_MOST_DIGITS, 2 + scale + max(len(part[0]) for part in parts))
    found = Typed(
        "number", physical=f"DECIMAL({digits},{scale})", note="more digits than a double keeps"
    )
    return found if fits(values, found) else None


def _no_quantity(name: str, values: pa.Array) -> str:
    """Why values that are written like numbers should stay text; empty if they should not."""
    if _any(values, _LEADING_ZERO):
        return "leading zeros, which a number would lose"
    if _all(values, r"^\+"):
        return "each begins with +, as telephone numbers do"
    if _any(values, _CODE_LIKE_POWER):
        return "codes such as 12E4 are no powers of ten"
    if _CODE_NAME.search(snake(name)):
        return "digits, but by its name no quantity: later values may have leading zeros"
    return ""


def snake(name: str) -> str:
    """Return a name in lower case with underscores: `zipCode` and `Zip code` are `zip_code`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^\w]+", "_", name)
    return apart.strip("_").lower()


def _nested(spellings: Spellings) -> Typed:
    """Array or object, if every value is one."""
    if len(spellings.kinds) > 1:
        kinds = ", ".join(sorted(spellings.kinds))
        return Typed(impossible=f"holds values of several JSON types ({kinds}): no one type fits")
    (kind,) = spellings.kinds
    return Typed(kind)


def _boolean(values: pa.Array) -> Typed | None:
    return Typed("boolean") if fits(values, Typed("boolean")) else None


def _otherwise_written(values: pa.Array) -> Typed | None:
    """Booleans and numbers in the spelling of a language or of a currency."""
    texts = pc.unique(pc.utf8_trim_whitespace(values)).to_pylist()
    if words := boolean_words(texts):
        return Typed("boolean", written=words)
    ways = number_words(texts)
    if len(ways) > 1:
        return Typed(note="no value tells what the comma or point means, so it is text")
    note = (
        "signs around the numbers are passed over" if any("bareNumber" in w for w in ways) else ""
    )
    whole = [{word: way[word] for word in way if word != "decimalChar"} for way in ways]
    candidates = [Typed("integer", written=way, note=note) for way in whole]
    candidates += [Typed("number", written=way, note=note) for way in ways]
    return next((one for one in candidates if fits(values, one)), None)


def _moment(values: pa.Array) -> Typed | None:
    """Date, timestamp or time; text where the order of day and month cannot be told."""
    fitting = [candidate for candidate in _moments(values[0].as_py()) if fits(values, candidate)]
    if not fitting:
        return None
    first = fitting[0]
    rival = swapped(first.format)
    if any(candidate.format == rival for candidate in fitting[1:]):
        return Typed(note=f"either {first.format} or {rival}: no value tells which, so it is text")
    if has_short_year(first.format or ""):
        return replace(first, note="years of two digits are taken for 2000 to 2099")
    if first.type == "timestamp" and not first.timezone:
        return replace(first, note="no offset: say in which zone it is")
    return first


def _moments(text: str) -> Iterator[Typed]:
    """Candidates for a column with such a text, ISO 8601 first: it needs no format."""
    text = text.strip()
    if not _LIKE_MOMENTS.search(text):
        return
    yield Typed("date")
    yield Typed("timestamp")
    yield Typed("timestamp", timezone=False)
    yield Typed("time")
    yield from (Typed("date", pattern) for pattern in date_patterns(text))
    for pattern, zoned in timestamp_patterns(text):
        yield Typed("timestamp", pattern, timezone=zoned)
    yield from (Typed("time", pattern) for pattern in time_patterns(text))
