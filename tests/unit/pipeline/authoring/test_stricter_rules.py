"""Rules that are called no stricter refuse nothing that was allowed before."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.authoring.changes_rules import check_changes, rule_changes
from pipeline.plan_contract import Check, Rule
from pipeline.rules import broken

small = st.integers(-6, 6)
SEVERITIES = st.sampled_from(["error", "error", "warning"])
OF_NUMBERS = st.one_of(
    st.builds(
        Rule,
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        small,
        SEVERITIES,
    ),
    st.builds(Rule, st.just("multipleOf"), st.integers(1, 6), SEVERITIES),
    st.builds(Rule, st.just("validValues"), st.lists(small, min_size=1, max_size=6), SEVERITIES),
)
OF_TEXT = st.one_of(
    st.builds(Rule, st.sampled_from(["minLength", "maxLength"]), st.integers(0, 4), SEVERITIES),
    st.builds(Rule, st.just("pattern"), st.sampled_from(["a", "^a", "b$"]), SEVERITIES),
)
NUMBERS = pa.array(range(-8, 9), pa.int64())
TEXTS = pa.array(["", "a", "b", "ab", "ba", "aab", "bbbb", "aaaab"])
OPERATORS = {
    "mustBe": lambda count, bound: count == bound,
    "mustNotBe": lambda count, bound: count != bound,
    "mustBeGreaterThan": lambda count, bound: count > bound,
    "mustBeGreaterOrEqualTo": lambda count, bound: count >= bound,
    "mustBeLessThan": lambda count, bound: count < bound,
    "mustBeLessOrEqualTo": lambda count, bound: count <= bound,
    "mustBeBetween": lambda count, bound: bound[0] <= count <= bound[1],
    "mustNotBeBetween": lambda count, bound: not bound[0] <= count <= bound[1],
}


def allowed(rules: tuple[Rule, ...], values: pa.Array) -> set[int]:
    """Positions of the values that no rule rejects."""
    rejected = {
        at
        for rule in rules
        if rule.severity == "error"
        for at, wrong in enumerate(broken(rule.name, values, rule.argument).to_pylist())
        if wrong
    }
    return set(range(len(values))) - rejected


def _check_rules(old: tuple[Rule, ...], new: tuple[Rule, ...], values: pa.Array) -> None:
    if not any(stricter for _, _, stricter in rule_changes(old, new)):
        assert allowed(old, values) <= allowed(new, values)


@given(old=st.lists(OF_NUMBERS, max_size=3), new=st.lists(OF_NUMBERS, max_size=3))
def test_of_numbers(old: list[Rule], new: list[Rule]) -> None:
    _check_rules(tuple(old), tuple(new), NUMBERS)


@given(old=st.lists(OF_TEXT, max_size=3), new=st.lists(OF_TEXT, max_size=3))
def test_of_text(old: list[Rule], new: list[Rule]) -> None:
    _check_rules(tuple(old), tuple(new), TEXTS)


@st.composite
def bounds(draw: st.DrawFn) -> tuple[str, Any, Any]:
    """An operator with two bounds."""
    operator = draw(st.sampled_from(sorted(OPERATORS)))
    pair = st.lists(st.integers(0, 6), min_size=2, max_size=2).map(sorted)
    bound = pair if "Between" in operator else st.integers(0, 6)
    return operator, draw(bound), draw(bound)


@given(bounds())
def test_of_the_file(drawn: tuple[str, Any, Any]) -> None:
    operator, before, after = drawn
    old, new = (Check("rowCount", (), operator, bound) for bound in (before, after))

    if not any(stricter for _, stricter in check_changes((old,), (new,))):
        holds = OPERATORS[operator]
        assert all(holds(count, after) for count in range(9) if holds(count, before))


def test_what_is_looser_is_called_so() -> None:
    old = (Rule("minimum", 1), Rule("maximum", 9), Rule("multipleOf", 4))
    new = (Rule("minimum", 0), Rule("maximum", 10), Rule("multipleOf", 0.5))

    assert [stricter for _, _, stricter in rule_changes(old, new)] == [False] * 3
    assert [stricter for _, _, stricter in rule_changes(new, old)] == [True] * 3


def test_a_warning_that_becomes_an_error_is_new() -> None:
    old, new = (Rule("pattern", "a", "warning"),), (Rule("pattern", "a"),)

    assert list(rule_changes(old, new)) == [("pattern", "pattern a is new", True)]
    assert list(rule_changes(new, old)) == [("pattern", "pattern a is gone", False)]
