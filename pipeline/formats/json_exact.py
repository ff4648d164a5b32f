"""The exact way through JSON rows: line by line, each value as the text it was written as."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.errors import ExtraColumnError
from pipeline.findings import Reject, Repair, Violation
from pipeline.formats import RawChunk
from pipeline.formats.json_paths import path_of, value_at
from pipeline.formats.json_values import (
    NAN,
    Number,
    column_text,
    json_text,
    misfits,
    parsed_json,
    plain_json,
    without_missing,
)
from pipeline.formats.limits import is_too_deep
from pipeline.plan import EXTRA, REFUSED, ROW_NUMBER
from pipeline.rules import Reason, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.formats.json_columns import JsonColumns
    from pipeline.plan_contract import Column, Limits

    Line = tuple[int, bytes]

_NO_OBJECT: Final = Violation(None, str(Reason.SYNTAX), None, spoken(Reason.SYNTAX, None))
_NAMES_SHOWN: Final = 5
MOST_BYTES: Final = 4 * 1024 * 1024
"""Text that is read exactly at a time: what its values take may be a hundred times as much."""


@dataclass
class _Taken:
    """What became of some lines: rows by their number, and the lines that rows begin in."""

    passed: int = 0
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    malformed: list[Reject] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)

    def add(self, row: dict[str, Any], line: int) -> int:
        """Keep a row; return its number."""
        self.passed += 1
        self.rows[self.passed] = row
        self.lines[self.passed] = line
        return self.passed

    def refuse(self, violation: Violation, text: bytes, line: int) -> None:
        """Keep a line that is no row."""
        self.passed += 1
        self.lines[self.passed] = line
        self.malformed.append(Reject(self.passed, (violation,), text.decode(), line))


def exact_portions(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """Yield lines in portions of at most `MOST_BYTES`, or one line."""
    first = size = 0
    for at, (_, text) in enumerate(lines):
        if size and size + len(text) > MOST_BYTES:
            yield lines[first:at]
            first, size = at, 0
        size += len(text)
    if lines:
        yield lines[first:]


def exact_chunk(lines: Sequence[Line], numbers: Sequence[int], columns: JsonColumns) -> RawChunk:
    """Return the rows of some lines, malformed ones as rejects.

    Parameters
    ----------
    lines
        Each with its number in the file.
    numbers
        Their row numbers. Where salvage makes several rows of a line, those after it have greater
        ones.

    Raises
    ------
    ExtraColumnError
        If a row has a name that the contract has not, where the dataset refuses such files.
    """
    taken = _Taken()
    for number, (line, text) in zip(numbers, lines, strict=True):
        taken.passed = max(taken.passed, number - 1)
        _take(text, line, taken, columns)
    if columns.plan.drift.extra_column == "reject-file":
        _check_names(taken, columns)
    arrays = {ROW_NUMBER: pa.array(list(taken.rows), pa.int64())}
    for column in columns.columns:
        arrays |= _column(column, taken, columns)
    if columns.plan.drift.extra_column == "keep":
        arrays |= _extra(taken, columns)
    return RawChunk(
        pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays)),
        taken.malformed,
        raw_of=lambda number: plain_json(taken.rows[number]),
        line_of=taken.lines.__getitem__,
        repairs=sorted(taken.repairs, key=lambda repair: repair.row_number),
    )


def _take(text: bytes, line: int, taken: _Taken, columns: JsonColumns) -> None:
    if is_too_deep(text, 1, columns.plan.limits):
        taken.refuse(too_deep(columns.plan.limits), text, line)
        return
    row = parsed_json(text)
    if isinstance(row, dict):
        taken.add(row, line)
    elif not (columns.plan.drift.salvage and _salvaged(text, line, taken, columns)):
        taken.refuse(_NO_OBJECT, text, line)


def _salvaged(text: bytes, line: int, taken: _Taken, columns: JsonColumns) -> bool:
    """Take a malformed line as the rows that it was meant to be; False if that is not certain."""
    from pipeline.formats.salvage_json import mended  # noqa: PLC0415 - for such lines alone

    found = mended(text, may_hold_several=columns.plan.source.format == "json")
    before = text.decode().strip()
    for one in found:
        number = taken.add(one.row, line)
        taken.repairs += [
            Repair(number, None, kind, before, one.text, message, line)
            for kind, message in one.repairs
        ]
    return bool(found)


def too_deep(limits: Limits) -> Violation:
    """Return what is wrong with a row of too many levels."""
    message = f"the line is nested deeper than {limits.max_nesting:,} levels (limits.maxNesting)"
    return Violation(None, str(Reason.SYNTAX), None, message)


def _column(column: Column, taken: _Taken, columns: JsonColumns) -> dict[str, pa.Array]:
    """The text of a column, and the mask of the values that it cannot hold, if there are any."""
    name = column.source_name
    if path_of(name) is None:
        values = [row.get(name) for row in taken.rows.values()]
    else:
        values = [value_at(row, name) for row in taken.rows.values()]
    if columns.missing[name]:
        values = [without_missing(value, columns.missing, name) for value in values]
    if columns.plan.drift.salvage and NAN in values:
        values = _without_nan(values, column, taken)
    found = {name: pa.array([column_text(value, column) for value in values], pa.string())}
    refused = [misfits(value, column) for value in values]
    if any(refused):
        found[f"{REFUSED}{name}"] = pa.array(refused, pa.bool_())
    return found


def _without_nan(values: list[Any], column: Column, taken: _Taken) -> list[Any]:
    """Values with none for the word NaN, which is no JSON; each is a repair."""
    numbers = list(taken.rows)
    words = [at for at, value in enumerate(values) if value == NAN and isinstance(value, Number)]
    message = "the word NaN, which JSON has not, is no value"
    taken.repairs += [
        Repair(numbers[at], column.name, "json_word", NAN, None, message, taken.lines[numbers[at]])
        for at in words
    ]
    return [None if at in set(words) else value for at, value in enumerate(values)]


def _extra(taken: _Taken, columns: JsonColumns) -> dict[str, pa.Array]:
    """What rows have at the top level that the contract has not, as JSON text."""
    extra = [
        {name: value for name, value in row.items() if name not in columns.known}
        for row in taken.rows.values()
    ]
    texts = [json_text(names) if names else None for names in extra]
    return {EXTRA: pa.array(texts, pa.string())} if any(extra) else {}


def _check_names(taken: _Taken, columns: JsonColumns) -> None:
    """Raise if a row has a name that belongs to no column of the contract."""
    for number, row in taken.rows.items():
        extra = [name for name in row if name not in columns.known]
        if extra:
            shown = ", ".join(map(repr, extra[:_NAMES_SHOWN]))
            raise ExtraColumnError(
                f"Row {number:,} (line {taken.lines[number]:,}) has names that the contract has "
                f"not: {shown}.",
                remedy="Add them to the contract, or let the dataset pass over or keep them "
                "(drift.extra_column in pipeline.yaml), and deploy; then replay the dead letter.",
            )
