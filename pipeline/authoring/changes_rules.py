"""Whether rules became stricter: which values they allowed before and refuse now."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.plan_contract import Check, Rule

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def rule_changes(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> Iterator[tuple[str, str, bool]]:
    """Yield name, sentence and whether it is stricter, of each rule that changed.

    Rules that only warn refuse nothing, so that they count as none.
    """
    before, after = _strict(old), _strict(new)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name):
            continue
        if name not in before:
            yield name, f"{name} {_shown(after[name])} is new", True
        elif name not in after:
            yield name, f"{name} {_shown(before[name])} is gone", False
        else:
            said = f"{name} is {_shown(after[name])}, and was {_shown(before[name])}"
            yield name, said, _is_stricter(name, before[name], after[name])


def _strict(rules: tuple[Rule, ...]) -> dict[str, list[Any]]:
    """Arguments of each rule that rejects rows, by its name."""
    found: dict[str, list[Any]] = {}
    for rule in rules:
        if rule.severity == "error":
            found.setdefault(rule.name, []).append(rule.argument)
    return found


def _shown(arguments: list[Any]) -> str:
    return " and ".join(str(argument) for argument in arguments)


def _is_stricter(name: str, old: list[Any], new: list[Any]) -> bool:
    if name in _LOWER:
        return bool(max(new) > max(old))
    if name in _UPPER:
        return bool(min(new) < min(old))
    if name == "validValues":
        return not set.intersection(*map(set, old)) <= set.intersection(*map(set, new))
    if name == "multipleOf":
        steps = [Fraction(str(each)) for each in old]
        return any(all(each % Fraction(str(one)) for each in steps) for one in new)
    # Patterns, formats, words: what is asked for in addition is stricter.
    flat_old, flat_new = _flat(old), _flat(new)
    return any(each not in flat_old for each in flat_new)


def _flat(arguments: list[Any]) -> list[Any]:
    lists = (each if isinstance(each, list) else [each] for each in arguments)
    return [item for each in lists for item in each]


def check_changes(old: tuple[Check, ...], new: tuple[Check, ...]) -> Iterator[tuple[str, bool]]:
    """Yield a sentence and whether it is stricter, of each rule of the file that changed."""
    before = {_key(check): check.bound for check in old if check.severity == "error"}
    after = {_key(check): check.bound for check in new if check.severity == "error"}
    for key in dict.fromkeys([*before, *after]):
        metric, columns, operator, unit, _ = key
        spoken = f"{metric}{' of ' + ', '.join(columns) if columns else ''} {operator}"
        if key not in before:
            yield f"{spoken} {after[key]} ({unit}) is new", True
        elif key not in after:
            yield f"{spoken} {before[key]} ({unit}) is gone", False
        elif before[key] != after[key]:
            said = f"{spoken} is {after[key]}, and was {before[key]} ({unit})"
            yield said, _is_tighter(operator, before[key], after[key])


def _key(check: Check) -> tuple[str, tuple[str, ...], str, str, str]:
    return check.metric, check.columns, check.operator, check.unit, repr(check.argument)


def _is_tighter(operator: str, old: Any, new: Any) -> bool:
    """Whether some count that was within the bound is no more."""
    if "Between" in operator:
        inside = new[0] >= old[0] and new[1] <= old[1]
        outside = new[0] <= old[0] and new[1] >= old[1]
        return not (outside if operator == "mustBeBetween" else inside)
    if "Less" in operator:
        return bool(new < old)
    if "Greater" in operator:
        return bool(new > old)
    return True
