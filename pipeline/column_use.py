"""Which columns a stage opens; the others pass it by as they were staged, unread.

A stage that may reject rows, or that runs a dataset's Python, looks at all of them: the quarantine
shows whole rows, and a step may ask for any column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import STAGES
from pipeline.lineage import LINEAGE_TYPES
from pipeline.plan import ROW_NUMBER
from pipeline.text_parsing import PARSERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.plan import Plan

Names = frozenset[str] | None
"""Columns; None is all of them, whatever they are."""


def opened(plan: Plan, stage: str) -> Names:
    """Return the columns that a stage has to have, the row numbers among them."""
    find = _OPENED.get(stage)
    names = None if find is None else find(plan)
    return None if names is None else names | {ROW_NUMBER}


def passing(plan: Plan, stage: str) -> frozenset[str]:
    """Return the columns that pass a stage by, where a batch is large enough to be divided."""
    names = opened(plan, stage)
    before = plan.schemas.get(STAGES[STAGES.index(stage) - 1], {})
    return frozenset() if names is None else frozenset(before) - names


def next_readers(plan: Plan, stage: str) -> dict[str, str]:
    """Return for each column that a stage passes on the next stage that opens it."""
    later = STAGES[STAGES.index(stage) + 1 :]
    sets = [(after, opened(plan, after)) for after in later]
    return {
        name: next(after for after, names in sets if names is None or name in names)
        for name in (*plan.schemas.get(stage, {}), ROW_NUMBER)
    }


def _by_clean(plan: Plan) -> Names:
    clean = plan.clean
    each = [*clean.all, *(step for steps in clean.columns.values() for step in steps)]
    if clean.looks_beyond_rows or any(step.name in PARSERS for step in each):
        return None
    others = {step.argument["column"] for step in each if step.fills_from == "column"}
    keys = clean.dedupe.by if clean.dedupe else ()
    return frozenset({*(plan.text_columns if clean.all else ()), *clean.columns, *others, *keys})


def _by_transform(plan: Plan) -> Names:
    dropped = plan.schemas["clean"].keys() - plan.schemas["transform"].keys()
    names: set[str] = set(dropped)
    for step in plan.transform:
        find = _READ_OR_MADE.get(step.name)
        if find is None:
            return None
        names |= find(step.argument)
    return frozenset(names)


_READ_OR_MADE: Final[dict[str, Callable[[Any], set[str]]]] = {
    "derive": lambda argument: {*argument["inputs"], *argument["columns"]},
    "filter": lambda argument: set(argument["inputs"]),
    "rename": lambda names: {*names, *names.values()},
    "select": lambda _names: set(),
    "split": lambda argument: {argument["column"], *argument["into"]},
}
"""Steps that take no row apart and reject none, with the columns that they read, make or drop.

What `select` drops is what the stage does not promise.
"""


def _by_enrich(plan: Plan) -> Names:
    enrich = plan.enrich
    if any(lookup.when_missing == "reject" for lookup in enrich.lookups):
        return None
    of_lookups = {name for lookup in enrich.lookups for name in (*lookup.on, *lookup.add)}
    return frozenset({*of_lookups, *enrich.constants, *enrich.context, *LINEAGE_TYPES})


_OPENED: Final[dict[str, Callable[[Plan], Names]]] = {
    "clean": _by_clean,
    "transform": _by_transform,
    "enrich": _by_enrich,
}
