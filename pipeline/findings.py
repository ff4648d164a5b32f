"""Findings about rows: which row broke which rule with which value.

A finding is data, not an exception. Rules produce masks over a batch; `rejected_rows` turns them
into one `Reject` per bad row, with all that is wrong with it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Violation(NamedTuple):
    """One broken rule: `value` is the text as it was read, None for a missing one."""

    column: str | None
    rule: str
    value: Any
    message: str


@dataclass(frozen=True)
class Reject:
    """A row that goes to the quarantine: where it was, what is wrong, and what it held."""

    row_number: int
    violations: tuple[Violation, ...]
    raw: Any
    line: int | None = None
    """1-based line of the file where the row begins; None where it is not known."""

    def to_json(self) -> dict[str, Any]:
        """Return the quarantine record; the first violation also stands at the top level."""
        first = self.violations[0]
        return {
            "row_number": self.row_number,
            "line": self.line,
            "column": first.column,
            "rule": first.rule,
            "value": first.value,
            "message": first.message,
            "violations": [violation._asdict() for violation in self.violations],
            "raw": self.raw,
        }


@dataclass(frozen=True)
class Repair:
    """A value that the pipeline has replaced by itself: where, why, and what stood there before.

    `repair` names what did it (`dependency`, a kind of salvage); `column` is None where the whole
    row was put right, `before` and `after` are then its text.
    """

    row_number: int
    column: str | None
    repair: str
    before: Any
    after: Any
    message: str
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record that undoes the repair: all that is needed to put `before` back."""
        return vars(self).copy()


class MaskedRule(NamedTuple):
    """A rule's verdict over a batch: `mask` is True where the `columns` break it."""

    columns: tuple[str, ...]
    rule: str
    argument: Any
    mask: pa.Array


@dataclass
class Findings:
    """What one batch was found to break, before it is turned into rejects."""

    masked: list[MaskedRule] = field(default_factory=list)

    def add(self, columns: tuple[str, ...], rule: str, argument: Any, mask: pa.Array) -> None:
        """Keep a verdict, if any row is affected at all."""
        if mask.true_count:
            self.masked.append(MaskedRule(columns, rule, argument, mask))

    def bad(self, of: Callable[[MaskedRule], bool] = lambda _: True) -> pa.Array | None:
        """Mask of rows with at least one violation (of those asked for); None if there are none."""
        masks = [found.mask for found in self.masked if of(found)]
        return reduce(pc.or_, masks) if masks else None


def rule_counts(rejects: Iterable[Reject]) -> Counter[tuple[str | None, str]]:
    """Return how many rows break each (column, rule)."""
    return Counter(
        pair
        for reject in rejects
        for pair in {(violation.column, str(violation.rule)) for violation in reject.violations}
    )
