"""What clean must know of the whole file before it can work on its rows.

A question is one such thing: a statistic, a dependency's majorities, the rows that `dedupe` keeps.
Questions that depend on each other's answers are asked one after the other, each in a pass over the
frame; all others in the same pass. Most datasets have no question, and their frame is read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from functions.clean.dependencies import DependencyRepair
from functions.clean.keepers import Keepers
from functions.clean.statistics import STATISTICS, Statistic
from pipeline.distinct import plain, value_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.plan_steps import Clean, Step


class StatisticQuestion:
    """A statistic of a column, as it is before one of its steps."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._statistic: Statistic | None = None
        self.answer: pa.Scalar | None = None

    def observe(self, column: pa.Array) -> None:
        """Take a batch's column into account."""
        if self._statistic is None:
            self._statistic = STATISTICS[self._name](value_type(column.type))
        self._statistic.observe(plain(column).drop_null())

    def settle(self) -> None:
        """Answer, after the last batch; None where there is no value."""
        self.answer = self._statistic.result() if self._statistic else None
        self._statistic = None


Question = StatisticQuestion | DependencyRepair | Keepers


class Survey:
    """A plan's questions, and the passes in which they are asked."""

    def __init__(self, clean: Clean) -> None:
        self.statistics = {
            (column, at): StatisticQuestion(step.argument["statistic"])
            for column, steps in clean.columns.items()
            for at, step in enumerate(steps)
            if step.fills_from == "statistic"
        }
        self.dependencies = [DependencyRepair(found) for found in clean.dependencies]
        ordered = clean.dedupe is not None and clean.dedupe.looks_ahead
        self.keepers = Keepers(clean.dedupe) if clean.dedupe and ordered else None
        self.passes = _passes(list(self._questions(clean)))
        self._asking: list[Question] = []
        self.done = not self.passes

    def asks(self, question: Question) -> bool:
        """Whether the pass at hand is to answer a question."""
        return any(question is asked for asked in self._asking)

    def begin(self, asking: list[Question]) -> None:
        """Begin a pass that answers some questions."""
        self._asking = asking

    def end(self) -> None:
        """Answer the questions of the pass; after the last one, work can begin."""
        for question in self._asking:
            question.settle()
        self.done = self._asking is self.passes[-1]
        self._asking = []

    def _questions(self, clean: Clean) -> Iterator[tuple[Question, set[str], set[str]]]:
        """Each question in the order of work, with the columns it looks at and those it changes."""
        for (column, _), statistic in self.statistics.items():
            yield statistic, {column, *_sources(column, clean)}, _filled_from(column, clean)
        for found, dependency in zip(clean.dependencies, self.dependencies, strict=True):
            yield dependency, {*found.columns, found.determines}, {found.determines}
        if self.keepers and clean.dedupe:
            order = {name.removeprefix("-") for name in clean.dedupe.order_by}
            yield self.keepers, {*clean.dedupe.by, *order}, set()


def _passes(questions: list[tuple[Question, set[str], set[str]]]) -> list[list[Question]]:
    """The questions by pass: each after those whose answers change what it looks at."""
    passes: list[list[Question]] = []
    settled: list[tuple[int, set[str]]] = []
    for question, looks_at, changes in questions:
        at = max((after + 1 for after, changed in settled if changed & looks_at), default=0)
        settled.append((at, changes))
        passes += [[] for _ in range(at + 1 - len(passes))]
        passes[at].append(question)
    return passes


def _sources(column: str, clean: Clean) -> set[str]:
    """Columns that a column is filled from, and those that these are."""
    found: set[str] = set()
    todo = [column]
    while todo:
        for source in fill_sources(clean.columns.get(todo.pop(), ())):
            if source not in found:
                found.add(source)
                todo.append(source)
    return found


def _filled_from(column: str, clean: Clean) -> set[str]:
    """The column itself, and those that are filled from it."""
    return {column} | {name for name in clean.columns if column in _sources(name, clean)}


def fill_sources(steps: tuple[Step, ...]) -> list[Any]:
    """Return the columns that a column's steps fill it from."""
    return [step.argument["column"] for step in steps if step.fills_from == "column"]
