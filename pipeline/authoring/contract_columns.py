"""A property of the contract as a column with its rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import column_type
from pipeline.authoring.contract_options import options_of
from pipeline.authoring.contract_quality import quality_of
from pipeline.authoring.contract_spelling import spelling_of
from pipeline.authoring.contract_types import physical_type
from pipeline.errors import InvalidPlanError
from pipeline.plan import is_own_name
from pipeline.plan_contract import Check, Column, Rule
from pipeline.rules import broken

if TYPE_CHECKING:
    from pipeline.authoring.yaml_source import Place

MASKING: Final = frozenset({"pii", "personal", "sensitive", "confidential", "restricted", "secret"})
"""Classifications, and tags, of columns whose values are shown to nobody."""
_OPEN: Final = frozenset({"public", "internal", "open", "unrestricted"})
_COMPARED: Final = (
    "validValues",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
"""Rules whose arguments are values as the column has them."""
_FORMS: Final = {
    "string": "it in quotes",
    "date": "it as 2013-01-31, whatever the file's format",
    "timestamp": "it as 2013-01-31T12:00:00Z, whatever the file's format",
    "time": "it as 12:00:00, whatever the file's format",
}
_INSTEAD: Final = {"map": "object", "vector": "array"}
_NOT_ENFORCED: Final = {
    "encryptedName": "encryptedName is not enforced by the pipeline",
    "partitioned": "partitioned is not enforced by the pipeline; write.partition_by says it",
    "transformLogic": "transformLogic is not enforced by the pipeline; transform says it",
    "properties": "the properties of an object are not enforced by the pipeline",
    "items": "the items of an array are not enforced by the pipeline",
}


@dataclass(frozen=True)
class Described:
    """What a property says: its column, whether its values are unique, its rules of the file."""

    column: Column
    unique: bool = False
    checks: tuple[Check, ...] = ()


def column_of(prop: dict[str, Any], place: Place) -> Described:
    """Return what a property at a place of the contract says; errors go to the place."""
    name = prop["name"]
    logical = prop.get("logicalType", "string")
    _check_words(prop, place)
    if logical in _INSTEAD:
        place.at("logicalType").error(
            f"columns of type {logical} are not supported; say {_INSTEAD[logical]}, which travels "
            "as JSON text"
        )
        return Described(Column(name, _INSTEAD[logical]))
    arrow = physical_type(prop.get("physicalType"), logical, place.at("physicalType"))
    options = options_of(
        prop.get("logicalTypeOptions") or {}, logical, arrow, place.at("logicalTypeOptions")
    )
    quality = quality_of(prop.get("quality") or [], name, place.at("quality"))
    column = Column(
        name=name,
        type=logical,
        required=bool(prop.get("required") or prop.get("primaryKey") or quality.required),
        masked=_is_masked(prop, place),
        timezone=options.timezone,
        arrow=arrow,
        source=prop["physicalName"] if prop.get("physicalName") not in (None, name) else "",
        spelling=spelling_of(prop, logical, options, place),
        rules=(*options.rules, *_enum(prop), *quality.rules),
    )
    _check_rules(column, quality.checks, place)
    return Described(column, bool(prop.get("unique") or quality.keys), tuple(quality.checks))


def _check_words(prop: dict[str, Any], place: Place) -> None:
    if prop["name"].startswith("_"):
        place.at("name").error("names that begin with _ are the pipeline's own")
    elif not prop["name"].strip():
        place.at("name").error("a column needs a name")
    physical = prop.get("physicalName")
    if physical == "":
        place.at("physicalName").error("the file's name of the column is empty; leave it out")
    elif physical is not None and is_own_name(physical):
        place.at("physicalName").error(
            f"{physical!r} is a name of the pipeline's own: a file's column of that name is not "
            "read; rename it in the export"
        )
    for word, message in _NOT_ENFORCED.items():
        if prop.get(word):
            place.at(word).note(message)


def _is_masked(prop: dict[str, Any], place: Place) -> bool:
    """Whether the classification or a tag says so; one that is unheard of is noted."""
    classification = str(prop.get("classification") or "public").strip().lower()
    tags = {str(tag).strip().lower() for tag in prop.get("tags") or []}
    if classification not in MASKING | _OPEN:
        place.at("classification").note(
            f"classification {prop['classification']!r} masks nothing; one of "
            f"{', '.join(sorted(MASKING))} does"
        )
    return classification in MASKING or bool(tags & MASKING)


def _enum(prop: dict[str, Any]) -> tuple[Rule, ...]:
    if "enum" not in prop:
        return ()
    return (Rule("validValues", [entry["value"] for entry in prop["enum"]]),)


def _check_rules(column: Column, checks: list[Check], place: Place) -> None:
    """Try the rules on a column of one null: their arguments must fit its type."""
    sample = pa.nulls(1, column_type(column))
    counted = (
        Rule(word, value)
        for check in checks
        if check.metric == "invalidValues"
        for word, value in check.argument.items()
    )
    for rule in (*column.rules, *counted):
        if rule.name == "missingValues":  # texts, whatever the type
            continue
        values = rule.argument if rule.name == "validValues" else [rule.argument]
        for value in values:
            argument = [value] if rule.name == "validValues" else value
            if why := _misfit(rule.name, sample, argument):
                said = _misfit_words(value, column.type) if rule.name in _COMPARED else why
                _place_of(rule.name, place).error(f"{rule.name}: {said}")


def _misfit(name: str, sample: pa.Array, argument: Any) -> str:
    """Why a rule cannot have this argument; empty if it can."""
    try:
        broken(name, sample, argument)
    except (pa.ArrowException, InvalidPlanError, TypeError, ValueError, OverflowError) as error:
        return str(error)
    return ""


def _misfit_words(value: Any, logical: str) -> str:
    """What to say of a value that values of a column cannot be compared with."""
    form = _FORMS.get(logical, "")
    return f"{value!r} is no {logical}{f': write {form}' if form else ''}"


def _place_of(rule: str, place: Place) -> Place:
    """Where a rule was declared: its option, else the enumeration, else the quality section."""
    candidates = (place.at("logicalTypeOptions", rule), place.at("enum"))
    found = [each for each in candidates if each.where in place.source.marks]
    return found[0] if found else place.at("quality")
