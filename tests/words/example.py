"""A word's example: the line about it in the first case that passes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import yaml

from pipeline.authoring.init_yaml import flow
from tests.words.cases import CASES, Case, cases_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.authoring.words import Word

_FOLDER: Final = "../tests/words/cases"
_LONGEST: Final = 60
_METRICS: Final = "quality"


@cache
def _files() -> dict[str, tuple[Path, Case]]:
    """File and first passing case of each word."""
    found: dict[str, tuple[Path, Case]] = {}
    for path in sorted(CASES.rglob("*.yaml")):
        for case in cases_of(path):
            if case.kind == "passes":
                found.setdefault(case.word, (path, case))
    return found


def example(word: Word) -> str:
    """Return the word with its value in its case, as a link to the case; empty if it has none."""
    named = word.path if not word.is_group else _first_below(word)
    if named not in _files():
        return ""
    path, case = _files()[named]
    shown = next(
        (text for text in map(flow, _uses(word, case)) if len(text) <= _LONGEST), "example"
    )
    text = f"`{shown.removeprefix('{').removesuffix('}')}`" if shown != "example" else shown
    return f"[{text}]({_FOLDER}/{path.relative_to(CASES).as_posix()})"


def _first_below(word: Word) -> str:
    """The first word with a case among those that a group holds."""
    return next((path for path in _files() if path.startswith(f"{word.path}.")), "")


def _uses(word: Word, case: Case) -> Iterator[Any]:
    """Mappings of the word to its values in a case's documents, and the word where it stands bare.

    A value of `logicalType` or a metric is found by the pair that it makes.
    """
    *around, name = word.path.split(".")
    documents = [_document(case.said.get(part)) for part in ("pipeline", "columns", "table")]
    documents.append(_document(case.said.get("contract")))
    for document in documents:
        for found in _mappings(document):
            if name in found:
                yield {name: found[name]}
            if found.get("property") == name:
                yield {"property": name, "value": found.get("value")}
            if around == [_METRICS] and found.get("metric") == name:
                yield {key: value for key, value in found.items() if key != "type"}
            if around and found.get(around[-1]) == name:
                yield {around[-1]: name}
        if any(name in found for found in _lists(document)):
            yield name


def _document(said: Any) -> Any:
    return yaml.safe_load(said) if isinstance(said, str) else said


def _mappings(document: Any) -> Iterator[dict[str, Any]]:
    """All mappings of a document, the outer ones first."""
    if isinstance(document, dict):
        yield document
    inside = document.values() if isinstance(document, dict) else document
    if isinstance(document, (dict, list)):
        for value in inside:
            yield from _mappings(value)


def _lists(document: Any) -> Iterator[list[Any]]:
    if isinstance(document, list):
        yield document
    for found in _mappings(document):
        yield from (value for value in found.values() if isinstance(value, list))
