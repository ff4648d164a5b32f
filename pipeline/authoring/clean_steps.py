"""From the `clean` section of `pipeline.yaml` to the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.authoring.clean_values import step_type
from pipeline.authoring.steps import known_columns
from pipeline.cleaning import FILL, STEPS
from pipeline.plan_steps import Clean, Dedupe, Dependency, Step
from pipeline.text_parsing import PARSERS

if TYPE_CHECKING:
    from pipeline.authoring.frame_schema import Types
    from pipeline.authoring.yaml_source import Location, YamlSource


def clean_of(source: YamlSource, columns: Types) -> tuple[Clean, Types]:
    """Return the cleaning, and the columns' types after it; errors go to the source."""
    declared = source.data.get("clean", {})
    by_column = declared.get("columns", {})
    known_columns(by_column, columns, ("clean", "columns"), source)
    clean = Clean(
        all=_cleaning_steps(declared.get("all", [])),
        columns={name: _cleaning_steps(steps) for name, steps in by_column.items()},
    )
    _check_steps_for_all(clean.all, source)
    types = _ColumnTypes(clean, columns, source).types
    return replace(
        clean,
        dependencies=_dependencies(declared.get("dependencies", []), types, source),
        dedupe=_dedupe(declared.get("dedupe"), types, source),
    ), types


def _cleaning_steps(items: list[Any]) -> tuple[Step, ...]:
    return tuple(
        Step(item) if isinstance(item, str) else Step(*next(iter(item.items()))) for item in items
    )


def _check_steps_for_all(steps: tuple[Step, ...], source: YamlSource) -> None:
    for at, step in enumerate(steps):
        where = ("clean", "all", at)
        if step.name == FILL or step.name in PARSERS or not STEPS[step.name].text_only:
            source.error(
                where,
                f"{step.name} is for single columns, not for all; write it below clean.columns",
            )
        else:
            step_type(step, pa.string(), where, source)


class _ColumnTypes:
    """Types of the columns as far as their steps have been followed; errors go to the source."""

    def __init__(self, clean: Clean, columns: Types, source: YamlSource) -> None:
        self._steps = clean.columns
        self._source = source
        self._done: set[str] = set()
        self.types = dict(columns)
        for name in columns:
            self._follow(name, ())

    def _follow(self, name: str, waiting: tuple[str, ...]) -> None:
        """Follow a column's steps, after those of the columns that it is filled from."""
        if name in self._done:
            return
        self._done.add(name)
        steps = self._steps.get(name, ())
        for at, step in enumerate(steps):
            where = ("clean", "columns", name, at)
            if step.fills_from == "column":
                self._check_source(step, self.types[name], (*waiting, name), where)
            if step.fills_from:
                _check_parsed_before(steps[at:], where, self._source)
            self.types[name] = step_type(step, self.types[name], where, self._source)

    def _check_source(
        self, step: Step, kind: pa.DataType, waiting: tuple[str, ...], where: Location
    ) -> None:
        """Check the column that another one is filled from."""
        other = step.argument["column"]
        if not known_columns([other], self.types, where, self._source):
            return
        if other in waiting:
            said = " and ".join(waiting[waiting.index(other) :])
            hint = "are filled from each other" if said != other else "is filled from itself"
            self._source.error(where, f"fill: {said} {hint}; leave one step out")
            return
        self._follow(other, waiting)
        if self.types[other] != kind:
            self._source.error(
                where,
                f"fill: column {other!r} is {self.types[other]}, and this one is {kind}; "
                "they must be of one type",
            )


def _check_parsed_before(steps: tuple[Step, ...], where: Location, source: YamlSource) -> None:
    """Text is parsed before a value from elsewhere comes in: rows without a number are none."""
    parsing = next((step.name for step in steps if step.name in PARSERS), None)
    if parsing:
        source.error(
            where, f"fill from {steps[0].fills_from} comes after {parsing}; change their order"
        )


def _dependencies(
    items: list[dict[str, Any]], types: Types, source: YamlSource
) -> tuple[Dependency, ...]:
    for at, item in enumerate(items):
        where = ("clean", "dependencies", at)
        known_columns(item["columns"], types, (*where, "columns"), source)
        known_columns([item["determines"]], types, (*where, "determines"), source)
        if item["determines"] in item["columns"]:
            source.error(
                (*where, "determines"),
                f"column {item['determines']!r} stands on both sides; it determines itself anyway",
            )
    return tuple(Dependency(**{**item, "columns": tuple(item["columns"])}) for item in items)


def _dedupe(declared: Any, types: Types, source: YamlSource) -> Dedupe | None:
    if not declared:
        return None
    where: Location = ("clean", "dedupe")
    if isinstance(declared, list):
        known_columns(declared, types, where, source)
        return Dedupe(tuple(declared))
    dedupe = Dedupe(
        by=tuple(declared["by"]),
        keep=declared.get("keep", "first"),
        order_by=tuple(declared.get("order_by", ())),
    )
    known_columns(dedupe.by, types, (*where, "by"), source)
    order = [name.removeprefix("-") for name in dedupe.order_by]
    if known_columns(order, types, (*where, "order_by"), source) and set(order) & set(dedupe.by):
        shared = next(name for name in order if name in dedupe.by)
        source.error(
            (*where, "order_by"),
            f"column {shared!r} is part of the key, so it is equal in all rows of one; "
            "order by another column",
        )
    return dedupe
