from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cleaning import STEPS

# step, argument, value, expected
TEXT_CASES: list[tuple[str, Any, str, str | None]] = [
    ("trim", None, " \t a b \n", "a b"),
    ("trim", None, "a", "a"),
    ("trim", None, "\u00a0a\u2003", "a"),
    ("collapse", None, "  a \t\n b ", "a b"),
    ("collapse", None, "ab", "ab"),
    ("upper", None, "ab é", "AB É"),
    ("lower", None, "ÀB", "àb"),
    ("title", None, "new YORK o'neil", "New York O'Neil"),
    ("capitalize", None, "new YORK", "New york"),
    ("collapse", None, "a\u00a0 \u2003b", "a b"),
    ("unicode", "NFC", "e\u0301", "\u00e9"),
    ("unicode", "NFKD", "\ufb01\u00b2", "fi2"),
    ("null_words", ["NA", "-"], "NA", None),
    ("null_words", ["NA", "-"], "na", "na"),
    ("map", {"N": "no", "Y": "yes"}, "Y", "yes"),
    ("map", {"N": "no", "?": None}, "?", None),
    ("map", {"N": "no"}, "M", "M"),
    ("replace", {"pattern": "[^0-9]", "with": ""}, "(0)12-3", "0123"),
    ("replace", {"pattern": "(a)(b)", "with": r"\2\1"}, "xab", "xba"),
    ("replace", {"text": ".", "with": "-"}, "a.b", "a-b"),
    ("replace", {"pattern": "z", "with": ""}, "abc", "abc"),
]
NUMBER_CASES: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("clip", {"min": 0}, [-1, 0, 5, None], [0, 0, 5, None]),
    ("clip", {"max": 4}, [-1, 4, 5, None], [-1, 4, 4, None]),
    ("clip", {"min": 0, "max": 1}, [-0.5, 0.5, 1.5, None], [0.0, 0.5, 1.0, None]),
    ("round", 1, [1.25, 1.34, -1.34, None], [1.2, 1.3, -1.3, None]),
    ("round", -2, [149, 151, None], [100, 200, None]),
]


@pytest.mark.parametrize(("step", "argument", "value", "expected"), TEXT_CASES)
def test_text_step(step: str, argument: Any, value: str, expected: str | None) -> None:
    cleaned = STEPS[step].apply(pa.array([value, None]), argument)

    assert cleaned.to_pylist() == [expected, None]
    assert cleaned.type == pa.string()


@pytest.mark.parametrize(("step", "argument", "values", "expected"), NUMBER_CASES)
def test_number_step(step: str, argument: Any, values: list[Any], expected: list[Any]) -> None:
    given_values = pa.array(values)

    cleaned = STEPS[step].apply(given_values, argument)

    assert cleaned.to_pylist() == expected
    assert cleaned.type == given_values.type


def test_every_step_has_a_case() -> None:
    assert {case[0] for case in TEXT_CASES} == {n for n, step in STEPS.items() if step.text_only}
    assert {c[0] for c in NUMBER_CASES} == {n for n, s in STEPS.items() if not s.text_only}


@given(st.lists(st.integers(-(2**62), 2**62) | st.none()), st.integers(-9, 0), st.integers(0, 9))
def test_clip_is_max_of_min(values: list[int | None], low: int, high: int) -> None:
    clipped = STEPS["clip"].apply(pa.array(values, pa.int64()), {"min": low, "max": high})

    assert clipped.to_pylist() == [v if v is None else max(low, min(v, high)) for v in values]


@pytest.mark.parametrize("step", ["trim", "collapse", "upper", "lower", "capitalize"])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_step_twice_is_step_once(step: str, value: str) -> None:
    once = STEPS[step].apply(pa.array([value]), None)

    assert STEPS[step].apply(once, None).equals(once)
