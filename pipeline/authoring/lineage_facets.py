"""Facets of a dataset's event that are made of its contract and plan: columns, tags, rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    data_quality_assertions_dataset,
    schema_dataset,
    tags_dataset,
)

from pipeline.authoring.column_lineage import ColumnLineage
from pipeline.authoring.output_contract import output_contract
from pipeline.masking import masked_names
from pipeline.rules import Reason, spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.authoring.lineage_sources import Field, How, Sources
    from pipeline.authoring.version import Version
    from pipeline.plan import Plan

Assertion = data_quality_assertions_dataset.Assertion

_TAGS_FROM: Final = "CONTRACT"
_STANDARD_WORDS: Final = {
    Reason.REQUIRED: "not_null",
    Reason.UNIQUE: "unique",
    Reason.PRIMARY_KEY: "unique",
}
"""Rules for which the standard has an example of its own; others keep the contract's word."""


def schema_of_input(version: Version) -> schema_dataset.SchemaDatasetFacet:
    """Return the file's columns, as the file calls them, with the contract's types."""
    declared = _declared(version)
    found = {column.source_name: column.type for column in version.plan.columns}
    return _schema((name, kind, declared[name].get("description")) for name, kind in found.items())


def schema_of_output(version: Version) -> schema_dataset.SchemaDatasetFacet:
    """Return the output's columns as its generated contract describes them."""
    return _schema(
        (prop["name"], prop["physicalType"], prop.get("description"))
        for prop in _output_properties(version)
    )


def schema_of_table(columns: Mapping[str, str]) -> schema_dataset.SchemaDatasetFacet:
    """Return the columns of a lookup with their types."""
    return _schema((name, kind, None) for name, kind in columns.items())


def _schema(columns: Iterable[tuple[str, str, str | None]]) -> schema_dataset.SchemaDatasetFacet:
    return schema_dataset.SchemaDatasetFacet(
        [
            schema_dataset.SchemaDatasetFacetFields(name, kind, text, at, None)
            for at, (name, kind, text) in enumerate(columns, 1)
        ]
    )


def _declared(version: Version) -> dict[str, Mapping[str, Any]]:
    """What the contract says of the file's columns, by the names that the file has for them."""
    properties = version.contract.data["schema"][0]["properties"]
    return dict(zip(version.plan.source_names.values(), properties, strict=True))


def _output_properties(version: Version) -> list[dict[str, Any]]:
    properties: list[dict[str, Any]] = output_contract(version)["schema"][0]["properties"]
    return properties


# --- Tags ----------------------------------------------------------------------------------


def input_tags(version: Version) -> tags_dataset.TagsDatasetFacet | None:
    """Return the contract's tags and classifications of the file and its columns, if any."""
    return _tags(version, _declared(version))


def output_tags(version: Version) -> tags_dataset.TagsDatasetFacet | None:
    """Return the tags that the output has from its contract, if any."""
    return _tags(version, {prop["name"]: prop for prop in _output_properties(version)})


def _tags(
    version: Version, columns: Mapping[str, Mapping[str, Any]]
) -> tags_dataset.TagsDatasetFacet | None:
    masked = masked_names(version.plan)
    found = [_tag(word, "true", None) for word in version.contract.data.get("tags") or ()]
    for name, declared in columns.items():
        found += [_tag(word, "true", name) for word in declared.get("tags") or ()]
        if "classification" in declared:
            found.append(_tag("classification", str(declared["classification"]), name))
        if name in masked:
            found.append(_tag("masked", "true", name))
    return tags_dataset.TagsDatasetFacet(found) if found else None


def _tag(key: str, value: str, field: str | None) -> tags_dataset.TagsDatasetFacetFields:
    return tags_dataset.TagsDatasetFacetFields(key, value, _TAGS_FROM, field)


# --- Column lineage ------------------------------------------------------------------------


def column_lineage(
    plan: Plan, addresses: Mapping[str, tuple[str, str]]
) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Return what the output's columns, and its rows, depend on.

    Parameters
    ----------
    addresses
        Namespace and name of each input: of the file under an empty name, of lookups by theirs.
    """
    lineage = ColumnLineage(plan)
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            name: column_lineage_dataset.Fields(_input_fields(sources, addresses))
            for name, sources in lineage.columns.items()
        },
        dataset=_input_fields(lineage.rows, addresses) or None,
    )


def _input_fields(
    sources: Sources, addresses: Mapping[str, tuple[str, str]]
) -> list[column_lineage_dataset.InputField]:
    return [_input_field(field, hows, addresses) for field, hows in sources.items()]


def _input_field(
    field: Field, hows: Iterable[How], addresses: Mapping[str, tuple[str, str]]
) -> column_lineage_dataset.InputField:
    namespace, name = addresses[field.dataset]
    ways = [
        column_lineage_dataset.Transformation(how.type, how.subtype, masking=how.masking)
        for how in sorted(hows)
    ]
    return column_lineage_dataset.InputField(namespace, name, field.column, ways)


# --- Assertions ----------------------------------------------------------------------------


def assertions_of(plan: Plan) -> tuple[list[Assertion], list[list[str | None]]]:
    """Return the contract's rules on rows, and of each which rejects are about it.

    That is the column, or the columns with commas between them, and the rule, as the quarantine
    has them. Rules that reject no row, and those about the file, are the run's to tell.
    """
    found = list(_rules(plan))
    return [assertion for _, assertion in found], [about for about, _ in found]


def _rules(plan: Plan) -> Iterator[tuple[list[str | None], Assertion]]:
    sources = plan.source_names
    for column in plan.columns:
        if column.required:
            yield _rule((column.name,), Reason.REQUIRED, None, sources)
        if column.type != "string":
            yield _rule((column.name,), Reason.TYPE, column.type, sources)
        for rule in column.rules:
            if rule.severity == "error":
                wanted = spoken(rule.name, rule.argument)
                yield _rule((column.name,), rule.name, wanted, sources)
    if plan.key:
        yield _rule(plan.key, Reason.PRIMARY_KEY, None, sources)
    for names in plan.unique:
        yield _rule(names, Reason.UNIQUE, None, sources)
    for one in plan.relationships:
        wanted = f"{one.lookup} ({', '.join(one.to)})"
        yield _rule(one.columns, Reason.RELATIONSHIP, wanted, sources)


def _rule(
    columns: tuple[str, ...], rule: str, expected: str | None, sources: Mapping[str, str]
) -> tuple[list[str | None], Assertion]:
    """What a rule's rejects say, and its assertion; one of several columns names them."""
    of = [sources[name] for name in columns]
    several = {"columns": of} if len(of) > 1 else None
    return [", ".join(columns), str(rule)], Assertion(
        assertion=_STANDARD_WORDS.get(Reason(rule), str(rule)),
        success=True,
        column=None if several else of[0],
        severity="error",
        name=str(rule),
        expected=expected,
        params=several,
    )
