"""Every word of the language has a case that passes and one that fails, and says what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.words import Word, vocabulary
from tests.words.cases import all_cases

if TYPE_CHECKING:
    from collections.abc import Iterable

WORDS = [word for word in vocabulary() if not word.is_group]
CASES = all_cases()


def test_every_word_has_a_case_that_passes() -> None:
    assert not (without := missing("passes")), listed(without)


def test_every_word_has_a_case_that_fails() -> None:
    assert not (without := missing("fails")), listed(without)


def test_no_case_is_about_a_word_that_does_not_exist() -> None:
    strange = {case.word for case in CASES} - {word.path for word in WORDS}
    assert not strange, listed(strange)


def test_every_value_that_a_word_may_have_is_in_a_case() -> None:
    unused = [
        f"{word.path}: {value}"
        for word in WORDS
        for value in word.values
        if value != word.schema.get("default") and not is_used(word, value)
    ]
    assert not unused, listed(unused)


@pytest.mark.parametrize("word", vocabulary(), ids=[word.path for word in vocabulary()])
def test_every_word_says_what_it_means(word: Word) -> None:
    assert word.description.endswith("."), word.path


def listed(names: Iterable[str]) -> str:
    return "\n" + "\n".join(sorted(names))


def missing(kind: str) -> list[str]:
    found = {case.word for case in CASES if case.kind == kind}
    return [word.path for word in WORDS if word.path not in found]


def is_used(word: Word, value: Any) -> bool:
    """Whether a passing case of the word has it with this value."""
    name = word.path.rsplit(".", 1)[-1]
    return any(
        has_pair(case.said, name, value)
        for case in CASES
        if case.word == word.path and case.kind == "passes"
    )


def has_pair(document: Any, name: str, value: Any) -> bool:
    """Whether a name has a value anywhere in a document, also as a custom property."""
    if isinstance(document, list):
        return any(has_pair(item, name, value) for item in document)
    if not isinstance(document, dict):
        return False
    if document.get(name) == value or document.get("property") == name == value:
        return True
    return any(has_pair(item, name, value) for item in document.values())
