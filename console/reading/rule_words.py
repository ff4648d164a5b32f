"""The contract's rules, as a reader of its documentation wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.checks import Tally
from pipeline.rules import spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.plan import Plan
    from pipeline.plan_contract import Check, Column, Rule, Spelling

SHOWN_VALUES: Final = 12
"""Values of a list that are shown; some contracts have thousands."""
SHOWN_CHARACTERS: Final = 200

_RANGES: Final = {
    ("minimum", "maximum"): "between {} and {}",
    ("minLength", "maxLength"): "{} to {} characters",
    ("minItems", "maxItems"): "{} to {} items",
    ("minProperties", "maxProperties"): "{} to {} properties",
}
_OPENINGS: Final = {"must be ": "", "must have ": "has ", "must match ": "matches "}
"""How `spoken` begins, for a message; and what the documentation says instead."""
_METRICS: Final = {
    "rowCount": "rows of the file",
    "nullValues": "rows without a value in {columns}",
    "missingValues": "rows without a value in {columns}, or with one of {argument}",
    "invalidValues": "rows whose {columns} is not {argument}",
    "duplicateValues": "rows that repeat {columns} of an earlier row",
}


@dataclass(frozen=True)
class RuleWords:
    """A rule in words, and what becomes of a row or file that breaks it."""

    text: str
    severity: str = "error"
    breaks: str = "row rejected"


def column_rules(column: Column) -> list[RuleWords]:
    """Return the rules on a column's values; a lowest and a highest one are a range."""
    ranges = list(_ranges(column.rules))
    paired = {id(rule) for pair, _ in ranges for rule in pair}
    found = [_rule(text, pair[0].severity) for pair, text in ranges]
    return found + [
        _rule(rule_text(rule.name, rule.argument), rule.severity)
        for rule in column.rules
        if id(rule) not in paired
    ]


def rule_text(name: str, argument: Any) -> str:
    """`at least 3`, `matches ^[A-Z]{3}$`, `one of EWR, JFK, LGA`."""
    said = shortened(spoken(name, listed(argument) if isinstance(argument, list) else argument))
    for opening, instead in _OPENINGS.items():
        if said.startswith(opening):
            return instead + said.removeprefix(opening)
    return said


def listed(values: Sequence[Any]) -> str:
    """Return the first values of a list, and how many more there are."""
    shown = ", ".join(
        "no value" if value is None else str(value) for value in values[:SHOWN_VALUES]
    )
    more = len(values) - SHOWN_VALUES
    return f"{shown} and {more:,} more" if more > 0 else shown


def shortened(text: str) -> str:
    """Return a text as far as a cell of a table can hold it."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def table_rules(plan: Plan) -> list[RuleWords]:
    """Return the rules on several columns, and on the file as a whole."""
    found = []
    if plan.key:
        found.append(_rule(f"{', '.join(plan.key)}: together the key, no two rows alike"))
    found += [_rule(f"{', '.join(names)}: no two rows alike") for names in plan.unique]
    for one in plan.relationships:
        found.append(_rule(f"{', '.join(one.columns)}: in {one.lookup} ({', '.join(one.to)})"))
    return found + [_check(check) for check in plan.checks]


def spelling_words(spelling: Spelling) -> list[str]:
    """Say how the file writes a column's values, where it is not the usual way."""
    said = []
    if spelling.format:
        said.append(f"written as {spelling.format}")
    if spelling.decimal_char != ".":
        said.append(f"decimal mark {spelling.decimal_char}")
    if spelling.group_char:
        said.append(f"digits grouped by {spelling.group_char!r}")
    if not spelling.bare_number:
        said.append("signs around the number are passed over")
    if spelling.true or spelling.false:
        said.append(f"true: {listed(spelling.true or ())}; false: {listed(spelling.false or ())}")
    if spelling.zone != "UTC":
        said.append(f"moments without a zone are of {spelling.zone}")
    if spelling.missing is not None:
        said.append(f"no value: {missing_words(spelling.missing)}")
    return said


def missing_words(words: Sequence[str]) -> str:
    """Return the words that a file has for no value; the empty one would not be seen."""
    return listed([word or "an empty cell" for word in words]) or "none"


def _ranges(rules: Sequence[Rule]) -> list[tuple[tuple[Rule, Rule], str]]:
    found = []
    for (lowest, highest), words in _RANGES.items():
        lows = [rule for rule in rules if rule.name == lowest]
        highs = [rule for rule in rules if rule.name == highest]
        if len(lows) == len(highs) == 1 and lows[0].severity == highs[0].severity:
            low, high = lows[0].argument, highs[0].argument
            same = low == high and "Length" in lowest
            text = f"exactly {low} characters" if same else words.format(low, high)
            found.append(((lows[0], highs[0]), text))
    return found


def _rule(text: str, severity: str = "error") -> RuleWords:
    return RuleWords(text, severity, "row rejected" if severity == "error" else "counted, told")


def _check(check: Check) -> RuleWords:
    """Return a rule on the file, whose bound is what the run's own outcome says of it."""
    argument = check.argument
    if isinstance(argument, dict):
        argument = " and ".join(rule_text(name, value) for name, value in argument.items())
    elif isinstance(argument, list):
        argument = missing_words([str(word) for word in argument])
    columns = ", ".join(check.columns)
    what = _METRICS[check.metric].format(columns=columns, argument=argument or "valid")
    text = f"{what}: {Tally(check).outcome(rows=0).expected}"
    named = f"{check.name}: {text}" if check.name else text
    breaks = "file refused" if check.severity == "error" else "counted, told"
    return RuleWords(shortened(named), check.severity, breaks)
