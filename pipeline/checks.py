"""Rules over the whole file: how often something is found in it, against a bound.

What is found is counted batch by batch, over all rows that could be taken apart; percentages are of
these rows. A percentage of no rows is 0.

===============  ================================================================================
nullValues       rows without a value in the column
missingValues    rows without a value, or whose text in the file is one of the words given
invalidValues    rows whose value is none of the valid ones, does not match the pattern, or is none
                 of the column's type
duplicateValues  rows that repeat the columns' values of an earlier row; the first does not count,
                 nor does a row without any value there
rowCount         rows
===============  ================================================================================
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.constants import CHECK_FAILED, CHECK_PASSED
from pipeline.rules import Reason, broken, spoken
from pipeline.uniqueness import SeenKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.plan import Plan
    from pipeline.plan_contract import Check
    from pipeline.typed_columns import TypedColumn

_BOUNDS: Final[dict[str, tuple[Callable[[Fraction, Any], bool], str]]] = {
    "mustBe": (lambda found, bound: found == bound, "must be {}"),
    "mustNotBe": (lambda found, bound: found != bound, "must not be {}"),
    "mustBeGreaterThan": (lambda found, bound: found > bound, "must be greater than {}"),
    "mustBeGreaterOrEqualTo": (lambda found, bound: found >= bound, "must be at least {}"),
    "mustBeLessThan": (lambda found, bound: found < bound, "must be less than {}"),
    "mustBeLessOrEqualTo": (lambda found, bound: found <= bound, "must be at most {}"),
    "mustBeBetween": (lambda found, bound: bound[0] <= found <= bound[1], "must be from {} to {}"),
    "mustNotBeBetween": (
        lambda found, bound: not bound[0] <= found <= bound[1],
        "must not be from {} to {}",
    ),
}
"""ODCS's operators; both ends of a range belong to it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a rule that is counted: `rows` broke it, or were found by a check.

    `expected` says the rule, or its bound, in words; `share` is `rows` over all rows of the file.
    """

    name: str
    rule: str
    columns: tuple[str, ...]
    severity: str
    rows: int
    share: float
    passed: bool
    expected: str

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the run summary and the report."""
        plain = {name: value for name, value in vars(self).items() if name != "passed"}
        outcome = CHECK_PASSED if self.passed else CHECK_FAILED
        return {**plain, "columns": list(self.columns), "outcome": outcome}


class Tally:
    """Counts what a check looks for, batch by batch."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._found = 0
        self._seen = SeenKeys()

    def add(self, columns: Mapping[str, TypedColumn], rows: int) -> None:
        """Count a batch's rows.

        Parameters
        ----------
        columns
            The batch's columns by their names.
        rows
            Rows of the batch.
        """
        if self.check.metric == "rowCount":
            self._found += rows
        elif rows:
            of = [columns[name] for name in self.check.columns]
            self._found += _METRICS[self.check.metric](self, of)

    def outcome(self, rows: int) -> Outcome:
        """Return whether the bound is kept, given the rows of the whole file."""
        check = self.check
        of_rows = Fraction(self._found, rows) if rows else Fraction(0)
        found = 100 * of_rows if check.unit == "percent" else Fraction(self._found)
        holds, wording = _BOUNDS[check.operator]
        bound = check.bound if isinstance(check.bound, (list, tuple)) else [check.bound]
        exact = [Fraction(str(limit)) for limit in bound]
        unit = " percent of the rows" if check.unit == "percent" else ""
        return Outcome(
            name=check.name,
            rule=check.metric,
            columns=check.columns,
            severity=check.severity,
            rows=self._found,
            share=float(of_rows),
            passed=holds(found, exact if len(exact) > 1 else exact[0]),
            expected=wording.format(*bound) + unit,
        )

    def nulls(self, columns: list[TypedColumn]) -> int:
        """Rows without a value in any of the columns."""
        return _rows(reduce(pc.or_, (column.absent for column in columns)))

    def missing(self, columns: list[TypedColumn]) -> int:
        """Rows without a value, or whose text is one of the words."""
        missing = (_is_missing(column, self.check.argument) for column in columns)
        return _rows(reduce(pc.or_, missing))

    def invalid(self, columns: list[TypedColumn]) -> int:
        """Rows whose value is none of the valid ones."""
        wanted = self.check.argument or {}
        return _rows(reduce(pc.or_, (_is_invalid(column, wanted) for column in columns)))

    def duplicates(self, columns: list[TypedColumn]) -> int:
        """Rows that have the values of an earlier row."""
        readable = pc.invert(reduce(pc.or_, (column.refused for column in columns)))
        filled = pc.invert(reduce(pc.and_, (column.absent for column in columns)))
        rows = pc.and_(readable, filled)
        first = self._seen.first_occurrences([column.rows.filter(rows) for column in columns])
        return len(first) - _rows(first)


_METRICS: Final = {
    "nullValues": Tally.nulls,
    "missingValues": Tally.missing,
    "invalidValues": Tally.invalid,
    "duplicateValues": Tally.duplicates,
}


class FileCounts:
    """What is counted over the rows of a file: its checks, and rules that reject no row."""

    def __init__(self, plan: Plan) -> None:
        self.rows = 0
        self._tallies = [Tally(check) for check in plan.checks]
        self._rules = {
            (column.name, at): rule
            for column in plan.columns
            for at, rule in enumerate(column.rules)
            if rule.severity != "error"
        }
        self._broken: Counter[tuple[str, int]] = Counter()

    def add(self, columns: Mapping[str, TypedColumn], rows: int) -> None:
        """Count a batch's rows for the checks."""
        self.rows += rows
        for tally in self._tallies:
            tally.add(columns, rows)

    def add_broken(self, column: str, at: int, mask: pa.Array) -> None:
        """Count the rows that break a rule that rejects none: a column's, by its position."""
        self._broken[column, at] += _rows(mask)

    def outcomes(self) -> list[Outcome]:
        """Return what became of checks and counted rules, given all rows so far."""
        of_rules = [
            Outcome(
                name="",
                rule=rule.name,
                columns=(place[0],),
                severity=rule.severity,
                rows=self._broken[place],
                share=self._broken[place] / self.rows if self.rows else 0.0,
                passed=not self._broken[place],
                expected=spoken(rule.name, rule.argument),
            )
            for place, rule in self._rules.items()
        ]
        return [tally.outcome(self.rows) for tally in self._tallies] + of_rules


def _rows(mask: pa.Array) -> int:
    return pc.sum(mask).as_py() or 0


def _is_missing(column: TypedColumn, words: list[str | None] | None) -> pa.Array:
    named = broken(Reason.MISSING_VALUES, column.parts.values, words or [])
    return pc.or_(column.absent, column.parts.mask(named))


def _is_invalid(column: TypedColumn, wanted: Mapping[str, Any]) -> pa.Array:
    """Whatever the rules say, a value that is none of the type is invalid."""
    masks = [column.parts.mask(broken(rule, column.typed, wanted[rule])) for rule in wanted]
    return reduce(pc.or_, masks, column.refused)
