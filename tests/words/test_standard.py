"""What the standard has and the pipeline does not evaluate is told, never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.dataset import compiled_dataset
from tests.words.cases import Case
from tests.words.dataset import DATASET, write_dataset
from tests.words.standard import NOT_ENFORCED, PLACES, READ, words_of

if TYPE_CHECKING:
    from pathlib import Path

RULE = {"metric": "nullValues", "mustBe": 0}
BY_PLACE = {
    "the contract": lambda words: {"columns": {"a": {}}, "contract": words},
    "its table": lambda words: {"columns": {"a": {}}, "table": words},
    "a column": lambda words: {"columns": {"a": words}},
    "a rule of `quality`": lambda words: {"columns": {"a": {"quality": [RULE | words]}}},
}
TOLD = [(place, word) for place, words in NOT_ENFORCED.items() for word in words]


@pytest.mark.parametrize(("place", "word"), TOLD, ids=[word for _, word in TOLD])
def test_what_is_not_enforced_is_told(place: str, word: str, tmp_path: Path) -> None:
    said: dict[str, Any] = BY_PLACE[place]({word: NOT_ENFORCED[place][word]})
    if word == "type":  # a rule of another kind has words of its own
        said["columns"]["a"]["quality"] = [
            {"type": "custom", "engine": "soda", "implementation": "checks: []"}
        ]
    write_dataset(Case(word, "passes", 1, said), tmp_path / DATASET)

    compiled = compiled_dataset(tmp_path / DATASET)

    assert compiled.plan is not None, compiled.findings
    notes = [found.message for found in compiled.findings if found.severity == "note"]
    assert any("not enforced" in note for note in notes), compiled.findings


@pytest.mark.parametrize("place", PLACES)
def test_words_that_are_sorted_out_are_words_of_the_standard(place: str) -> None:
    known = set(words_of(place))
    assert {*READ[place], *NOT_ENFORCED[place]} <= known
    assert not READ[place] & NOT_ENFORCED[place].keys()
