"""The logical type of a column, from how its values are written and what it is called.

A type is chosen only if every value has it by the rules of `pipeline/lexical.py`. Where a type
would lose something (leading zeros) or two readings are possible (03/04/2013), the column stays
text, and a note says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lexical import NUMBER, parsed
from pipeline.plan import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.authoring.profile_sample import Spellings

_FIRST: Final = 20
"""Values that a type is tried on before it is tried on all."""
_FEW_DATES: Final = 5
_LEADING_ZERO: Final = r"^[+-]?0[0-9]"
_CODE_LIKE_POWER: Final = r"^[0-9]+[eE][0-9]+$"
_COMPACT_DATE: Final = r"^(19|20)[0-9]{6}$"
_DATES: Final = (
    "yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd",
    "dd/MM/yyyy", "MM/dd/yyyy", "dd.MM.yyyy", "dd-MM-yyyy", "MM-dd-yyyy",
)  # fmt: skip
_CLOCKS: Final = ("HH:mm:ss[.SSSSSS]", "HH:mm")
_CODE_NAME: Final = re.compile(
    r"(^|_)(zip|zip_?code|post_?(al_?)?code|phone|telephone|mobile|fax|ssn|fips|iban|ean|upc|isbn"
    r"|gtin|account_?(number|no|nr))($|_)"
)


@dataclass(frozen=True)
class Typed:
    """A column's type as the contract writes it, and why it is not another one, if that is due.

    `impossible` says why no type takes all of the values; empty if one does.
    """

    type: str = "string"
    format: str | None = None
    timezone: bool = True
    note: str = ""
    impossible: str = ""

    def column(self, name: str, *, required: bool = False) -> Column:
        """Return the column that validate would check values with."""
        return Column(name, self.type, required, self.format, self.timezone)


def typed(name: str, spellings: Spellings) -> Typed:
    """Return the type of a column without its missing values."""
    values = spellings.values
    if spellings.is_nested:
        return Typed(impossible="holds objects or arrays, which are no values of a column")
    if not len(values):
        return Typed(note="no value at all: the type is not known")
    found = _number(name, spellings) or _boolean(values) or _moment(values) or Typed()
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
    if not fits(values[:_FIRST], Typed("number")) or not _all(values, NUMBER):
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
    return Typed("number") if fits(values, Typed("number")) else None


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


def _boolean(values: pa.Array) -> Typed | None:
    return Typed("boolean") if fits(values, Typed("boolean")) else None


def _moment(values: pa.Array) -> Typed | None:
    """Date, timestamp or time; text where the order of day and month cannot be told."""
    if not _any(values[:_FIRST], r"[0-9][-/.:][0-9]"):
        return None
    fitting = [candidate for candidate in _moments() if fits(values, candidate)]
    if not fitting:
        return None
    first = fitting[0]
    rival = _swapped(first.format)
    if any(candidate.format == rival for candidate in fitting[1:]):
        return Typed(note=f"either {first.format} or {rival}: no value tells which, so it is text")
    if first.type == "timestamp" and not first.timezone:
        return Typed(
            first.type, first.format, timezone=False, note="no offset: say in which zone it is"
        )
    return first


def _swapped(pattern: str | None) -> str:
    """The pattern with day and month in each other's place; empty if nobody writes it so."""
    if pattern is None or pattern.startswith("yyyy"):
        return ""
    return pattern.translate(str.maketrans("dM", "Md"))


def _moments() -> Iterator[Typed]:
    """Candidates, ISO 8601 first: it needs no format."""
    yield Typed("date")
    yield Typed("timestamp")
    yield Typed("timestamp", timezone=False)
    yield Typed("time")
    for date in _DATES[1:]:
        yield Typed("date", date)
    for date, between, clock in product(_DATES, ("'T'", " "), _CLOCKS):
        yield Typed("timestamp", f"{date}{between}{clock}X")
        yield Typed("timestamp", f"{date}{between}{clock}", timezone=False)
    yield Typed("time", "HH:mm")
