"""Which of the output's columns are columns of the contract, and what was done to their values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.version import Version

_MAKING: Final[dict[str, Callable[[Any], list[Any]]]] = {
    "derive": list,
    "split": lambda made: made["into"],
    "explode": lambda made: [made["column"], made.get("position")],
    "unpivot": lambda made: [*made["columns"], made["name"], made["value"]],
}
"""Steps that put something else into columns, and which those are."""


@dataclass(frozen=True)
class Origin:
    """The contract's property that a column of the output comes from.

    `untouched` says that every value is one that validate let pass.
    """

    declared: dict[str, Any]
    required: bool
    untouched: bool


def origins(version: Version) -> dict[str, Origin]:
    """Return the origin of each column of the output that comes from a column of the contract."""
    found = _cleaned(version)
    for step in version.steps.data.get("transform") or []:
        ((name, words),) = step.items()
        if name == "rename":
            found = {words.get(column, column): origin for column, origin in found.items()}
        elif name == "cast":
            found = {
                column: replace(origin, untouched=origin.untouched and column not in words)
                for column, origin in found.items()
            }
        elif name == "python":  # nobody knows what a function does to the other columns
            found = {column: replace(origin, untouched=False) for column, origin in found.items()}
        elif name in _MAKING:
            made = _MAKING[name](words)
            found = {column: origin for column, origin in found.items() if column not in made}
    joined = {name for lookup in version.plan.enrich.lookups for name in lookup.add}
    return {column: origin for column, origin in found.items() if column not in joined}


def _cleaned(version: Version) -> dict[str, Origin]:
    plan = version.plan
    repaired = {dependency.determines for dependency in plan.clean.dependencies}
    touched = repaired | {name for name, steps in plan.clean.columns.items() if steps}
    if plan.clean.all:
        touched |= {column.name for column in plan.columns if column.type == "string"}
    properties = version.contract.data["schema"][0]["properties"]
    return {
        column.name: Origin(declared, column.required, column.name not in touched)
        for column, declared in zip(plan.columns, properties, strict=True)
    }
