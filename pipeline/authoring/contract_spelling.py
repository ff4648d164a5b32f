"""How a column's values are written: its options and its own customProperties."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.schemas import check_schema
from pipeline.authoring.words import custom_schema
from pipeline.plan_contract import Spelling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.authoring.contract_options import Options
    from pipeline.authoring.yaml_source import Place

_NUMBERS: Final = ("integer", "number")
_WORDS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "missingValues": ("missing", ()),
    "trueValues": ("true", ("boolean",)),
    "falseValues": ("false", ("boolean",)),
    "decimalChar": ("decimal_char", ("number",)),
    "groupChar": ("group_char", _NUMBERS),
    "bareNumber": ("bare_number", _NUMBERS),
}
"""Words of Frictionless Table Schema: their names in the plan, and the types they speak of."""
_NO_MARKS: Final = frozenset("0123456789+-eE")


def spelling_of(prop: dict[str, Any], logical: str, options: Options, place: Place) -> Spelling:
    """Return how a property's values are written; errors go to the place."""
    words: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for at, item in enumerate(prop.get("customProperties") or []):
        here = place.at("customProperties", at)
        word = item["property"]
        if word in words:
            here.at("property").error(f"{word} stands here a second time")
        elif word in _WORDS and _fits(word, item.get("value"), logical, here):
            words[word], places[word] = item.get("value"), here.at("value")
        elif close := _close(word):
            here.at("property").warning(f"{word!r} is not read here; did you mean {close!r}?")
    for word, message in _conflicts(words, logical):
        places[word].error(message)
    named = {_WORDS[word][0]: _plain(value) for word, value in words.items()}
    return Spelling(format=options.format, zone=options.zone, **named)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _close(word: str) -> str | None:
    close = difflib.get_close_matches(word, _WORDS, n=1, cutoff=0.8)
    return close[0] if close and word not in _WORDS else None


def _fits(word: str, value: Any, logical: str, place: Place) -> bool:
    """Whether the value is one that the word has, and the word one that the type has."""
    errors = len(place.source.findings)
    schema = custom_schema(word, of_column=True) or {}
    check_schema(place.source, schema, value, place.at("value").where, name=word)
    _, types = _WORDS[word]
    if types and logical not in types:
        place.at("property").error(f"{word} speaks of columns of type {' or '.join(types)}")
    return len(place.source.findings) == errors


def _conflicts(words: dict[str, Any], logical: str) -> Iterator[tuple[str, str]]:
    for word in ("decimalChar", "groupChar"):
        if words.get(word) and words[word] in _NO_MARKS:
            yield word, f"{words[word]!r} is no {word}: numbers themselves have it"
    has_point = logical != "integer"  # whole numbers may have one between their groups
    if has_point and words.get("groupChar") == words.get("decimalChar", "."):
        yield "groupChar", f"decimalChar and groupChar are both {words['groupChar']!r}"
    both = set(words.get("trueValues", ())) & set(words.get("falseValues", ()))
    if both:
        said = ", ".join(map(repr, sorted(both)))
        yield "falseValues", f"{said} cannot mean both true and false"
