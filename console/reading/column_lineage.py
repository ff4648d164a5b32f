"""Where each column of the output comes from, and through which steps, in words.

From which columns is OpenLineage's to say (`pipeline/authoring/column_lineage.py`, which a run's
lineage event is made of, too); here the steps on the way are collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from console.reading import step_words
from console.reading.step_words import StepWords
from pipeline.authoring.column_lineage import ColumnLineage
from pipeline.authoring.expression_lineage import sources_of
from pipeline.authoring.lineage_sources import IDENTITY, Field
from pipeline.lineage import LINEAGE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline.authoring.lineage_sources import How, Sources
    from pipeline.plan import Plan
    from pipeline.plan_steps import Lookup, Step

SHOWN_SOURCES: Final = 8
SHOWN_STEPS: Final = 10
Trail = tuple[StepWords, ...]

_HOW: Final = {
    "IDENTITY": "as it is",
    "TRANSFORMATION": "computed",
    "AGGREGATION": "computed from several rows",
    "CONDITIONAL": "decides on the value",
    "GROUP_BY": "groups the rows",
    "JOIN": "key of the join",
    "FILTER": "decides which rows stay",
    "SORT": "decides the order",
}


@dataclass(frozen=True)
class Source:
    """A column of an input: of the file (`table` is empty), or of a lookup; and how it counts.

    `gives` tells a column whose values are used from one that only decides.
    """

    table: str
    column: str
    how: str
    gives: bool


@dataclass(frozen=True)
class Origin:
    """What a column of the output is made of.

    `of_all` says that it comes from every column of the file; `sources` are then those of lookups.
    `more_sources` and `more_steps` count what is left out.
    """

    sources: tuple[Source, ...]
    steps: Trail
    of_all: bool = False
    more_sources: int = 0
    more_steps: int = 0


def origins(plan: Plan, code: str | None, table_rows: Mapping[str, int]) -> dict[str, Origin]:
    """Return the origin of each column of the output.

    Parameters
    ----------
    code
        Text of the dataset's `steps.py`.
    table_rows
        Rows of the lookups that lie in the dataset's folder, by name.
    """
    sources = ColumnLineage(plan).columns
    trails = _Trails(plan, code, table_rows)
    file = frozenset(Field("", column.source_name) for column in plan.columns)
    return {
        name: _origin(sources.get(name, {}), trails.of(name), file)
        for name in plan.schemas["enrich"]
    }


def row_sources(plan: Plan) -> list[Source]:
    """Return what decides which rows the output has, and in which order."""
    return [_source(field, hows) for field, hows in ColumnLineage(plan).rows.items()]


def _origin(sources: Sources, steps: Trail, file: frozenset[Field]) -> Origin:
    of_all = len(file) > SHOWN_SOURCES and file <= sources.keys()
    found = [
        _source(field, hows) for field, hows in sources.items() if not (of_all and field in file)
    ]
    found.sort(key=lambda source: not source.gives)
    return Origin(
        sources=tuple(found[:SHOWN_SOURCES]),
        steps=steps[:SHOWN_STEPS],
        of_all=of_all,
        more_sources=max(0, len(found) - SHOWN_SOURCES),
        more_steps=max(0, len(steps) - SHOWN_STEPS),
    )


def _source(field: Field, hows: Iterable[How]) -> Source:
    ways = sorted(hows)  # DIRECT comes before INDIRECT
    words = dict.fromkeys(
        "hashed" if how.masking and how.type == "DIRECT" else _HOW[how.subtype] for how in ways
    )
    return Source(field.dataset, field.column, ", ".join(words), ways[0].type == "DIRECT")


class _Trails:
    """The steps that each column of the frame has come through, followed along the plan."""

    def __init__(self, plan: Plan, code: str | None, table_rows: Mapping[str, int]) -> None:
        self._code = code
        self._frame: dict[str, Trail] = {column.name: () for column in plan.columns}
        self._unknown: Trail = ()
        self._clean(plan)
        for step in plan.transform:
            if step.name in _FOLLOWED:
                _FOLLOWED[step.name](self, step)
        for lookup in plan.enrich.lookups:
            self._join(lookup, table_rows.get(lookup.name))
        for name, value in plan.enrich.constants.items():
            self._frame[name] = (step_words.constant_words(name, value),)
        for name, fact in plan.enrich.context.items():
            self._frame[name] = (step_words.context_words(name, fact),)
        for name in LINEAGE_TYPES:
            self._frame[name] = (StepWords("added to every row"),)

    def of(self, name: str) -> Trail:
        """Steps of a column; a Python step may have made one that nobody knows."""
        return self._frame.get(name, self._unknown)

    def _all_of(self, names: Iterable[str]) -> Trail:
        return tuple(dict.fromkeys(step for name in names for step in self.of(name)))

    def _add(self, name: str, step: StepWords, read: Iterable[str] = ()) -> None:
        """Let a column come through one more step, which reads others, too."""
        self._frame[name] = (*self._all_of([name, *read]), step)

    def _clean(self, plan: Plan) -> None:
        for column in plan.columns:
            if column.type == "string":
                self._frame[column.name] = tuple(map(step_words.clean_all_words, plan.clean.all))
        done: set[str] = set()
        for name in plan.clean.columns:
            self._clean_column(name, plan, done)
        for one in plan.clean.dependencies:
            self._add(one.determines, step_words.dependency_words(one), one.columns)

    def _clean_column(self, name: str, plan: Plan, done: set[str]) -> None:
        """Follow a column's steps, after those of the columns that it is filled from."""
        if name in done:
            return
        done.add(name)
        for step in plan.clean.columns.get(name, ()):
            read = []
            if step.fills_from == "column":
                read = [step.argument["column"]]
                self._clean_column(read[0], plan, done)
            self._add(name, step_words.clean_column_words(name, step), read)

    def _derive(self, step: Step) -> None:
        made: dict[str, Trail] = {}
        for name, sql in step.argument["columns"].items():
            # A name is the frame's column before it is one that the same step has made.
            trails = self._trails_read(sql, made | self._frame)
            read = dict.fromkeys(one for trail in trails for one in trail)
            made[name] = (*read, step_words.derive_words(name, sql))
        self._frame |= made

    def _trails_read(self, sql: str, frame: Mapping[str, Trail]) -> list[Trail]:
        """Trails of the columns that an expression names."""
        each: dict[str, Sources] = {
            name: {Field("", name): frozenset({IDENTITY})} for name in frame
        }
        read = sources_of(sql, each, {_UNKNOWN: frozenset({IDENTITY})})
        return [frame.get(field.column, self._unknown) for field in read]

    def _rename(self, step: Step) -> None:
        renamed: dict[str, Trail] = {}
        for name, trail in self._frame.items():
            new = step.argument.get(name)
            words = (StepWords(f"rename {name}", f"it is called {new}"),) if new else ()
            renamed[new or name] = trail + words
        self._frame = renamed

    def _select(self, step: Step) -> None:
        self._frame = {name: self.of(name) for name in step.argument}

    def _cast(self, step: Step) -> None:
        for name, cast in step.argument["columns"].items():
            self._add(name, step_words.cast_words(name, cast))

    def _split(self, step: Step) -> None:
        trail = (*self.of(step.argument["column"]), *step_words.transform_words(step))
        self._frame |= dict.fromkeys(step.argument["into"], trail)

    def _explode(self, step: Step) -> None:
        name, position = step.argument["column"], step.argument["position"]
        trail = (*self.of(name), *step_words.transform_words(step))
        self._frame |= dict.fromkeys([name, position] if position else [name], trail)

    def _unpivot(self, step: Step) -> None:
        argument = step.argument
        trail = (*self._all_of(argument["columns"]), *step_words.transform_words(step))
        self._frame |= dict.fromkeys([argument["name"], argument["value"]], trail)

    def _python(self, step: Step) -> None:
        """Begin anew: the function has seen all columns, and what it did is in its own words."""
        trail = tuple(step_words.transform_words(step, self._code))
        if step_words.makes_a_series(step.argument, self._code):
            self._frame[step.argument] = trail
        else:
            self._frame = dict.fromkeys(self._frame, trail)
            self._unknown = trail

    def _join(self, lookup: Lookup, rows: int | None) -> None:
        words = step_words.lookup_words(lookup, rows)
        keys = self._all_of(lookup.on)
        for name in lookup.add:
            there = self._frame.get(name, ()) if lookup.conflict == "fill" else ()
            self._frame[name] = (*dict.fromkeys((*there, *keys)), words)


_UNKNOWN: Final = Field("", "")
_FOLLOWED: Final[dict[str, Callable[[_Trails, Step], None]]] = {
    "derive": _Trails._derive,
    "rename": _Trails._rename,
    "select": _Trails._select,
    "cast": _Trails._cast,
    "split": _Trails._split,
    "explode": _Trails._explode,
    "unpivot": _Trails._unpivot,
    "python": _Trails._python,
}
"""Steps that change values or names; a filter does neither."""
