"""From an Open Data Contract Standard document to the columns and rules that validate checks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.arrow_types import LOGICAL, logical_arrow_type
from pipeline.authoring.schemas import check_schema, odcs_schema
from pipeline.errors import InvalidPlanError
from pipeline.jdk_format import compiled_format
from pipeline.plan import Column, Source, Step
from pipeline.rules import Reason, broken

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.authoring.yaml_source import Location, YamlSource

CONTRACT_FILE: Final = "contract.odcs.yaml"
_FORMATS: Final = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}
_DIALECT: Final = {"delimiter": "delimiter", "quoteChar": "quote", "encoding": "encoding"}
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
_NOT_ENFORCED: Final = {
    "slaProperties": "service levels",
    "relationships": "relationships",
}


def _is_encoding(name: Any) -> bool:
    try:
        return "".encode(name) is not None
    except (LookupError, TypeError):
        return False


_DIALECT_VALUES: Final[dict[str, Callable[[Any], bool]]] = {
    "delimiter": lambda word: isinstance(word, str) and len(word.encode()) == 1,
    "quoteChar": lambda word: isinstance(word, str) and len(word.encode()) <= 1,
    "encoding": _is_encoding,
}


@dataclass
class Contract:
    """What the stages need of a contract."""

    version: str
    source: Source
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    descriptions: dict[str, str] = field(default_factory=dict)


def contract_of(source: YamlSource) -> Contract | None:
    """Return the contract of a document; None, with findings in the source, if it has errors."""
    if source.usable:
        check_schema(source, odcs_schema())
    if not source.usable:
        return None
    tables = source.data.get("schema") or []
    if len(tables) != 1 or not tables[0].get("properties"):
        source.error(("schema",), "the contract must describe one table with its properties")
        return None
    where: Location = ("schema", 0)
    table = tables[0]
    for word, spoken in _NOT_ENFORCED.items():
        if word in source.data:
            source.note((word,), f"{spoken} are documented here and not enforced by the pipeline")
    properties = table["properties"]
    columns = tuple(
        _column(prop, (*where, "properties", at), source) for at, prop in enumerate(properties)
    )
    names = [column.name for column in columns]
    for at, name in enumerate(names):
        if name in names[:at]:
            source.error((*where, "properties", at, "name"), f"there are two columns {name!r}")
    contract = Contract(
        version=str(source.data["version"]),
        source=_file_source(source),
        columns=columns,
        key=_primary_key(properties),
        unique=_unique(table, properties, where, source),
        descriptions={prop["name"]: prop.get("description", "") for prop in properties},
    )
    return contract if source.usable else None


def _column(prop: dict[str, Any], where: Location, source: YamlSource) -> Column:
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


def _primary_key(properties: list[dict[str, Any]]) -> tuple[str, ...]:
    parts = [prop for prop in properties if prop.get("primaryKey")]
    parts.sort(key=lambda prop: prop.get("primaryKeyPosition", -1))
    return tuple(prop["name"] for prop in parts)


def _unique(
    table: dict[str, Any],
    properties: list[dict[str, Any]],
    where: Location,
    source: YamlSource,
) -> tuple[tuple[str, ...], ...]:
    """Single unique columns, and composite ones by the metric duplicateValues."""
    names = {prop["name"] for prop in properties}
    keys = [(prop["name"],) for prop in properties if prop.get("unique")]
    for at, quality in enumerate(table.get("quality", [])):
        here = (*where, "quality", at)
        composite = tuple(quality.get("arguments", {}).get("properties", ()))
        if quality.get("metric") != "duplicateValues" or quality.get("mustBe") != 0:
            source.note(here, f"{quality.get('metric', 'this rule')} is not enforced")
        elif unknown := set(composite) - names:
            source.error(here, f"there is no column {', '.join(sorted(unknown))}")
        elif composite:
            keys.append(composite)
    return tuple(keys)


def _file_source(source: YamlSource) -> Source:
    """Format from the first server; dialect and missing values from the custom properties."""
    servers = source.data.get("servers") or [{}]
    declared = servers[0].get("format")
    if declared not in _FORMATS:
        source.error(
            ("servers", 0, "format"),
            f"servers[0].format is {declared!r}: say csv, json or jsonl, so that files can be read",
        )
    custom = {
        item["property"]: (at, item.get("value"))
        for at, item in enumerate(source.data.get("customProperties", []))
    }
    at, missing = custom.get("missingValues", (0, [""]))
    if not isinstance(missing, list) or not all(isinstance(word, str) for word in missing):
        source.error(("customProperties", at, "value"), "missingValues is a list of quoted words")
        missing = []
    at, dialect = custom.get("csvDialect", (0, {}))
    if not isinstance(dialect, dict):
        source.error(
            ("customProperties", at, "value"), "csvDialect is a mapping of words to values"
        )
        dialect = {}
    for word, fits in _DIALECT_VALUES.items():
        if word in dialect and not fits(dialect[word]):
            source.error(
                ("customProperties", at, "value", word),
                f"csvDialect: {dialect[word]!r} is no {word}",
            )
    for word in dialect.keys() - {*_DIALECT, "header"}:
        source.error(
            ("customProperties", at, "value", word), f"csvDialect: {word} is not supported"
        )
    if dialect.get("header", True) is not True:
        source.error(("customProperties", at, "value", "header"), "files need a header row")
    return Source(
        format=_FORMATS.get(declared, "csv"),
        missing_values=tuple(missing),
        **{_DIALECT[word]: value for word, value in dialect.items() if word in _DIALECT},
    )


def contract_path(folder: Path) -> Path:
    """Return where a dataset keeps its contract."""
    return folder / CONTRACT_FILE
