"""From which columns of the inputs each column of the output comes, and how.

A walk along the compiled plan, in the order of the stages. The words for how are OpenLineage's
(https://openlineage.io/docs/spec/facets/dataset-facets/column_lineage_facet): a DIRECT
dependency gives the value (IDENTITY, TRANSFORMATION, AGGREGATION), an INDIRECT one decides on it
(CONDITIONAL, JOIN, GROUP_BY) or on which rows there are (FILTER, JOIN, SORT). Rows that break the
contract are no lineage: of them the event's assertions tell.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from pipeline.authoring.expression_lineage import sources_of
from pipeline.authoring.lineage_sources import (
    AGGREGATED,
    CONDITIONAL,
    FILTER,
    GROUP_BY,
    IDENTITY,
    JOIN,
    SORT,
    TRANSFORMED,
    Field,
    Sources,
    through,
    united,
)
from pipeline.lineage import LINEAGE_TYPES
from pipeline.python_steps import PythonSteps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.plan import Plan
    from pipeline.plan_steps import Lookup


class ColumnLineage:
    """What each column of a plan's output depends on, and what the rows themselves depend on.

    `columns` has the output's columns that depend on any; `rows` what decides which rows there
    are, and in what order.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._frame: dict[str, Sources] = {}
        self._rest: Sources = {}
        self.rows: Sources = {}
        self._clean()
        for step in plan.transform:
            _STEPS[step.name](self, step.argument)
        for lookup in plan.enrich.lookups:
            self._join(lookup)
        of_no_column = (*plan.enrich.constants, *plan.enrich.context, *LINEAGE_TYPES)
        self._frame |= {name: {} for name in of_no_column}
        self._depend(plan.write.sort_by, SORT)

    @property
    def columns(self) -> dict[str, Sources]:
        """Sources of the output's columns, in their order; those without any are left out."""
        found = {name: self._of(name) for name in self._plan.schemas["enrich"]}
        return {name: sources for name, sources in found.items() if sources}

    def _of(self, name: str) -> Sources:
        """Sources of a column: a Python step may have made one that nobody knows."""
        return self._frame.get(name, self._rest)

    def _of_all(self, names: Iterable[str]) -> Sources:
        return reduce(united, map(self._of, names), {})

    def _depend(self, names: Iterable[str], how: Any) -> None:
        """Let the rows depend on columns; a leading `-` only turns an order around."""
        plain = [name.removeprefix("-") for name in names]
        self.rows = united(self.rows, through(self._of_all(plain), how))

    # --- clean ---------------------------------------------------------------------------------

    def _clean(self) -> None:
        clean = self._plan.clean
        for column in self._plan.columns:
            self._frame[column.name] = {Field("", column.source_name): frozenset({IDENTITY})}
        for column in self._plan.columns:
            if clean.all and column.type == "string":
                self._frame[column.name] = through(self._frame[column.name], TRANSFORMED)
        done: set[str] = set()
        for name in clean.columns:
            self._clean_column(name, done)
        for one in clean.dependencies:
            itself = through(self._of(one.determines), AGGREGATED)
            decided = through(self._of_all(one.columns), GROUP_BY)
            self._frame[one.determines] = united(itself, decided)
        if clean.dedupe is not None:
            self._depend((*clean.dedupe.by, *clean.dedupe.order_by), FILTER)

    def _clean_column(self, name: str, done: set[str]) -> None:
        """Follow a column's steps, after those of the columns that it is filled from."""
        if name in done:
            return
        done.add(name)
        for step in self._plan.clean.columns.get(name, ()):
            how = AGGREGATED if step.fills_from == "statistic" else TRANSFORMED
            self._frame[name] = through(self._frame[name], how)
            if step.fills_from == "column":
                other = step.argument["column"]
                self._clean_column(other, done)
                filled = through(self._frame[other], TRANSFORMED)
                self._frame[name] = united(self._frame[name], filled)

    # --- transform -----------------------------------------------------------------------------

    def _derive(self, argument: Any) -> None:
        made: dict[str, Sources] = {}
        for name, sql in argument["columns"].items():
            # A name is the frame's column before it is one that the same step has made.
            made[name] = sources_of(sql, made | self._frame, self._rest)
        self._frame |= made

    def _filter(self, argument: Any) -> None:
        decided = sources_of(argument["where"], self._frame, self._rest)
        self.rows = united(self.rows, through(decided, FILTER))

    def _rename(self, names: Any) -> None:
        self._frame = {names.get(name, name): found for name, found in self._frame.items()}

    def _select(self, names: Any) -> None:
        self._frame = {name: self._of(name) for name in names}
        self._rest = {}

    def _cast(self, argument: Any) -> None:
        for name in argument["columns"]:
            self._frame[name] = through(self._of(name), TRANSFORMED)

    def _split(self, argument: Any) -> None:
        parts = through(self._of(argument["column"]), TRANSFORMED)
        self._frame |= dict.fromkeys(argument["into"], parts)

    def _explode(self, argument: Any) -> None:
        """Take a list apart: SQL's join of each row with the elements of its list."""
        name = argument["column"]
        self._depend([name], JOIN)
        self._frame[name] = through(self._of(name), TRANSFORMED)
        if argument["position"] is not None:
            self._frame[argument["position"]] = self._frame[name]

    def _unpivot(self, argument: Any) -> None:
        """Make a row of each value; without `keep_nulls`, of each that is there."""
        names = argument["columns"]
        values = self._of_all(names)
        if not argument["keep_nulls"]:
            self._depend(names, FILTER)
        self._frame = {name: found for name, found in self._frame.items() if name not in names}
        self._frame[argument["value"]] = through(values, TRANSFORMED)
        self._frame[argument["name"]] = (
            {} if argument["keep_nulls"] else through(values, CONDITIONAL)
        )

    def _python(self, step: Any) -> None:
        """Let all that a function makes depend on all that it is given: nobody knows better.

        One whose annotation says that it returns a Series makes one column, and leaves the others.
        """
        given = through(reduce(united, self._frame.values(), self._rest), TRANSFORMED)
        if _returns_series(PythonSteps(self._plan).function(step)):
            self._frame[step] = given
        else:
            self._frame = dict.fromkeys(self._frame, given)
            self._rest = given

    # --- enrich --------------------------------------------------------------------------------

    def _join(self, lookup: Lookup) -> None:
        keys = {Field(lookup.name, key): frozenset({IDENTITY}) for key in lookup.on.values()}
        decided = through(united(self._of_all(lookup.on), keys), JOIN)
        if lookup.prefix and lookup.duplicates and (order := lookup.duplicates.order_by):
            # Of a table that is shipped, the rows were chosen before it was.
            by = Field(lookup.name, order.removeprefix("-"))
            decided = united(decided, {by: frozenset({SORT})})
        if lookup.when_missing == "reject":
            self.rows = united(self.rows, decided)
        joined = {
            name: united({Field(lookup.name, column): frozenset({IDENTITY})}, decided)
            for name, column in lookup.add.items()
        }
        if lookup.conflict == "fill":
            joined = {name: self._filled(name, found) for name, found in joined.items()}
        self._frame |= joined

    def _filled(self, name: str, joined: Sources) -> Sources:
        """Sources of a column that a lookup fills where it has no value."""
        there = self._of(name)
        return (
            united(through(there, TRANSFORMED), through(joined, TRANSFORMED)) if there else joined
        )


def _returns_series(function: Any) -> bool:
    said = getattr(function, "__annotations__", {}).get("return", "")
    return str(getattr(said, "__name__", said)).rpartition(".")[2] == "Series"


_STEPS: Final[dict[str, Callable[[ColumnLineage, Any], None]]] = {
    "derive": ColumnLineage._derive,
    "filter": ColumnLineage._filter,
    "rename": ColumnLineage._rename,
    "select": ColumnLineage._select,
    "cast": ColumnLineage._cast,
    "split": ColumnLineage._split,
    "explode": ColumnLineage._explode,
    "unpivot": ColumnLineage._unpivot,
    "python": ColumnLineage._python,
}
