"""Words that stand for a missing value: which of them a file uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.authoring.profile_types import typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.authoring.profile_sample import Spellings

_ANYWHERE: Final = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "NaN", "nan", "\\N")
"""Spellings that mean nothing else in a text either; Na is sodium, NAN an airport."""
_AMONG_VALUES: Final = frozenset(
    {word.lower() for word in _ANYWHERE}
    | {
        "none",
        "nil",
        "-",
        "--",
        "?",
        ".",
        "n.a.",
        "k.a.",
        "#value!",
        "#div/0!",
        "missing",
        "unknown",
    }
)
"""They mean a missing value, in any case, where everything else is a number or a date."""
_TWO_LETTERS: Final = r"^[A-Z]{2}$"
_NAMIBIA: Final = "NA"


def missing_words(columns: Mapping[str, Spellings]) -> dict[str, list[str]]:
    """Return the words, as they are spelled in the file, and the columns that show them to be such.

    Other columns may have one of them as a value: `NA` is Namibia's code, too.
    """
    found: dict[str, list[str]] = {}
    for name, spellings in columns.items():
        for word in _words_of(name, spellings):
            found.setdefault(word, []).append(name)
    return found


def is_missing_word(text: str) -> bool:
    """Tell whether a text is a usual spelling of no value."""
    return text.strip().lower() in _AMONG_VALUES


def words_of_file(
    columns: Mapping[str, Spellings], words: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Return the missing words that mean nothing else in any other column of the file."""
    return {
        word: shown_by
        for word, shown_by in words.items()
        if not any(
            name not in shown_by and pc.is_in(pa.scalar(word), spellings.values).as_py()
            for name, spellings in columns.items()
        )
    }


def _words_of(name: str, spellings: Spellings) -> list[str]:
    values = spellings.values
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    candidates: list[str] = values.filter(
        pc.is_in(plain, pa.array(list(_AMONG_VALUES)))
    ).to_pylist()
    if not candidates:
        return []
    rest = spellings.without(candidates)
    if not len(rest.values) or typed(name, rest).type != "string":
        return candidates
    words = _anywhere(values)
    if _NAMIBIA in words and _are_codes(rest.values):
        words.remove(_NAMIBIA)
    return words


def _anywhere(values: pa.Array) -> list[str]:
    plain = pc.utf8_trim_whitespace(values)
    words: list[str] = values.filter(pc.is_in(plain, pa.array(_ANYWHERE))).to_pylist()
    return words


def _are_codes(values: pa.Array) -> bool:
    """Whether the values are mostly two capital letters, as countries and states are written."""
    codes = pc.match_substring_regex(values, _TWO_LETTERS)
    return bool(pc.sum(codes).as_py() * 2 > len(values))
