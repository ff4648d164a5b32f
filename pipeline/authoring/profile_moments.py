"""Date patterns that a column's values may be written in, the usual ones first."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Final

from pipeline.jdk_format import compiled_format

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATES: Final = (
    "yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd",
    "dd/MM/yyyy", "MM/dd/yyyy", "dd.MM.yyyy", "dd-MM-yyyy", "MM-dd-yyyy",
    "d/M/yyyy", "M/d/yyyy", "d.M.yyyy", "d-M-yyyy", "M-d-yyyy", "yyyy-M-d", "yyyy/M/d",
    "dd/MM/yy", "MM/dd/yy", "d/M/yy", "M/d/yy", "dd.MM.yy", "d.M.yy",
    "d-MMM-yyyy", "d MMM yyyy", "MMM d, yyyy", "MMM d yyyy", "d-MMM-yy", "d MMM yy",
    "d MMMM yyyy", "MMMM d, yyyy", "MMMM d yyyy", "EEE, d MMM yyyy", "EEEE, MMMM d, yyyy",
)  # fmt: skip
_CLOCKS: Final = (
    "HH:mm:ss[.SSSSSS]", "HH:mm", "H:mm:ss", "H:mm", "h:mm:ss a", "h:mm a", "h:mma",
)  # fmt: skip
_BETWEEN: Final = ("'T'", " ", ", ")
_QUOTED: Final = re.compile(r"'([^']*)'")
_OPTIONAL: Final = re.compile(r"\[[^]]*\]")
_LETTERS: Final = re.compile(r"[A-Za-z0-9]+")
_FRACTION: Final = re.compile(r"(:[0-9]{2})\.[0-9]+")
_OFFSET: Final = re.compile(r"([+-][0-9]{2}:?([0-9]{2})?|Z)$")
_TWO_DIGITS: Final = re.compile(r"(?<!y)yy(?!y)")


def date_patterns(text: str) -> Iterator[str]:
    """Yield the patterns that a text is a date in."""
    yield from (pattern for pattern in _DATES if _fits(pattern, text))


def timestamp_patterns(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the patterns that a text is a timestamp in, and whether they have an offset."""
    bare = _OFFSET.sub("", text) if ":" in text else text
    offsets = ("",) if bare == text else ("X", " X")
    for date, between, clock, offset in product(_DATES, _BETWEEN, _CLOCKS, offsets):
        pattern = f"{date}{between}{clock}{offset}"
        if _signs(f"{date}{between}{clock}") == _signs_of(bare) and _fits(pattern, text):
            yield pattern, bool(offset)


def time_patterns(text: str) -> Iterator[str]:
    """Yield the patterns that a text is a time of day in."""
    yield from (pattern for pattern in _CLOCKS[1:] if _fits(pattern, text))


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(compiled_format(pattern).pattern, text) is not None


def swapped(pattern: str | None) -> str:
    """Return the pattern with day and month in each other's place; empty if nobody writes it so."""
    if pattern is None or pattern.startswith("yyyy") or "MMM" in pattern:
        return ""
    return pattern.translate(str.maketrans("dM", "Md"))


def has_short_year(pattern: str) -> bool:
    """Tell whether a pattern leaves the century out."""
    return _TWO_DIGITS.search(pattern) is not None


@cache
def _signs(pattern: str) -> str:
    """What stands between the parts of a pattern, a quoted T as nothing."""
    return _signs_of(_QUOTED.sub("", _OPTIONAL.sub("", pattern)))


def _signs_of(text: str) -> str:
    return _LETTERS.sub("", _FRACTION.sub(r"\1", text)).strip()
