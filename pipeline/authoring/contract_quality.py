"""The contract's `quality`: library metrics as rules of rows, or of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.schemas import unknown_word
from pipeline.plan_contract import Check, Rule

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Place

SEVERITIES: Final = ("error", "warning", "info")
UNITS: Final = ("rows", "percent")
OPERATORS: Final = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
_ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "nullValues": (),
    "missingValues": ("missingValues",),
    "invalidValues": ("validValues", "pattern"),
    "duplicateValues": ("properties",),
    "rowCount": (),
}
"""The library's metrics, and the arguments that each has."""


@dataclass
class Quality:
    """What quality rules come to: for rows, and for the file."""

    required: bool = False
    keys: list[tuple[str, ...]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


def quality_of(
    declared: list[dict[str, Any]], column: str | None, place: Place, names: tuple[str, ...] = ()
) -> Quality:
    """Return what the quality rules of a column, or of the table, come to.

    Errors go to the place, as do notes on rules that the pipeline does not evaluate.

    Parameters
    ----------
    column
        Name of the column; None for the table's rules.
    names
        The table's columns.
    """
    quality = Quality()
    for at, item in enumerate(declared):
        check = _check(item, column, place.at(at), names)
        if check is not None and not _as_rule(check, quality):
            quality.checks.append(check)
    return quality


def _as_rule(check: Check, quality: Quality) -> bool:
    """Enter a check that allows no row as a rule of rows; False where it can't be one."""
    if not _allows_none(check) or check.metric == "rowCount":
        return False
    if check.metric == "invalidValues":
        for word, value in check.argument.items():
            quality.rules.append(Rule(word, value, check.severity))
        return True
    if check.severity != "error":
        return False
    if check.metric == "duplicateValues":
        quality.keys.append(check.columns)
        return True
    quality.required = True
    if check.argument:
        quality.rules.append(Rule("missingValues", check.argument))
    return True


def _allows_none(check: Check) -> bool:
    """Whether not one row may be found."""
    if check.operator in ("mustBe", "mustBeLessOrEqualTo"):
        return bool(check.bound == 0)
    few = check.operator == "mustBeLessThan" and check.unit == "rows"
    return few and 0 < check.bound <= 1


def _check(
    item: dict[str, Any], column: str | None, place: Place, names: tuple[str, ...]
) -> Check | None:
    """The rule as a check; None, with a finding, if it is none that the pipeline evaluates."""
    metric, kind = item.get("metric") or item.get("rule"), item.get("type", "library")
    if kind != "library" or metric not in _ARGUMENTS:
        named = f"{kind} quality" if kind != "library" else (metric or "this rule")
        place.note(f"{named} is not enforced by the pipeline")
        return None
    if "metric" not in item:
        place.at("rule").warning("rule is the old name of metric: say metric")
    if not _is_at_home(metric, column, place):
        return None
    operators = [word for word in OPERATORS if word in item]
    if len(operators) != 1:
        place.error(f"{metric} needs one bound, such as mustBe: 0")
        return None
    for word in sorted({"schedule", "scheduler"} & item.keys()):
        place.at(word).note(f"{word} is not enforced by the pipeline: every file is checked")
    arguments: dict[str, Any] = item.get("arguments") or {}
    check = Check(
        metric=metric,
        columns=_key(metric, arguments, names, place) if column is None else (column,),
        operator=operators[0],
        bound=item[operators[0]],
        unit=item.get("unit", "rows"),
        argument=_argument(metric, arguments, place),
        severity=item.get("severity", "error"),
        name=item.get("name") or item.get("id") or "",
    )
    return check if _is_counted(check, place) and _is_sound(check, place) else None


def _is_at_home(metric: str, column: str | None, place: Place) -> bool:
    """Whether the metric speaks of what it stands at."""
    if metric == "duplicateValues" or (column is None) == (metric == "rowCount"):
        return True
    home = "a column" if column is None else "the table"
    place.error(f"{metric} speaks of {home}: move it to the quality of {home}")
    return False


def _is_counted(check: Check, place: Place) -> bool:
    """Whether the unit and the severity are among those that there are."""
    units = UNITS[:1] if check.metric == "rowCount" else UNITS
    if check.unit not in units:
        place.at("unit").note(
            f"{check.metric} in {check.unit} is not enforced by the pipeline, which counts it in "
            f"{' or '.join(units)}"
        )
        return False
    if check.severity not in SEVERITIES:
        place.at("severity").error(
            f"severity {check.severity!r} is none of {', '.join(SEVERITIES)}"
        )
        return False
    return True


def _is_sound(check: Check, place: Place) -> bool:
    """Whether the bound is one that a count can be held against."""
    bounds = check.bound if isinstance(check.bound, list) else [check.bound]
    here, said = place.at(check.operator), f"{check.operator}: {check.bound}"
    if not all(isinstance(bound, (int, float)) and bound is not True for bound in bounds):
        here.error(f"{check.operator} is a number, not {check.bound!r}")
    elif bounds != sorted(bounds):
        here.error(f"{said} has its smaller number first")
    elif _is_impossible(check.operator, bounds, check.unit):
        here.error(f"{said} can never be true of {check.metric} in {check.unit}")
    else:
        return True
    return False


def _is_impossible(operator: str, bounds: list[float], unit: str) -> bool:
    """Whether no file at all satisfies it: counts begin with 0, percentages end with 100."""
    most = 100 if unit == "percent" else float("inf")
    low, high = bounds[0], bounds[-1]
    return {
        "mustBe": low < 0 or low > most,
        "mustBeLessThan": low <= 0,
        "mustBeLessOrEqualTo": low < 0,
        "mustBeGreaterThan": low >= most,
        "mustBeGreaterOrEqualTo": low > most,
        "mustBeBetween": high < 0 or low > most,
        "mustNotBeBetween": low <= 0 and high >= most,
    }.get(operator, False)


def _key(
    metric: str, arguments: dict[str, Any], names: tuple[str, ...], place: Place
) -> tuple[str, ...]:
    """Columns of which a table's duplicates are counted."""
    if metric == "rowCount":
        return ()
    declared = arguments.get("properties")
    if not isinstance(declared, list) or not declared:
        place.error("duplicateValues of the table needs arguments: {properties: [columns]}")
        return ()
    here = place.at("arguments", "properties")
    if unknown := [str(name) for name in declared if name not in names]:
        here.error(f"there is no column {', '.join(unknown)}")
    elif len(set(declared)) < len(declared):
        here.error("a column stands here twice")
    return tuple(declared)


def _argument(metric: str, arguments: dict[str, Any], place: Place) -> Any:
    """What makes a value missing or invalid; nulls are always missing, and never invalid."""
    known = list(_ARGUMENTS[metric])
    for word in sorted(arguments.keys() - set(known)):
        said = unknown_word(word, known) if known else f"{metric} has no arguments"
        place.at("arguments", word).error(said)
    for word in {"validValues", "missingValues"} & arguments.keys():
        if not isinstance(arguments[word], list):
            place.at("arguments", word).error(f"{word} is a list of values")
            return [] if metric == "missingValues" else {}
    if metric == "missingValues":
        return [str(word) for word in arguments.get("missingValues", ()) if word is not None]
    if metric != "invalidValues":
        return None
    if not arguments.keys() & set(known):
        place.error("invalidValues needs arguments: validValues or pattern")
    argument = {word: arguments[word] for word in known if word in arguments}
    if "validValues" in argument:
        argument["validValues"] = [each for each in argument["validValues"] if each is not None]
    return argument
