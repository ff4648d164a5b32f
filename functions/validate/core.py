"""Check a batch of raw rows against the contract: typed good rows, and the rest with reasons."""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounting import RowCounts
from pipeline.checks import FileCounts
from pipeline.extra_columns import extra_columns
from pipeline.findings import Findings
from pipeline.frames import ArrowResult, StageResult, stage_core
from pipeline.plan import ROW_NUMBER, Plan
from pipeline.profile_columns import ColumnProfiles
from pipeline.rejected_rows import cells_of, rejected_rows
from pipeline.relationships import load_keys
from pipeline.rules import OF_RAW_VALUES, Reason, broken
from pipeline.typed_columns import TypedColumn, typed_column
from pipeline.uniqueness import SeenKeys, repeated_keys


class ValidateState:
    """What is remembered from batch to batch of a file, and the keys that it points to.

    `seen` is one set for each uniqueness rule of the contract, in the order of `keys`.
    """

    def __init__(self, plan: Plan) -> None:
        self.keys = [(Reason.PRIMARY_KEY, plan.key)] if plan.key else []
        self.keys += [(Reason.UNIQUE, names) for names in plan.unique]
        self.seen = [SeenKeys() for _ in self.keys]
        self.references = [(one, load_keys(one, plan.folder)) for one in plan.relationships]
        self.counts = FileCounts(plan)
        self.profile = ColumnProfiles()


@stage_core(state=ValidateState)
def validate(batch: pa.RecordBatch, plan: Plan, state: ValidateState) -> ArrowResult:
    """Return the rows that keep the contract, typed, and the others with all their violations.

    Parameters
    ----------
    batch
        Raw rows: text columns under the file's names (or already typed ones, from JSON) and the
        row-number column. A column of the contract that is absent counts as missing values.
    plan
        The compiled dataset.
    state
        Carried from batch to batch, because uniqueness is a rule over the whole file, and quality
        is counted in it.
    """
    findings = Findings()
    columns = _columns(batch, plan)
    for column in columns.values():
        _check_values(column, plan, state, findings)
    state.counts.add(columns, batch.num_rows)
    state.profile.add_typed(columns, batch.num_rows)
    good = _frame(batch, columns, plan)
    _check_relationships(good, state, findings)
    _check_keys(good, state, findings)
    bad = findings.bad()
    if bad is None:
        return StageResult(good, counts=RowCounts(read=batch.num_rows))
    rejects = rejected_rows(
        findings, batch.column(ROW_NUMBER), _as_read(batch, plan), cells_of(batch)
    )
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
    columns = _columns(batch, plan)
    settled = _frame(batch, columns, plan)
    for (_, names), seen in zip(state.keys, state.seen, strict=True):
        unreadable = reduce(pc.or_, (columns[name].refused for name in names))
        of_rows = pc.and_not(claiming, unreadable)
        seen.first_occurrences([settled.column(name).filter(of_rows) for name in names])
    return settled


def _columns(batch: pa.RecordBatch, plan: Plan) -> dict[str, TypedColumn]:
    return {column.name: typed_column(batch, column, plan) for column in plan.columns}


def _frame(batch: pa.RecordBatch, columns: dict[str, TypedColumn], plan: Plan) -> pa.RecordBatch:
    """All rows, typed, under the contract's names."""
    typed = {name: column.rows for name, column in columns.items()}
    typed |= {**extra_columns(batch, plan), ROW_NUMBER: batch.column(ROW_NUMBER)}
    return pa.RecordBatch.from_arrays(list(typed.values()), list(typed))


def _check_values(read: TypedColumn, plan: Plan, state: ValidateState, findings: Findings) -> None:
    """Add a column's violations; those of rules that reject no row are counted."""
    column = read.column
    if column.required:
        findings.add((column.name,), Reason.REQUIRED, None, read.absent)
    for wanted, mask in read.misfits:
        findings.add((column.name,), Reason.TYPE, wanted, mask)
    for at, rule in enumerate(column.rules):
        values = read.parts.values if rule.name in OF_RAW_VALUES else read.typed
        mask = read.mask(broken(rule.name, values, rule.argument))
        if rule.severity == "error":
            findings.add((column.name,), rule.name, rule.argument, mask)
        else:
            state.counts.add_broken(column.name, at, mask)


def _check_relationships(rows: pa.RecordBatch, state: ValidateState, findings: Findings) -> None:
    """Add the rows whose values are in no row of the lookup that they should be in."""
    for relationship, known in state.references:
        lacking = known.lacks([rows.column(name) for name in relationship.columns])
        target = f"{relationship.lookup} ({', '.join(relationship.to)})"
        findings.add(relationship.columns, Reason.RELATIONSHIP, target, lacking)


def _check_keys(rows: pa.RecordBatch, state: ValidateState, findings: Findings) -> None:
    """Add key violations: among otherwise good rows, all but the first row of each key."""
    if not state.keys:
        return
    bad = findings.bad()
    good = None if bad is None else pc.invert(bad)
    keys = [[rows.column(name) for name in names] for _, names in state.keys]
    masks = repeated_keys(state.seen, keys, good)
    for (reason, names), repeated in zip(state.keys, masks, strict=True):
        findings.add(names, reason, ", ".join(names), repeated)


def _as_read(batch: pa.RecordBatch, plan: Plan) -> dict[str, pa.Array]:
    """The contract's columns as they were read, without values where the file has none."""
    cells, none = cells_of(batch), pa.nulls(batch.num_rows)
    return {name: cells.get(source, none) for name, source in plan.source_names.items()}
