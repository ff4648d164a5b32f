"""Join the dataset's lookups onto a batch, and stamp its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounting import RowCounts
from pipeline.context_columns import RunFacts, constant_type, context_column, repeated
from pipeline.distinct import filled
from pipeline.errors import LookupMissError, LookupNotFoundError
from pipeline.findings import Findings
from pipeline.frames import ArrowResult, StageResult, stage_core, with_columns
from pipeline.lineage import PROCESSED, PROCESSED_DATE, STATUS
from pipeline.lookups import LookupTable, load_lookup
from pipeline.masking import shown
from pipeline.plan import ROW_NUMBER
from pipeline.profile_keys import MOST_KEYS, MissingKeys
from pipeline.rejected_rows import cells_of, rejected_rows
from pipeline.rules import Reason, json_ready

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.plan import Plan
    from pipeline.plan_steps import Lookup


_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MOMENT: Final = pa.timestamp("us", tz="UTC")
_NO_RUN: Final = RunFacts()
_NO_TABLES: Final[Mapping[str, pa.Table]] = MappingProxyType({})


class EnrichState:
    """The opened lookups, the moment that stamps the rows, and facts about the run.

    Parameters
    ----------
    plan
        The compiled dataset, whose folder has the compiled lookups.
    processed_at
        The execution's start; without (in tests, notebooks) the Unix epoch, so that results are
        repeatable.
    facts
        What context columns are made of.
    tables
        Tables of the lookups that lie in the bucket, by name: typed, each key in one row.
    """

    def __init__(
        self,
        plan: Plan,
        processed_at: datetime = _EPOCH,
        facts: RunFacts = _NO_RUN,
        tables: Mapping[str, pa.Table] = _NO_TABLES,
    ) -> None:
        self.tables = [_opened(lookup, plan, tables) for lookup in plan.enrich.lookups]
        kept = MOST_KEYS // max(1, len(self.tables))
        self.missing = {lookup.name: MissingKeys(kept) for lookup in plan.enrich.lookups}
        self._plan = plan
        self._processed_at = processed_at
        self._facts = facts
        self._longest: dict[str, pa.Array] = {}

    def single_values(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return the columns that are no lookup's, for the rows of a batch.

        Those of one value are made for the longest batch so far; shorter ones have a part of them.
        """
        if not self._longest or len(self._longest[STATUS]) < batch.num_rows:
            self._longest = _single_values(batch, self._plan, self._facts, self._processed_at)
        columns = {name: each.slice(0, batch.num_rows) for name, each in self._longest.items()}
        context = self._plan.enrich.context.items()
        return columns | {
            name: batch.column(ROW_NUMBER) for name, of in context if of == "row_number"
        }


def _opened(lookup: Lookup, plan: Plan, tables: Mapping[str, pa.Table]) -> LookupTable:
    if lookup.prefix is None:
        return load_lookup(lookup, plan.folder)
    if lookup.name not in tables:
        raise LookupNotFoundError(
            f"The lookup {lookup.name} lies in the input bucket, which is not at hand here.",
            remedy="Give its table: EnrichState(plan, tables={name: table}).",
            lookup=lookup.name,
        )
    return LookupTable(tables[lookup.name], lookup)


@stage_core(state=EnrichState)
def enrich(batch: pa.RecordBatch, plan: Plan, state: EnrichState) -> ArrowResult:
    """Return the batch with the lookups' columns, constants, facts, `processed_date` and `status`.

    Parameters
    ----------
    batch
        Transformed rows with the row-number column.
    plan
        The compiled dataset; `plan.enrich` lists the lookups in order, then the other columns.
    state
        The opened lookups, the moment of processing, and facts about the run.

    Raises
    ------
    LookupMissError
        If a key is in no row of a lookup that says `when_missing: fail`.
    """
    findings = Findings()
    notes: dict[str, dict[str, int]] = {}
    missed: dict[str, pa.Array] = {}
    joined = batch
    for lookup, table in zip(plan.enrich.lookups, state.tables, strict=True):
        keys = [joined.column(name) for name in lookup.on]
        rows = table.rows_of(keys)
        notes[lookup.name] = _matches(keys, rows)
        if notes[lookup.name]["unmatched"]:
            state.missing[lookup.name].add(keys, rows)
        if rows.null_count and lookup.when_missing != "keep":
            _miss(lookup, joined, rows, findings, plan)
            missed |= {name: joined.column(name) for name in lookup.on if name not in missed}
        joined = with_columns(joined, _added(lookup, table, rows, joined))
    stamped = with_columns(joined, state.single_values(batch))
    bad = findings.bad()
    if bad is None:
        return StageResult(stamped, notes=notes)
    rejects = rejected_rows(findings, batch.column(ROW_NUMBER), missed, cells_of(batch))
    counts = RowCounts(dropped_by_lookup=len(rejects))
    return StageResult(stamped.filter(pc.invert(bad)), rejects, counts, notes)


def _added(
    lookup: Lookup, table: LookupTable, rows: pa.Array, joined: pa.RecordBatch
) -> dict[str, pa.Array]:
    """The lookup's columns for the rows found; those that only fill have the others' values."""
    columns = table.columns(rows)
    if lookup.conflict != "fill":
        return columns
    there = set(joined.schema.names)
    return {
        name: filled(joined.column(name), values) if name in there else values
        for name, values in columns.items()
    }


def _single_values(
    batch: pa.RecordBatch, plan: Plan, facts: RunFacts, processed_at: datetime
) -> dict[str, pa.Array]:
    """Constants, facts and stamp for the rows of a batch."""
    rows = batch.num_rows
    constants = {
        name: repeated(value, constant_type(value), rows)
        for name, value in plan.enrich.constants.items()
    }
    context = {
        name: context_column(fact, facts, batch) for name, fact in plan.enrich.context.items()
    }
    stamp = {
        PROCESSED_DATE: repeated(processed_at, _MOMENT, rows),
        STATUS: repeated(PROCESSED, pa.string(), rows),
    }
    return constants | context | stamp


def _matches(keys: list[pa.Array], rows: pa.Array) -> dict[str, int]:
    """Rows with a match, rows whose key is in no row of the lookup, and rows without a key."""
    no_key = None
    for key in keys:
        null = pc.is_null(key)
        no_key = null if no_key is None else pc.or_(no_key, null)
    without = pc.sum(no_key).as_py() or 0
    matched = len(rows) - rows.null_count
    return {"matched": matched, "unmatched": rows.null_count - without, "missing_key": without}


def _miss(
    lookup: Lookup, batch: pa.RecordBatch, rows: pa.Array, findings: Findings, plan: Plan
) -> None:
    missed = pc.is_null(rows)
    names = tuple(lookup.on)
    if lookup.when_missing == "fail":
        first = pc.indices_nonzero(missed)[0].as_py()
        number = batch.column(ROW_NUMBER)[first].as_py()
        key = {
            name: shown(json_ready(batch.column(name)[first].as_py()), name, plan) for name in names
        }
        raise LookupMissError(
            f"Row {number:,} has the key {key}, which is in no row of the lookup {lookup.name}.",
            remedy="Complete the lookup and deploy, or let it keep or reject such rows "
            "(when_missing in pipeline.yaml).",
        )
    findings.add(names, Reason.LOOKUP, lookup.name, missed)
