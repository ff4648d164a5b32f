"""Partition projection: how Athena computes a table's partitions, so that no crawler finds them.

What a partition column can hold is read off the contract, followed through cleaning and
transform. A column of which too little is known is `injected`: queries must then say its value.
See docs/adr/0008.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from functions.write.core import NULL_PARTITION
from infra.catalog.athena_types import INTEGERS, trino_type
from pipeline.arrow_types import column_type, scalar_of
from pipeline.cleaning import FILL, STEPS
from pipeline.rules import Reason

if TYPE_CHECKING:
    from pipeline.plan import Plan
    from pipeline.plan_contract import Column

LISTED_INTEGERS: Final = 1_000
"""Integers that may be missing are listed one by one, up to so many; Glue's metadata is bounded."""
FIRST_DATE: Final = "1970-01-01"
LAST_DATE: Final = "NOW+1YEARS"
"""Range of a date of which the contract says nothing."""
_KEEPING: Final = ("filter", "select", "drop")
"""Steps of transform that make no values."""


@dataclass(frozen=True)
class Projection:
    """How Athena finds the partitions of one column.

    `kind` is the column's type in the table over the files, `properties` are the table's, by
    their last word; `view` is the SQL that makes of it what the plan says, None if it is that
    already; `caveats` say which rows or queries Athena cannot serve.
    """

    kind: str
    properties: dict[str, str]
    view: str | None = None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    """Values that a column can have: all of them, or the bounds of its numbers or dates."""

    values: tuple[Any, ...] | None = None
    lowest: Any = None
    highest: Any = None
    nullable: bool = True

    @property
    def bounded(self) -> bool:
        """Whether both ends are known."""
        return self.lowest is not None and self.highest is not None


def projection(plan: Plan, name: str) -> Projection:
    """Return the projection of a partition column."""
    kind = plan.schemas["enrich"][name]
    known = _known(plan, name)
    if kind == "bool":
        return _listed(name, kind, ("true", "false"), nullable=known.nullable)
    if known.values is not None and (kind == "string" or kind in INTEGERS):
        return _listed(name, kind, known.values, nullable=known.nullable)
    if kind in INTEGERS and known.bounded:
        return _integers(name, kind, known)
    if kind == "date32[day]":
        return _dates(known)
    return _injected(kind)


def _listed(name: str, kind: str, values: tuple[Any, ...], *, nullable: bool) -> Projection:
    """Enumerated values, in the form that they have in the paths, and the word for none."""
    words = [quote(str(value), safe="") for value in values]
    sql = f'"{name.lower()}"'
    if any(word != str(value) for word, value in zip(words, values, strict=True)):
        sql = f"url_decode({sql})"
    if nullable:
        words.append(NULL_PARTITION)
        sql = f"nullif({sql}, '{NULL_PARTITION}')"
    if kind != "string":
        sql = f"CAST({sql} AS {trino_type(kind)})"
    plain = sql == f'"{name.lower()}"'
    properties = {"type": "enum", "values": ",".join(words)}
    return Projection("string", properties, None if plain else sql)


def _integers(name: str, kind: str, known: _Known) -> Projection:
    if known.nullable and known.highest - known.lowest < LISTED_INTEGERS:
        values = tuple(range(known.lowest, known.highest + 1))
        return _listed(name, kind, values, nullable=True)
    properties = {"type": "integer", "range": f"{known.lowest},{known.highest}"}
    caveats = ("rows without a value are not found",) if known.nullable else ()
    return Projection(INTEGERS[kind], properties, caveats=caveats)


def _dates(known: _Known) -> Projection:
    lowest, highest = known.lowest or FIRST_DATE, known.highest or LAST_DATE
    properties = {
        "type": "date",
        "format": "yyyy-MM-dd",
        "range": f"{lowest},{highest}",
        "interval": "1",
        "interval.unit": "DAYS",
    }
    caveats = []
    if known.nullable:
        caveats.append("rows without a value are not found")
    if not known.bounded:
        caveats.append(f"rows before {lowest} or after {highest} are not found")
    return Projection("date", properties, caveats=tuple(caveats))


def _injected(kind: str) -> Projection:
    caveats = ["queries must say which value they want (WHERE column = value)"]
    caveats.append("rows without a value are not found")
    if kind not in INTEGERS:
        caveats.append("values are written as in the path, percent-encoded")
    return Projection(INTEGERS.get(kind, "string"), {"type": "injected"}, caveats=tuple(caveats))


def _known(plan: Plan, name: str) -> _Known:
    """Return what the contract says of a column, if nothing that follows makes it untrue."""
    single = _single_value(plan, name)
    if single is not None:
        return _Known(values=(single,), nullable=False)
    column = _contract_column(plan, name)
    if column is None:
        return _Known()
    enforced = [rule for rule in column.rules if rule.severity == "error"]
    column = replace(column, rules=tuple(enforced))
    allowed = [rule.argument for rule in enforced if rule.name == Reason.VALID_VALUES]
    try:
        if allowed:
            return _cleaned(plan, column, allowed[0], listed=True)
        return _cleaned(plan, column, _bounds(column), listed=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _Known()  # values that are none of the column's type: the contract is vague


def _single_value(plan: Plan, name: str) -> Any:
    """Return the value that a column has in every row, None for one that has several."""
    if plan.enrich.context.get(name) == "dataset":
        return plan.dataset
    return plan.enrich.constants.get(name)


def _contract_column(plan: Plan, name: str) -> Column | None:
    """Return the contract's column that an output column is, if it is one unchanged."""
    if any(name in lookup.add for lookup in plan.enrich.lookups):
        return None
    if name in plan.enrich.constants or name in plan.enrich.context:
        return None
    for step in reversed(plan.transform):
        if step.name == "rename":
            former = {new: old for old, new in step.argument.items()}
            name = former.get(name, name)
        elif step.name == "derive":
            if name in step.argument["columns"]:
                return None
        elif step.name == "python" or (step.name not in _KEEPING and _names(step.argument, name)):
            return None
    return next((column for column in plan.columns if column.name == name), None)


def _names(argument: Any, name: str) -> bool:
    """Whether a step's argument names a column, wherever in it: then it may have made it."""
    if isinstance(argument, dict):
        return any(_names(part, name) for part in (*argument, *argument.values()))
    if isinstance(argument, (list, tuple)):
        return any(_names(part, name) for part in argument)
    return bool(argument == name)


def _bounds(column: Column) -> list[Any]:
    """Return least and greatest value, None where the contract names none."""
    rules = {rule.name: rule.argument for rule in column.rules}
    lowest = [rules[name] for name in (Reason.MINIMUM, Reason.EXCLUSIVE_MINIMUM) if name in rules]
    highest = [rules[name] for name in (Reason.MAXIMUM, Reason.EXCLUSIVE_MAXIMUM) if name in rules]
    bounds = [max(lowest, default=None), min(highest, default=None)]
    if column.type != "integer":
        return bounds
    return [
        None if bound is None else rounded(bound)
        for bound, rounded in zip(bounds, (math.ceil, math.floor), strict=True)
    ]


def _cleaned(plan: Plan, column: Column, values: list[Any], *, listed: bool) -> _Known:
    """Return what cleaning makes of the values allowed, or of the two bounds.

    Bounds stay bounds, because no step on numbers changes their order.
    """
    kind = column_type(column)
    steps = plan.clean.all if pa.types.is_string(kind) else ()
    known = pa.array([scalar_of(value, kind) for value in values if value is not None], kind)
    missing = pa.nulls(0 if column.required else 1, kind)
    for step in (*steps, *plan.clean.columns.get(column.name, ())):
        if step.name == FILL and isinstance(step.argument, dict):
            if "previous" not in step.argument:
                return _Known()
            continue
        if step.name == FILL:
            fill = pa.array([scalar_of(step.argument, kind)], kind)
            known = pa.concat_arrays([known, fill]) if len(missing) else known
            missing = missing[:0]
            continue
        if step.name not in STEPS:  # text becomes numbers or dates
            return _Known()
        known = STEPS[step.name].apply(known, step.argument)
        if known.null_count:
            known, missing = known.drop_null(), pa.nulls(1, kind)
    if listed:
        return _Known(values=tuple(pc.unique(known).to_pylist()), nullable=bool(len(missing)))
    lowest, highest = values
    return _Known(
        lowest=None if lowest is None else pc.min(known).as_py(),
        highest=None if highest is None else pc.max(known).as_py(),
        nullable=bool(len(missing)),
    )
