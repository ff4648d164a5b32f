"""Datasets as pages show them: the list, and one contract as documentation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from cli.executions import described
from cli.outcome import latest_summary
from console.reading.column_lineage import Origin, origins, row_sources
from console.reading.rule_words import (
    RuleWords,
    column_rules,
    shortened,
    spelling_words,
    table_rules,
)
from pipeline.authoring.output_contract import output_contract
from pipeline.masking import masked_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.target import Target
    from console.reading.column_lineage import Source
    from console.reading.definitions import Definition, Definitions
    from console.reading.executions import Listed
    from pipeline.plan import Plan
    from pipeline.plan_contract import Column

SHOWN_COLUMNS: Final = 500
"""Columns of a table on a page; the filter finds the others."""
_EXAMPLES: Final = 5


@dataclass(frozen=True)
class Overview:
    """One dataset of the list.

    `definition` is None where only executions name it (`in_folder` is false then), or where it has
    not been read yet.
    """

    name: str
    definition: Definition | None
    runs: tuple[Listed, ...]
    in_folder: bool = True

    @property
    def last(self) -> Listed | None:
        """The run that started last."""
        return self.runs[0] if self.runs else None


@dataclass(frozen=True)
class InputColumn:
    """A column of the file: `source` is the file's name of it, `key` its place in the key."""

    name: str
    anchor: str
    source: str
    type: str
    required: bool
    masked: bool
    key: int | None
    description: str
    classification: str
    examples: tuple[str, ...]
    spelling: tuple[str, ...]
    rules: tuple[RuleWords, ...]


@dataclass(frozen=True)
class OutputColumn:
    """A column of the output, and where it comes from."""

    name: str
    anchor: str
    type: str
    description: str
    required: bool
    masked: bool
    partition: bool
    origin: Origin


@dataclass(frozen=True)
class Documentation:
    """What a sound definition says, in the order in which a file meets it."""

    inputs: tuple[InputColumn, ...]
    rules: tuple[RuleWords, ...]
    outputs: tuple[OutputColumn, ...]
    rows_depend_on: tuple[Source, ...]

    @cached_property
    def anchors(self) -> dict[str, str]:
        """Anchors of the file's columns, by what the file calls them."""
        return {column.source: column.anchor for column in self.inputs}

    @cached_property
    def users(self) -> dict[str, list[OutputColumn]]:
        """The output's columns that are made of a column of the file, by what the file calls it.

        Those that come from all columns are left out: that they do, stands with them.
        """
        found: dict[str, list[OutputColumn]] = {}
        for column in self.outputs:
            for source in column.origin.sources:
                if source.gives and not source.table:
                    found.setdefault(source.column, []).append(column)
        return found


def overviews(definitions: Definitions, listed: Iterable[Listed], seconds: float) -> list[Overview]:
    """Return every dataset that the folder has or an execution names, by name.

    What definitions can be read in so many seconds, are.
    """
    defined = definitions.all(seconds)
    runs: dict[str, list[Listed]] = {name: [] for name in defined}
    for one in listed:
        if one.dataset:
            runs.setdefault(one.dataset, []).append(one)
    return [
        Overview(name, defined.get(name), tuple(runs[name]), name in defined)
        for name in sorted(runs)
    ]


def overview(name: str, definitions: Definitions, listed: Iterable[Listed]) -> Overview | None:
    """Return one dataset; None if neither the folder nor an execution has it."""
    runs = tuple(one for one in listed if one.dataset == name)
    definition = definitions.get(name)
    return Overview(name, definition, runs, bool(definition)) if definition or runs else None


@lru_cache(maxsize=64)
def documentation(definition: Definition) -> Documentation | None:
    """Return what a definition says; None if it has errors."""
    if definition.version is None:
        return None
    plan = definition.version.plan
    properties = definition.table["properties"]
    made_of = origins(plan, definition.steps, definition.table_rows)
    masked = masked_names(plan)
    return Documentation(
        inputs=tuple(
            _input(at, column, declared, plan)
            for at, (column, declared) in enumerate(zip(plan.columns, properties, strict=True), 1)
        ),
        rules=tuple(table_rules(plan)),
        outputs=tuple(
            _output(at, prop, made_of[prop["name"]], prop["name"] in masked)
            for at, prop in enumerate(
                output_contract(definition.version)["schema"][0]["properties"], 1
            )
        ),
        rows_depend_on=tuple(row_sources(plan)),
    )


def fitting(columns: Sequence[Any], wanted: str) -> list[Any]:
    """Return the columns with a text in their name, the file's name of them, or description."""
    text = wanted.strip().casefold()
    return [one for one in columns if text in _searched(one)] if text else list(columns)


def deployed_hash(target: Target, runs: Iterable[Listed]) -> tuple[Listed, str] | None:
    """Return the last run that succeeded, and the hash of the plan that it had; None if unknown."""
    last = next((run for run in runs if run.is_good), None)
    if last is None:
        return None
    found = latest_summary(described(target, last.name), []).get("plan_hash")
    return (last, str(found)) if found else None


def owner_of(declared: Mapping[str, Any]) -> str:
    """Return who answers for the data, as far as a contract says; empty if it does not."""
    team = declared.get("team")
    members = team.get("members") if isinstance(team, dict) else team
    named = [team.get("name")] if isinstance(team, dict) else []
    for member in members if isinstance(members, list) else []:
        if isinstance(member, dict) and not member.get("dateOut"):
            named.append(_person(member))
    return ", ".join(str(name) for name in named if name)


def _person(member: Mapping[str, Any]) -> str:
    name = str(member.get("name") or member.get("username") or "")
    return f"{name} ({member['role']})" if name and member.get("role") else name


def _searched(column: Any) -> str:
    source = getattr(column, "source", "")
    return f"{column.name}\n{source}\n{column.description}".casefold()


def _input(at: int, column: Column, declared: Mapping[str, Any], plan: Plan) -> InputColumn:
    unique = (column.name,) in plan.unique
    rules = column_rules(column) + ([RuleWords("no value twice")] if unique else [])
    examples = declared.get("examples") or []
    return InputColumn(
        name=column.name,
        anchor=f"in-{at}",
        source=column.source_name,
        type=column.arrow or column.type,
        required=column.required,
        masked=column.masked,
        key=plan.key.index(column.name) + 1 if column.name in plan.key else None,
        description=str(declared.get("description") or ""),
        classification=str(declared.get("classification") or ""),
        examples=() if column.masked else tuple(_examples(examples)),
        spelling=tuple(spelling_words(column.spelling)),
        rules=tuple(rules),
    )


def _examples(values: Any) -> list[str]:
    listed = values if isinstance(values, list) else [values]
    return [shortened(str(value)) for value in listed[:_EXAMPLES]]


def _output(at: int, prop: Mapping[str, Any], origin: Origin, masked: bool) -> OutputColumn:
    return OutputColumn(
        name=prop["name"],
        anchor=f"out-{at}",
        type=prop["physicalType"],
        description=str(prop.get("description") or ""),
        required=bool(prop.get("required")),
        masked=masked,
        partition=bool(prop.get("partitioned")),
        origin=origin,
    )
