"""JDK date patterns, as the Open Data Contract Standard writes formats.

A pattern becomes a regular expression that accepts exactly the texts it describes, and a rewrite
of such a text to ISO 8601, which Arrow casts. Supported letters: y M d H m s S (digits), X x
(offset), quoted literals, and optional sections in square brackets.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Final, NamedTuple

from pipeline.errors import InvalidPlanError

_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
_OFFSET: Final = {"X": "Z|[+-][0-9]{2}(?::?[0-9]{2})?", "x": "[+-][0-9]{2}(?::?[0-9]{2})?"}
_WIDTHS: Final = {
    "yyyy": "[0-9]{4}",
    "uuuu": "[0-9]{4}",
    "MM": "0[1-9]|1[0-2]",
    "dd": "0[1-9]|[12][0-9]|3[01]",
    "HH": "[01][0-9]|2[0-3]",
    "mm": "[0-5][0-9]",
    "ss": "[0-5][0-9]",
}


class DateFormat(NamedTuple):
    """What a JDK pattern accepts.

    `pattern` is an anchored RE2 expression; `rewrite` turns a match into ISO 8601 (None: it
    already is); `zoned` says whether the text carries an offset.
    """

    pattern: str
    rewrite: str | None
    zoned: bool


@cache
def compiled_format(jdk: str) -> DateFormat:
    """Return the regular expression and the ISO rewrite of a JDK date pattern.

    Raises
    ------
    InvalidPlanError
        If the pattern uses letters that are not supported.
    """
    groups: dict[str, int] = {}
    pattern = "".join(_translated(token[0], jdk, groups) for token in _TOKEN.finditer(jdk))
    if _depths(jdk)[-1] or min(_depths(jdk)):
        raise InvalidPlanError(
            f"The date pattern {jdk!r} has a square bracket without its counterpart.",
            remedy="Write optional sections as [ and ]; quote brackets that are text.",
        )
    rewrite = _iso(groups)
    already_iso = rewrite is not None and _is_iso(jdk)
    return DateFormat(f"^{pattern}$", None if already_iso else rewrite, "offset" in groups)


def _depths(jdk: str) -> list[int]:
    """How many optional sections are open before and after each token."""
    steps = ({"[": 1, "]": -1}.get(token[0], 0) for token in _TOKEN.finditer(jdk))
    return list(itertools.accumulate(steps, initial=0))


def _translated(token: str, jdk: str, groups: dict[str, int]) -> str:
    if token in _WIDTHS:
        return _group("y" if token == "uuuu" else token[0], _WIDTHS[token], groups)
    if set(token) == {"S"}:
        return _group("S", f"[0-9]{{1,{len(token)}}}", groups)
    if token[0] in _OFFSET:
        return _group("offset", _OFFSET[token[0]], groups)
    if token == "[":
        return "(?:"
    if token == "]":
        return ")?"
    if token.isalpha():
        raise InvalidPlanError(
            f"The date pattern {jdk!r} uses {token!r}, which is not supported.",
            remedy="Use yyyy, MM, dd, HH, mm, ss, S and X, and quote literal letters.",
        )
    literal = token[1:-1].replace("''", "'") or "'" if token[0] == "'" else token
    return re.escape(literal)


def _group(name: str, expression: str, groups: dict[str, int]) -> str:
    groups[name] = len(groups) + 1
    return f"({expression})"


def _iso(groups: dict[str, int]) -> str | None:
    """ISO 8601 made of the numbered groups; absent parts take their lowest value."""
    date = "-".join(
        _part(groups, letter, width) for letter, width in (("y", 4), ("M", 2), ("d", 2))
    )
    clock = ":".join(_part(groups, letter, 2) for letter in "Hms")
    if "S" in groups:
        clock += f".\\{groups['S']}"
    if "y" not in groups:
        return clock
    if not groups.keys() & set("Hms"):
        return date
    return f"{date}T{clock}" + (f"\\{groups['offset']}" if "offset" in groups else "")


def _part(groups: dict[str, int], letter: str, width: int) -> str:
    lowest = "1" if letter in "Md" else "0"
    return f"\\{groups[letter]}" if letter in groups else lowest.zfill(width)


def _is_iso(jdk: str) -> bool:
    bare = re.sub(r"\[\.S+\]|\.S+", "", jdk)
    bare = re.sub(r"[Xx]+$", "", bare).replace("'T'", "T").replace("uuuu", "yyyy")
    return bare in {"yyyy-MM-dd", "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-dd HH:mm:ss", "HH:mm:ss"}
