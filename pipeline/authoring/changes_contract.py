"""What changed in a contract: columns, types, rules, and how files are written."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from pipeline.arrow_types import column_type
from pipeline.authoring.changes_rules import check_changes, rule_changes
from pipeline.formats.limits import LIMIT_WORDS

if TYPE_CHECKING:
    from pipeline.authoring.changes import Comparison
    from pipeline.plan import Plan
    from pipeline.plan_contract import Column

_EXACT: Final = 2**53
"""Integers up to here are doubles, too."""
_TABLE: Final = ("schema", 0)
_SPELLING: Final = {
    "format": "logicalTypeOptions.format",
    "decimal_char": "decimalChar",
    "group_char": "groupChar",
    "bare_number": "bareNumber",
    "true": "trueValues",
    "false": "falseValues",
}


def compare_contracts(found: Comparison) -> None:
    """Add what changed in how files are written, and in what their rows must be."""
    old, new = found.old.plan, found.new.plan
    _compare_columns(found)
    _compare_keys(found)
    for message, stricter in check_changes(old.checks, new.checks):
        found.of_contract((*_TABLE, "quality"), message, breaks="producers" if stricter else None)
    for relationship in new.relationships:
        if relationship not in old.relationships:
            found.of_contract(
                _TABLE,
                f"{', '.join(relationship.columns)} must stand in lookup {relationship.lookup}",
            )
    _compare_sources(found)
    _compare_limits(found)


def _compare_columns(found: Comparison) -> None:
    old = {column.name: column for column in found.old.plan.columns}
    new = {column.name: column for column in found.new.plan.columns}
    for name in old.keys() - new.keys():
        refused = found.new.plan.drift.extra_column == "reject-file"
        said = ", and drift.extra_column rejects files that have it" if refused else ""
        found.of_column(name, f"the column is gone{said}", breaks="producers" if refused else None)
    for name, column in new.items():
        if name in old:
            _compare_column(old[name], column, found)
        else:
            _added(column, found)


def _added(column: Column, found: Comparison) -> None:
    plan = found.new.plan
    if column.required:
        found.of_column(column.name, "the column is new, and required")
    elif plan.drift.missing_column == "reject-file" and plan.source.format == "csv":
        found.of_column(
            column.name,
            "the column is new, and files without it are rejected; drift.missing_column: nulls "
            "would read them",
        )
    else:
        found.of_column(column.name, "the column is new", breaks=None)


def _compare_column(old: Column, new: Column, found: Comparison) -> None:
    name = new.name
    if old.source_name != new.source_name:
        said = f"the file must call it {new.source_name!r}, and called it {old.source_name!r}"
        found.of_column(name, said, "physicalName")
    if (old.type, column_type(old)) != (new.type, column_type(new)):
        said = f"the type is {_type(new)}, and was {_type(old)}"
        wider = _is_wider(old, new)
        found.of_column(name, said, "logicalType", breaks=None if wider else "producers")
    if new.required and not old.required:
        found.of_column(name, "a value is required now", "required")
    elif old.required and not new.required:
        kept = name in found.new.plan.schemas["enrich"]
        found.of_column(
            name, "rows may be without a value now", breaks="consumers" if kept else None
        )
    if old.masked and not new.masked:
        found.of_column(name, "values are no longer masked", "classification", breaks=None)
    _compare_rules(old, new, found)
    _compare_spelling(old, new, found)


def _type(column: Column) -> str:
    return f"{column.type} ({column_type(column)})"


def _is_wider(old: Column, new: Column) -> bool:
    """Whether every text of the old type is one of the new type."""
    if new.type == "string":
        return True
    if (old.type, new.type) == ("integer", "number") and not new.arrow:
        bounds = {rule.name: rule.argument for rule in old.rules if rule.severity == "error"}
        low, high = bounds.get("minimum"), bounds.get("maximum")
        return low is not None and high is not None and -_EXACT <= low <= high <= _EXACT
    one, other = column_type(old), column_type(new)
    if hasattr(one, "precision") and hasattr(other, "precision"):
        whole = one.precision - one.scale <= other.precision - other.scale
        return bool(whole and one.scale <= other.scale)
    return False


def _compare_rules(old: Column, new: Column, found: Comparison) -> None:
    for rule, message, stricter in rule_changes(old.rules, new.rules):
        found.of_column(
            new.name,
            message,
            "logicalTypeOptions",
            rule,
            breaks="producers" if stricter else None,
        )


def _compare_spelling(old: Column, new: Column, found: Comparison) -> None:
    name = new.name
    for field, word in _SPELLING.items():
        before, after = getattr(old.spelling, field), getattr(new.spelling, field)
        if before != after:
            found.of_column(name, f"{word} is {after!r}, and was {before!r}", "customProperties")
    utc = {"UTC", "Etc/UTC"}
    if old.spelling.zone != new.spelling.zone and {old.spelling.zone, new.spelling.zone} != utc:
        found.of_column(
            name,
            f"moments without a time zone are of {new.spelling.zone}, and were of "
            f"{old.spelling.zone}",
            "logicalTypeOptions",
            "defaultTimezone",
            breaks="consumers",
        )
    before, after = _missing(old, found.old.plan), _missing(new, found.new.plan)
    if gone := sorted(before - after):
        found.of_column(name, f"{_listed(gone)} no longer means no value", "customProperties")
    if added := sorted(after - before):
        found.of_column(
            name,
            f"{_listed(added)} means no value now",
            "customProperties",
            breaks="producers" if new.required else None,
        )


def _missing(column: Column, plan: Plan) -> set[str]:
    own = column.spelling.missing
    return set(plan.source.missing_values if own is None else own)


def _listed(words: list[str]) -> str:
    return ", ".join(map(repr, words))


def _compare_keys(found: Comparison) -> None:
    """A key is new unless some of its columns had to be unique by themselves before."""
    old, new = _keys(found.old.plan), _keys(found.new.plan)
    for key in new:
        if key not in old and not any(set(one) <= set(key) for one in old):
            found.of_contract(_TABLE, f"({', '.join(key)}) must be unique now")
    for key in old:
        if key not in new:
            found.of_contract(_TABLE, f"({', '.join(key)}) need not be unique now", breaks=None)


def _keys(plan: Plan) -> list[tuple[str, ...]]:
    return [
        *([tuple(sorted(plan.key))] if plan.key else []),
        *(tuple(sorted(k)) for k in plan.unique),
    ]


def _compare_sources(found: Comparison) -> None:
    """Any other way of writing files is another file; what is found out instead is more of them."""
    old, new = found.old.plan.source, found.new.plan.source
    for field in fields(new):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after or field.name == "missing_values":
            continue
        found.of_contract(
            ("customProperties",),
            f"{field.name} of files is {_said(after)}, and was {_said(before)}",
            breaks=None if after is None else "producers",
        )


def _said(value: Any) -> str:
    return "found out from the file" if value is None else repr(value)


def _compare_limits(found: Comparison) -> None:
    for name, word in LIMIT_WORDS.items():
        before, after = (getattr(side.plan.limits, name) for side in (found.old, found.new))
        if before != after:
            found.of_contract(
                ("customProperties",),
                f"limits.{word} is {after:,}, and was {before:,}",
                breaks="producers" if after < before else None,
            )
