"""JDK date patterns, as the Open Data Contract Standard writes formats.

A pattern becomes a regular expression that accepts exactly the texts it describes, and a rewrite
of such a text to ISO 8601, which Arrow casts.

==================  ==============================================================================
`yyyy` `uuuu` `yy`  year of four digits; of two digits: 2000 to 2099
`M` `MM`            month of one or two digits; of two digits
`MMM` `MMMM`        English name of the month, short (`Jan`) or in full, in any case
`d` `dd`            day of the month, of one or two digits; of two digits
`EEE` `EEEE`        English name of the weekday, short or in full; it must be that of the date
`H` `HH` `h` `hh`   hour, 0 to 23, or 1 to 12 beside `a` (AM or PM, in any case)
`m` `mm` `s` `ss`   minute and second
`S` `SSSSSS`        fraction of a second, at most so many digits
`X` `x` `Z`         offset: `+01`, `+0100` or `+01:00`, with `X` also `Z`
`'T'` `''`          text, and a quote; signs other than letters stand for themselves
`[` `]`             an optional section; what it leaves out takes its lowest value
==================  ==============================================================================
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Final, NamedTuple

from pipeline.errors import InvalidPlanError

TOKEN: Final = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
_OFFSET: Final = "[+-][0-9]{2}(?::?[0-9]{2})?"
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT: Final = 3


def _one_of(names: tuple[str, ...], length: int | None = None) -> str:
    return f"(?i:{'|'.join(name[:length] for name in names)})"


_PARTS: Final = {
    "yyyy": ("y", "[0-9]{4}"),
    "uuuu": ("y", "[0-9]{4}"),
    "yy": ("y", "[0-9]{2}"),
    "uu": ("y", "[0-9]{2}"),
    "M": ("M", "0?[1-9]|1[0-2]"),
    "MM": ("M", "0[1-9]|1[0-2]"),
    "MMM": ("M", _one_of(MONTHS, _SHORT)),
    "MMMM": ("M", _one_of(MONTHS)),
    "d": ("d", "0?[1-9]|[12][0-9]|3[01]"),
    "dd": ("d", "0[1-9]|[12][0-9]|3[01]"),
    "EEE": ("E", _one_of(WEEKDAYS, _SHORT)),
    "EEEE": ("E", _one_of(WEEKDAYS)),
    "H": ("H", "[01]?[0-9]|2[0-3]"),
    "HH": ("H", "[01][0-9]|2[0-3]"),
    "h": ("H", "0?[1-9]|1[0-2]"),
    "hh": ("H", "0[1-9]|1[0-2]"),
    "a": ("a", "(?i:am|pm)"),
    "m": ("m", "[0-5]?[0-9]"),
    "mm": ("m", "[0-5][0-9]"),
    "s": ("s", "[0-5]?[0-9]"),
    "ss": ("s", "[0-5][0-9]"),
}
"""Name of the part that a letter stands for, and the texts that it accepts."""

_OF_ANY_WIDTH: Final = frozenset("MdHhms")

_ABSENT_PARTS: Final = (
    (r"-(-|T|$)", r"-01\1"),
    (r"-(-|T|$)", r"-01\1"),
    (r"(^|T):", r"\100:"),
    (r":(:|\.|Z|[+-]|$)", r":00\1"),
    (r":(:|\.|Z|[+-]|$)", r":00\1"),
    (r"\.(Z|[+-]|$)", r"\1"),
    (r"#:", r"00:"),
)
"""What a rewrite leaves of optional sections that a text has not, and the lowest value instead."""

_ONE_DIGIT: Final = (
    (r"-([0-9])(-|T|$)", r"-0\1\2"),
    (r"-([0-9])(-|T|$)", r"-0\1\2"),
    (r"(^|T)([0-9]):", r"\10\2:"),
    (r":([0-9])(:|\.|Z|[+-]|$)", r":0\1\2"),
    (r":([0-9])(:|\.|Z|[+-]|$)", r":0\1\2"),
)
_NOON: Final = 12
_HALF_DAYS: Final = tuple(
    (f"#0?{hour}(?i:{half}):", f"{hour % _NOON + (_NOON if half == 'pm' else 0):02}:")
    for hour in range(1, _NOON + 1)
    for half in ("am", "pm")
)
"""An hour of twelve is rewritten behind a `#`, which only stays where AM or PM is missing."""


class DateFormat(NamedTuple):
    """What a JDK pattern accepts.

    `pattern` is an anchored RE2 expression; `rewrite` turns a match into ISO 8601 (None: it
    already is), but for the replacements of `fixes`, in order. `zoned` says whether texts may
    carry an offset, `optional` whether any part may be absent. `weekday` captures the name of the
    weekday (None: there is none).
    """

    pattern: str
    rewrite: str | None
    zoned: bool
    optional: bool = False
    fixes: tuple[tuple[str, str], ...] = ()
    weekday: str | None = None


@cache
def compiled_format(jdk: str) -> DateFormat:
    """Return the regular expression and the ISO rewrite of a JDK date pattern.

    Raises
    ------
    InvalidPlanError
        If the pattern uses letters that are not supported, or is ambiguous.
    """
    tokens = [token[0] for token in TOKEN.finditer(jdk)]
    expressions = [_translated(token, jdk) for token in tokens]
    parts = [name for name, _ in expressions if name]
    _check_brackets(jdk, tokens)
    _check_parts(jdk, parts, tokens)
    captured = [name for name in parts if name != "E"]
    groups = {name: at for at, name in enumerate(captured, start=1)}
    rewrite = _iso(groups, short_year=bool({"yy", "uu"} & {*tokens}))
    return DateFormat(
        pattern=_joined(expressions, groups),
        rewrite=None if _is_iso(jdk) else rewrite,
        zoned="offset" in groups,
        optional="[" in tokens,
        fixes=_fixes(tokens),
        weekday=_joined(expressions, ("E",)) if "E" in parts else None,
    )


def _translated(token: str, jdk: str) -> tuple[str, str]:
    """A token's part (empty: none) and regular expression."""
    if token in _PARTS:
        return _PARTS[token]
    if set(token) == {"S"}:
        return "S", f"[0-9]{{1,{len(token)}}}"
    if token[0] in "XxZ":
        return "offset", f"Z|{_OFFSET}" if token[0] == "X" else _OFFSET
    if token in "[]":
        return "", {"[": "(?:", "]": ")?"}[token]
    if token.isascii() and token.isalpha():
        raise InvalidPlanError(
            f"The date pattern {jdk!r} uses {token!r}, which is not supported.",
            remedy="Use yyyy, yy, M, d, MMM, EEE, H, h with a, m, s, S and X; quote letters that "
            "are text.",
        )
    literal = token[1:-1].replace("''", "'") or "'" if token[0] == "'" else token
    return "", re.escape(literal)


def _joined(expressions: list[tuple[str, str]], captured: dict[str, int] | tuple[str, ...]) -> str:
    """Anchored expression; the parts of `captured` are groups of it."""
    found = [
        f"({'' if name in captured else '?:'}{text})" if name else text
        for name, text in expressions
    ]
    return f"^{''.join(found)}$"


def _check_brackets(jdk: str, tokens: list[str]) -> None:
    steps = ({"[": 1, "]": -1}.get(token, 0) for token in tokens)
    depths = list(itertools.accumulate(steps, initial=0))
    if depths[-1] or min(depths):
        raise InvalidPlanError(
            f"The date pattern {jdk!r} has a square bracket without its counterpart.",
            remedy="Write optional sections as [ and ]; quote brackets that are text.",
        )


def _check_parts(jdk: str, parts: list[str], tokens: list[str]) -> None:
    """Raise if a text could be read in two ways, or not at all."""
    twelve = bool({"h", "hh"} & {*tokens})
    if len({*parts}) < len(parts):
        raise InvalidPlanError(
            f"The date pattern {jdk!r} has a part twice.",
            remedy="Name each part once; optional sections can't be alternatives.",
        )
    if twelve != ("a" in parts):
        raise InvalidPlanError(
            f"The date pattern {jdk!r} has only one of h and a.",
            remedy="Hours of 1 to 12 need AM or PM: write h with a, or H.",
        )
    if {"M", "d", "E"} & {*parts} and "y" not in parts:
        raise InvalidPlanError(
            f"The date pattern {jdk!r} names no year.", remedy="Add yyyy; a date needs its year."
        )
    if "E" in parts and "d" not in parts:
        raise InvalidPlanError(
            f"The date pattern {jdk!r} has a weekday of no day.",
            remedy="Add d, or leave the weekday out.",
        )
    adjoining = itertools.pairwise(token for token in tokens if token not in "[]")
    for one, other in adjoining:
        if one in _OF_ANY_WIDTH and (other in _OF_ANY_WIDTH or other[0] == "S"):
            raise InvalidPlanError(
                f"The date pattern {jdk!r} does not say where {one} ends and {other} begins.",
                remedy=f"Put a separator between them, or write {one * 2} and {other * 2}.",
            )


def _iso(groups: dict[str, int], *, short_year: bool) -> str:
    """ISO 8601 made of the numbered groups; absent parts take their lowest value."""
    clock = ":".join(_part(groups, letter) for letter in "Hms")
    if "a" in groups:
        clock = clock.replace(f"\\{groups['H']}", f"#\\{groups['H']}\\{groups['a']}", 1)
    if "S" in groups:
        clock += f".\\{groups['S']}"
    if "y" not in groups:
        return clock
    date = "-".join(_part(groups, letter) for letter in "yMd")
    date = f"20{date}" if short_year else date
    if not groups.keys() & set("Hms"):
        return date
    return f"{date}T{clock}" + (f"\\{groups['offset']}" if "offset" in groups else "")


def _part(groups: dict[str, int], letter: str) -> str:
    lowest = "01" if letter in "Md" else "00"
    return f"\\{groups[letter]}" if letter in groups else lowest


def _fixes(tokens: list[str]) -> tuple[tuple[str, str], ...]:
    """What a rewrite alone cannot do: numbers of names, leading zeros, hours of half days."""
    fixes: list[tuple[str, str]] = []
    if "[" in tokens:
        fixes += _ABSENT_PARTS
    length = {"MMM": _SHORT, "MMMM": None}
    for token in length.keys() & {*tokens}:
        fixes += [
            (f"-(?i:{name[: length[token]]})-", f"-{number:02}-")
            for number, name in enumerate(MONTHS, start=1)
        ]
    if "a" in tokens:
        fixes += _HALF_DAYS
    return (*fixes, *_ONE_DIGIT) if _OF_ANY_WIDTH & {*tokens} else tuple(fixes)


def _is_iso(jdk: str) -> bool:
    bare = re.sub(r"\[\.S+\]|\.S+", "", jdk)
    bare = re.sub(r"(X+|x+|\[X+\])$", "", bare).replace("'T'", "T").replace("uuuu", "yyyy")
    return bare in {"yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-dd HH:mm:ss", "HH:mm:ss"}
