"""Rejected rows of a batch, by column.

A file may have as many bad rows as good ones. What is wrong with them, and what they held, stays
in Arrow arrays until somebody looks at a row (`Reject`) or all are written down (`record_text`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import int64_array, mask_of, memory_of, text_array
from pipeline.findings import Reject, Violation
from pipeline.plan import REFUSED, REPLAYED, ROW_NUMBER
from pipeline.rules import json_ready, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from pipeline.findings import Findings

_OWN: Final = (ROW_NUMBER, REPLAYED, REFUSED)
Values: TypeAlias = "pa.Array | list[Any]"
"""Values of a column: in Arrow's types, or as JSON has them."""


class BrokenRule(NamedTuple):
    """A rule, the rejected rows that break it, and their values of its columns.

    `rows` are positions among the rejected rows, ascending; `values` has one array per column,
    with one value per row.
    """

    columns: tuple[str, ...]
    rule: str
    message: str
    rows: npt.NDArray[np.int64]
    values: tuple[Values, ...]

    @property
    def column(self) -> str:
        """The column as records name it; several with commas between them."""
        return ", ".join(self.columns)

    def violations(self) -> list[Violation]:
        """Return one violation per row."""
        by_column = [_json_values(column) for column in self.values]
        lone = by_column[0] if len(by_column) == 1 else map(list, zip(*by_column, strict=True))
        return [Violation(self.column, self.rule, value, self.message) for value in lone]


@dataclass(frozen=True, eq=False)
class RejectedRows(Sequence[Reject]):
    """Rejected rows in their order.

    `numbers` are their row numbers (int64), `lines` the 1-based lines that they begin in (None:
    not known), `raw` their cells by column, or each as a JSON object. Every row breaks one rule at
    least.
    """

    numbers: pa.Array
    broken: tuple[BrokenRule, ...]
    raw: Mapping[str, pa.Array] | list[dict[str, Any]]
    lines: pa.Array | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, at: int) -> Reject: ...
    @overload
    def __getitem__(self, at: slice) -> list[Reject]: ...
    def __getitem__(self, at: int | slice) -> Reject | list[Reject]:
        return self._rejects[at]

    @cached_property
    def _rejects(self) -> list[Reject]:
        numbers = self.numbers.to_pylist()
        lines = [None] * len(self) if self.lines is None else self.lines.to_pylist()
        violations: list[list[Violation]] = [[] for _ in numbers]
        for broken in self.broken:
            for row, violation in zip(broken.rows.tolist(), broken.violations(), strict=True):
                violations[row].append(violation)
        return [
            Reject(number, tuple(found), raw, line)
            for number, found, raw, line in zip(
                numbers, violations, self._raw_rows(), lines, strict=True
            )
        ]

    def _raw_rows(self) -> list[dict[str, Any]]:
        if isinstance(self.raw, list):
            return self.raw
        cells = {name: _json_values(column) for name, column in self.raw.items()}
        return [{name: cells[name][at] for name in cells} for at in range(len(self))]

    def rule_counts(self) -> Counter[tuple[str | None, str]]:
        """Return how many rows break each (column, rule), in the order of their first rows."""
        rows: dict[tuple[str | None, str], npt.NDArray[np.int64]] = {}
        for broken in sorted(self.broken, key=lambda one: int(one.rows[0])):
            pair = broken.column, broken.rule
            rows[pair] = np.union1d(rows[pair], broken.rows) if pair in rows else broken.rows
        return Counter({pair: len(found) for pair, found in rows.items()})

    def with_lines(self, line_of: Callable[[int], int]) -> RejectedRows:
        """Return the rows with their lines, given what tells the line of a row by its number."""
        numbers = memory_of(self.numbers, np.int64).tolist()
        lines = np.fromiter(map(line_of, numbers), np.int64, len(numbers))
        return replace(self, lines=int64_array(lines))

    def with_raw(
        self, raw_of: Callable[[int], dict[str, Any]], sources: Mapping[str, str]
    ) -> RejectedRows:
        """Return the rows, and the values complained of, as the file has them.

        Parameters
        ----------
        raw_of
            Gives a row by its number.
        sources
            The file's name of each column.
        """
        raw = [raw_of(number) for number in memory_of(self.numbers, np.int64).tolist()]
        broken = (found._replace(values=_as_written(found, raw, sources)) for found in self.broken)
        return replace(self, broken=tuple(broken), raw=raw)

    def with_masked(self, is_masked: Callable[[str], bool], mask: str) -> RejectedRows:
        """Return the rows with a mask for all values of some columns; no value stays none."""

        def shown(found: BrokenRule) -> BrokenRule:
            masked = _masked_items if len(found.columns) == 1 else _masked
            values = (
                masked(values, mask) if is_masked(name) else values
                for name, values in zip(found.columns, found.values, strict=True)
            )
            return found._replace(values=tuple(values))

        broken = tuple(map(shown, self.broken))
        if isinstance(self.raw, list):
            hidden = {name for name in set(chain.from_iterable(self.raw)) if is_masked(name)}
            rows = [row | _hidden(row, hidden, mask) for row in self.raw]
            return replace(self, broken=broken, raw=rows)
        cells = {
            name: _masked(values, mask) if is_masked(name) else values
            for name, values in self.raw.items()
        }
        return replace(self, broken=broken, raw=cells)


def rejected_rows(
    findings: Findings,
    numbers: pa.Array,
    values: Mapping[str, pa.Array],
    raw: Mapping[str, pa.Array],
) -> RejectedRows:
    """Return the rows of a batch that break a rule, in their order.

    Parameters
    ----------
    numbers
        Row numbers of the batch (int64).
    values
        Columns that the rules are about, as violations show them.
    raw
        Columns as rejects show them.
    """
    rows = np.flatnonzero(mask_of(findings.bad()))  # faster than Arrow's own, and in less memory
    bad = int64_array(rows)
    broken = []
    for columns, rule, argument, mask in findings.masked:
        its = np.flatnonzero(mask_of(mask))
        found = tuple(values[name].take(int64_array(its)) for name in columns)
        at = np.searchsorted(rows, its)
        broken.append(BrokenRule(columns, str(rule), spoken(rule, argument), at, found))
    cells = {name: column.take(bad) for name, column in raw.items()}
    return RejectedRows(numbers.take(bad), tuple(broken), cells)


def cells_of(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """Return a batch's columns by name, without the pipeline's own."""
    columns = zip(batch.schema.names, batch.columns, strict=True)
    return {name: column for name, column in columns if not name.startswith(_OWN)}


def in_order(rejects: Sequence[RejectedRows]) -> Sequence[Reject]:
    """Return the rejects of several steps by row number."""
    if len(rejects) == 1 and (np.diff(memory_of(rejects[0].numbers, np.int64)) >= 0).all():
        return rejects[0]
    return sorted(chain.from_iterable(rejects), key=lambda reject: reject.row_number)


def _as_written(
    found: BrokenRule, raw: list[dict[str, Any]], sources: Mapping[str, str]
) -> tuple[Values, ...]:
    """A rule's values as the file's rows have them; a path into a row is no name in it.

    Values of a key are plain ones.
    """
    kept = (list, dict) if len(found.columns) > 1 else ()
    columns = []
    for column, values in zip(found.columns, found.values, strict=True):
        cells = zip(found.rows.tolist(), _json_values(values), strict=True)
        pairs = [(raw[row].get(sources.get(column), read), read) for row, read in cells]
        columns.append([read if isinstance(own, kept) else own for own, read in pairs])
    return tuple(columns)


def _json_values(values: Values) -> list[Any]:
    if isinstance(values, list):
        return values
    return [json_ready(value) for value in values.to_pylist()]


def _masked(values: Values, mask: str) -> Values:
    """The mask for each value; what JSON has as null (NaN, too) stays without one."""
    if isinstance(values, list):
        return [None if value is None else mask for value in values]
    real = pa.types.is_floating(values.type)
    there = pc.fill_null(pc.is_finite(values), False) if real else pc.is_valid(values)
    return pc.if_else(there, text_array([mask]).cast(pa.string())[0], pa.nulls(1, pa.string())[0])


def _masked_items(values: Values, mask: str) -> Values:
    """The mask for each value, for each item of what is an array in JSON."""
    masked = _masked(values, mask)
    if not isinstance(values, list):
        return masked
    pairs = zip(values, masked, strict=True)
    return [_masked(value, mask) if isinstance(value, list) else whole for value, whole in pairs]


def _hidden(row: dict[str, Any], names: set[str], mask: str) -> dict[str, str]:
    """What stands in place of the cells of a row that have these names."""
    return {name: mask for name in names & row.keys() if row[name] is not None}
