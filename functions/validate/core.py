"""Check a batch of raw rows against the contract: typed good rows, and the rest with reasons."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounting import RowCounts
from pipeline.arrow_types import logical_arrow_type
from pipeline.distinct import distinct
from pipeline.findings import Findings, MaskedRule
from pipeline.frames import ArrowResult, StageResult, stage_core
from pipeline.lexical import Parsed, nothing, parsed
from pipeline.plan import REFUSED, ROW_NUMBER, Column, Plan
from pipeline.rules import Reason, broken, json_ready
from pipeline.uniqueness import SeenKeys, repeated_keys

if TYPE_CHECKING:
    from collections.abc import Callable


class ValidateState:
    """Keys seen so far, one set for each uniqueness rule of the contract."""

    def __init__(self, plan: Plan) -> None:
        self.keys = [(Reason.PRIMARY_KEY, plan.key)] if plan.key else []
        self.keys += [(Reason.UNIQUE, names) for names in plan.unique]
        self.seen = [SeenKeys() for _ in self.keys]


@stage_core(state=ValidateState)
def validate(batch: pa.RecordBatch, plan: Plan, state: ValidateState) -> ArrowResult:
    """Return the rows that keep the contract, typed, and the others with all their violations.

    Parameters
    ----------
    batch
        Raw rows: text columns (or already typed ones, from JSON) and the row-number column. A
        column of the contract that is absent counts as missing values.
    plan
        The compiled dataset.
    state
        Carried from batch to batch, because uniqueness is a rule over the whole file.
    """
    findings = Findings()
    columns = _typed_columns(batch, plan, findings)
    _check_keys(columns, state, findings)
    good = pa.RecordBatch.from_arrays(
        [*columns.values(), batch.column(ROW_NUMBER)], [*columns, ROW_NUMBER]
    )
    bad = findings.bad()
    if bad is None:
        return StageResult(good, counts=RowCounts(read=batch.num_rows))
    rejects = findings.rejects(batch.column(ROW_NUMBER), _value_reader(batch), _raw_reader(batch))
    counts = RowCounts(read=batch.num_rows, rejected=len(rejects))
    return StageResult(good.filter(pc.invert(bad)), rejects, counts)


def settle(
    batch: pa.RecordBatch, plan: Plan, state: ValidateState, claiming: pa.Array
) -> pa.RecordBatch:
    """Let rows that kept the contract before claim their keys; return them typed.

    Whatever rules they break today, they are settled. A value that cannot be read in its type any
    more is null, and claims no key.

    Parameters
    ----------
    batch
        Raw rows, as `validate` takes them.
    claiming
        Mask of the rows that claim their keys.
    """
    findings = Findings()
    columns = _typed_columns(batch, plan, findings)
    for (_, names), seen in zip(state.keys, state.seen, strict=True):
        unreadable = findings.bad(partial(_is_unreadable, names))
        of_rows = claiming if unreadable is None else pc.and_not(claiming, unreadable)
        seen.first_occurrences([columns[name].filter(of_rows) for name in names])
    return pa.RecordBatch.from_arrays(
        [*columns.values(), batch.column(ROW_NUMBER)], [*columns, ROW_NUMBER]
    )


def _is_unreadable(names: tuple[str, ...], found: MaskedRule) -> bool:
    return found.rule == Reason.TYPE and found.columns[0] in names


def _typed_columns(batch: pa.RecordBatch, plan: Plan, findings: Findings) -> dict[str, pa.Array]:
    return {column.name: _checked(batch, column, plan, findings) for column in plan.columns}


def _checked(batch: pa.RecordBatch, column: Column, plan: Plan, findings: Findings) -> pa.Array:
    """Typed column, after its violations went to the findings."""
    parts = distinct(_raw_column(batch, column))
    typed, unreadable = _typed(parts.values, column, plan)
    refused = parts.mask(unreadable)
    if f"{REFUSED}{column.name}" in batch.schema.names:
        refused = pc.or_(refused, batch.column(f"{REFUSED}{column.name}"))
    if column.required:
        absent = pc.fill_null(parts.rows(pc.is_null(typed)), True)
        findings.add((column.name,), Reason.REQUIRED, None, pc.and_not(absent, refused))
    wanted = f"{column.type} in the form {column.format}" if column.format else column.type
    findings.add((column.name,), Reason.TYPE, wanted, refused)
    for rule in column.rules:
        mask = parts.mask(broken(rule.name, typed, rule.argument))
        findings.add((column.name,), rule.name, rule.argument, pc.and_not(mask, refused))
    return parts.encoded(typed) if column.type == "string" else parts.rows(typed)


def _raw_column(batch: pa.RecordBatch, column: Column) -> pa.Array:
    if column.name not in batch.schema.names:
        return pa.nulls(batch.num_rows, pa.string())
    return batch.column(column.name)


def _typed(values: pa.Array, column: Column, plan: Plan) -> Parsed:
    """Values in the contract's type; missing words become null, refused spellings are marked."""
    kind = logical_arrow_type(column.type, timezone=column.timezone)
    if values.type == kind and column.type != "string":
        return Parsed(values, nothing(values))
    text = values if pa.types.is_string(values.type) else values.cast(pa.string())
    missing = pc.is_in(text, pa.array(plan.source.missing_values, pa.string()))
    if pc.any(missing).as_py():
        text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    return parsed(text, column)


def _check_keys(columns: dict[str, pa.Array], state: ValidateState, findings: Findings) -> None:
    """Add key violations: among otherwise good rows, all but the first row of each key."""
    if not state.keys:
        return
    bad = findings.bad()
    good = None if bad is None else pc.invert(bad)
    keys = [
        [columns[name] if good is None else columns[name].filter(good) for name in names]
        for _, names in state.keys
    ]
    for (reason, names), repeated in zip(state.keys, repeated_keys(state.seen, keys), strict=True):
        mask = repeated if good is None else pc.replace_with_mask(pc.invert(good), good, repeated)
        mask = mask if good is None else pc.and_(mask, good)
        findings.add(names, reason, ", ".join(names), mask)


def _value_reader(batch: pa.RecordBatch) -> Callable[[str, int], Any]:
    """Give a row's cell as it was read, None where the file has no such column."""

    def value_of(column: str, row: int) -> Any:
        if column not in batch.schema.names:
            return None
        return json_ready(batch.column(column)[row].as_py())

    return value_of


def _raw_reader(batch: pa.RecordBatch) -> Callable[[int], Any]:
    """Give a row's cells as they were read, by column name."""
    cell = _value_reader(batch)
    ours = (ROW_NUMBER, REFUSED)
    names = [name for name in batch.schema.names if not name.startswith(ours)]
    return lambda row: {name: cell(name, row) for name in names}
