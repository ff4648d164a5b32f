"""Words of the Open Data Contract Standard that the pipeline passes over, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.schemas import odcs_schema
from tests.words.markdown import row, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES: Final[dict[str, tuple[str, ...]]] = {
    "the contract": (),
    "its table": ("SchemaObject", "SchemaElement"),
    "a column": ("SchemaBaseProperty", "SchemaElement"),
    "a rule of `quality`": ("DataQuality", "DataQualityLibrary", "DataQualityOperators"),
}
"""Parts of a contract, and the standard's definitions of their words."""
NOT_ENFORCED: Final[dict[str, dict[str, Any]]] = {
    "the contract": {"slaProperties": [{"property": "latency", "value": 4, "unit": "d"}]},
    "its table": {},
    "a column": {
        "encryptedName": "secret_a",
        "partitioned": True,
        "transformLogic": "a + 1",
    },
    "a rule of `quality`": {
        "type": "custom",
        "schedule": "0 20 * * *",
        "scheduler": "cron",
    },
}
"""Words that could be taken for rules, each with a value: `pipeline check` says of each of them
that it is not enforced."""
READ: Final[dict[str, frozenset[str]]] = {
    "the contract": frozenset(
        {"apiVersion", "kind", "id", "version", "schema", "servers", "customProperties"}
    ),
    "its table": frozenset({"name", "properties", "quality", "relationships", "logicalType"}),
    "a column": frozenset(
        {"name", "physicalName", "logicalType", "physicalType", "required", "unique", "enum"}
        | {"primaryKey", "primaryKeyPosition", "classification", "tags", "logicalTypeOptions"}
        | {"quality", "relationships", "customProperties", "description"}
    ),
    "a rule of `quality`": frozenset(
        {"name", "id", "metric", "rule", "arguments", "unit", "severity", "mustBe", "mustNotBe"}
        | {"mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeBetween"}
        | {"mustBeLessOrEqualTo", "mustNotBeBetween"}
    ),
}
"""Words that the pipeline makes something of."""


def words_of(place: str) -> Iterator[str]:
    """Yield every word that the standard has for a part of a contract."""
    schema = odcs_schema()
    for definition in [schema["$defs"][name] for name in PLACES[place]] or [schema]:
        yield from definition.get("properties", {})
        for alternative in definition.get("oneOf", ()):
            yield from alternative.get("properties", {})


def passed_over() -> str:
    """Return the table of words that change nothing: those that look like rules, and the others."""
    rows = []
    for place, rules in NOT_ENFORCED.items():
        told = sorted(set(words_of(place)) - rules.keys() - READ[place])
        rows.append(row(place, _listed(rules), _listed(told)))
    return table(("word of", "not enforced, and `pipeline check` says so", "documentation"), rows)


def _listed(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)
