"""Numbers and booleans in the spelling of a language: which marks and words a column uses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAIRS: Final = (
    ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"),
    ("ja", "nein"), ("j", "n"), ("oui", "non"), ("si", "no"), ("sí", "no"), ("sim", "não"),
    ("ja", "nee"), ("wahr", "falsch"), ("vrai", "faux"),
)  # fmt: skip
"""Words for true and false that go together."""
_MARKS: Final = (
    (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (".", "\u00a0"), (",", "\u00a0"),
    (",", "\u202f"), (".", "\u202f"),
)  # fmt: skip
"""Decimal marks, and the marks between groups of digits that go with them."""
_AROUND: Final = r"([$€£¥₹%‰]|(EUR|USD|GBP|CHF|JPY|INR)\b|\b(EUR|USD|GBP|CHF|JPY|INR))"
_AFFIX: Final = re.compile(rf"^(?P<before>{_AROUND} ?)?(?P<number>[^$€£¥₹%‰A-Z]*?)"
                           rf"(?P<after> ?{_AROUND})?$")  # fmt: skip


def boolean_words(texts: Sequence[str]) -> dict[str, Any] | None:
    """Return `trueValues` and `falseValues` of texts; None if they are not two words of a pair."""
    folded = {text.lower() for text in texts}
    for true, false in _PAIRS:
        if folded == {true, false}:
            return {
                "trueValues": sorted(text for text in texts if text.lower() == true),
                "falseValues": sorted(text for text in texts if text.lower() == false),
            }
    return None


def number_words(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the ways in which all texts are numbers, by the contract's words; none: an empty list.

    Several ways give different numbers: `1,000` is one, or a thousand.
    """
    bare = [_bare(text) for text in texts]
    numbers = [number for number, _ in bare]
    around = {affix for _, affix in bare if affix}
    if len(around) > 1:  # 5 $ and 5 € are different amounts
        return []
    stripped = {"bareNumber": False} if around else {}
    if around and _all_match(numbers, ".", ""):
        return [stripped]
    ways = [
        {**_marks(numbers, decimal, group), **stripped}
        for decimal, group in ((",", ""), *_MARKS)
        if _all_match(numbers, decimal, group) and _are_needed(numbers, decimal, group)
    ]
    return [way for at, way in enumerate(ways) if way not in ways[:at]]


def _bare(text: str) -> tuple[str, str]:
    """A text without the sign of a currency or a percentage, and that sign."""
    found = _AFFIX.match(text)
    if found is None or not (found["before"] or found["after"]):
        return text, ""
    affix = f"{found['before'] or ''}{found['after'] or ''}"
    return found["number"], affix.strip()


def _all_match(numbers: list[str], decimal: str, group: str) -> bool:
    """Whether all texts are numbers with these marks, groups being of three digits."""
    whole = "[0-9]+"
    if group:
        whole = rf"([0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})+|[0-9]+)"
    pattern = re.compile(rf"[+-]?{whole}({re.escape(decimal)}[0-9]+)?")
    return all(pattern.fullmatch(number) for number in numbers)


def _are_needed(numbers: list[str], decimal: str, group: str) -> bool:
    """Whether the marks stand in the texts: those that do not are nobody's spelling."""
    text = "".join(numbers)
    return (group or decimal) in text


def _marks(numbers: list[str], decimal: str, group: str) -> dict[str, str]:
    text = "".join(numbers)
    named = decimal != "." and (decimal in text or group == ".")
    marks = {"decimalChar": decimal} if named else {}
    return marks | ({"groupChar": group} if group else {})
