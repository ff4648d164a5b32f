"""Salvage of JSON: lines that are no JSON object, but can be meant as one thing only.

json_comma
    A comma after the last member or item, or at the end of a line that an array once held.
json_word
    A word that another language has for a value: None, True, False; and NaN, which is no value.
json_objects
    Several objects in one line. Only where the contract's format is JSON, since they are rows of
    their own and number those after them.
json_bracket
    An array that the file ends in without its closing bracket, after a whole element.

Quotes of another kind, names without quotes, and objects that break off stay as they are: there is
more than one way to read them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipeline.formats.json_values import parsed_json

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMA: Final = "json_comma"
WORD: Final = "json_word"
OBJECTS: Final = "json_objects"
BRACKET: Final = "json_bracket"
MESSAGES: Final = {
    COMMA: "a comma that nothing follows is left out",
    WORD: "a word of another language is written as JSON has it",
    OBJECTS: "the line holds several objects: each is a row",
    BRACKET: "the array has no closing bracket, and ends after this element",
}
_WORDS: Final = {"None": "null", "True": "true", "False": "false"}
_TOKEN: Final = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"'
    r"|(?P<comma>(?<![\[{,\s]),(?=\s*(?:[\]}]|$)))"
    r"|(?P<word>\b(?:None|True|False)\b)"
)
_BETWEEN: Final = re.compile(r"\s*,?\s*")


class Mended(NamedTuple):
    """A row of a line, its text as JSON, and what was done to it: kinds and messages."""

    row: dict[str, Any]
    text: str
    repairs: list[tuple[str, str]]


def mended(line: bytes, *, may_hold_several: bool) -> list[Mended]:
    """Return the rows of a line that is no JSON object; none where they are not certain.

    The line is not nested too deeply.
    """
    text, changes = _changed(line.decode().strip())
    pieces = list(_pieces(text))
    several = len(pieces) > 1
    rows = [parsed_json(text[piece].encode()) for piece in pieces]
    if not (changes or several) or (several and not may_hold_several):
        return []
    if not all(isinstance(row, dict) for row in rows):
        return []
    kinds = [{kind for at, kind in changes if piece.start <= at <= piece.stop} for piece in pieces]
    return [
        Mended(row, text[piece], [(kind, MESSAGES[kind]) for kind in sorted(done)])
        for row, piece, done in zip(
            rows, pieces, [done | {OBJECTS} if several else done for done in kinds], strict=True
        )
    ]


def _changed(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text with commas left out and words written anew, and where that was done."""
    parts: list[str] = []
    changes: list[tuple[int, str]] = []
    at = size = 0
    for token in _TOKEN.finditer(text):
        if kind := COMMA if token["comma"] else WORD if token["word"] else "":
            parts += [text[at : token.start()], _WORDS.get(token[0], "")]
            size += len(parts[-2])
            changes.append((size, kind))
            size += len(parts[-1])
            at = token.end()
    return "".join([*parts, text[at:]]), changes


def _pieces(text: str) -> Iterator[slice]:
    """Where the JSON values of a text are; what is left of it where one of them is none."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    at = 0
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            end = len(text)
        yield slice(at, end)
        between = _BETWEEN.match(text, end)
        at = between.end() if between else end
