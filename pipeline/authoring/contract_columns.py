"""A property of the contract as a column with its rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import LOGICAL, logical_arrow_type
from pipeline.errors import InvalidPlanError
from pipeline.jdk_format import compiled_format
from pipeline.plan import Column, Step
from pipeline.rules import Reason, broken

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Location, YamlSource

_OPTION_RULES: Final = {
    "minimum": Reason.MINIMUM,
    "maximum": Reason.MAXIMUM,
    "exclusiveMinimum": Reason.EXCLUSIVE_MINIMUM,
    "exclusiveMaximum": Reason.EXCLUSIVE_MAXIMUM,
    "minLength": Reason.MIN_LENGTH,
    "maxLength": Reason.MAX_LENGTH,
    "pattern": Reason.PATTERN,
}
_READ_OPTIONS: Final = {*_OPTION_RULES, "format", "timezone"}
_ALIEN_LETTERS: Final = {
    "date": set("HmsSXx"),
    "time": set("yuMdXx"),
    "timestamp": set(),
    "timestamp without timezone": set("Xx"),
}


def column_of(prop: dict[str, Any], where: Location, source: YamlSource) -> Column:
    """Return the column of a property at a place of the contract; errors go to the source."""
    name = prop.get("name", "")
    logical = prop.get("logicalType", "string")
    options = prop.get("logicalTypeOptions", {})
    if name.startswith("_"):
        source.error((*where, "name"), f"{name!r}: names that begin with _ are the pipeline's own")
    if logical not in LOGICAL:
        source.error(
            (*where, "logicalType"),
            f"{name}: columns of type {logical} are not supported; use one of {', '.join(LOGICAL)}",
        )
    for option in options.keys() - _READ_OPTIONS:
        source.note((*where, "logicalTypeOptions", option), f"{name}: {option} is not enforced")
    for word in prop.keys() & {"relationships"}:
        source.note((*where, word), f"{name}: relationships are not enforced; enrich joins lookups")
    column = Column(
        name=name,
        type=logical,
        required=bool(prop.get("required")),
        format=_format(name, logical, options, where, source),
        timezone=bool(options.get("timezone", True)),
        rules=(*_option_rules(options), *_quality_rules(prop, where, source)),
    )
    _check_rules(column, where, source)
    return column


def _check_rules(column: Column, where: Location, source: YamlSource) -> None:
    """Try the rules on a column of one null: their arguments must fit its type."""
    if column.type not in LOGICAL:
        return
    sample = pa.nulls(1, logical_arrow_type(column.type, timezone=column.timezone))
    for rule in column.rules:
        try:
            broken(rule.name, sample, rule.argument)
        except (pa.ArrowException, TypeError, OverflowError) as error:
            place = (*where, "logicalTypeOptions", rule.name)
            place = place if place in source.marks else (*where, "quality")
            source.error(place, f"{column.name}: {rule.name}: {error}")


def _format(
    name: str, logical: str, options: dict[str, Any], where: Location, source: YamlSource
) -> str | None:
    declared: str | None = options.get("format")
    if declared is None:
        return None
    if logical not in ("date", "timestamp", "time"):
        source.note((*where, "logicalTypeOptions", "format"), f"{name}: format is not enforced")
        return None
    try:
        compiled_format(declared)
    except InvalidPlanError as error:
        source.error((*where, "logicalTypeOptions", "format"), f"{name}: {error}")
    local = logical == "timestamp" and options.get("timezone") is False
    kind = "timestamp without timezone" if local else logical
    alien = set(re.sub(r"'[^']*'", "", declared)) & _ALIEN_LETTERS[kind]
    if alien:
        source.error(
            (*where, "logicalTypeOptions", "format"),
            f"{name}: the format has {', '.join(sorted(alien))}, which no {kind} has",
        )
    return declared


def _option_rules(options: dict[str, Any]) -> tuple[Step, ...]:
    return tuple(
        Step(str(rule), options[option])
        for option, rule in _OPTION_RULES.items()
        if option in options
    )


def _quality_rules(prop: dict[str, Any], where: Location, source: YamlSource) -> tuple[Step, ...]:
    """Rules of `enum` and of the library metric invalidValues; others are noted."""
    rules = []
    if "enum" in prop:
        rules.append(Step(str(Reason.VALID_VALUES), [entry["value"] for entry in prop["enum"]]))
    for at, quality in enumerate(prop.get("quality", [])):
        arguments = quality.get("arguments", {})
        strict = quality.get("metric") == "invalidValues" and quality.get("mustBe") == 0
        if strict and "validValues" in arguments:
            rules.append(Step(str(Reason.VALID_VALUES), arguments["validValues"]))
        elif strict and "pattern" in arguments:
            rules.append(Step(str(Reason.PATTERN), arguments["pattern"]))
        else:
            named = quality.get("metric") or quality.get("type") or "this"
            source.note((*where, "quality", at), f"{prop['name']}: {named} is not enforced")
    return tuple(rules)
