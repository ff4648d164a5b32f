"""Join the dataset's lookups onto a batch, and stamp its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounting import RowCounts
from pipeline.errors import LookupMissError
from pipeline.findings import Findings
from pipeline.frames import ArrowResult, StageResult, stage_core, with_columns
from pipeline.lineage import PROCESSED, PROCESSED_DATE, STATUS
from pipeline.lookups import load_lookup
from pipeline.plan import ROW_NUMBER
from pipeline.rules import Reason, json_ready

if TYPE_CHECKING:
    from pipeline.plan import Lookup, Plan


_EPOCH: Final = datetime.fromtimestamp(0, UTC)


class EnrichState:
    """The opened lookups, and the moment that stamps the rows: the execution's start.

    Without `processed_at` (in tests, notebooks) it is the Unix epoch, so results are repeatable.
    """

    def __init__(self, plan: Plan, processed_at: datetime = _EPOCH) -> None:
        self.tables = [load_lookup(lookup, plan.folder) for lookup in plan.enrich]
        self.processed_at = processed_at


@stage_core(state=EnrichState)
def enrich(batch: pa.RecordBatch, plan: Plan, state: EnrichState) -> ArrowResult:
    """Return the batch with the lookups' columns, `processed_date` and `status`.

    Parameters
    ----------
    batch
        Transformed rows with the row-number column.
    plan
        The compiled dataset; `plan.enrich` lists the lookups in order.
    state
        The opened lookups and the moment of processing.

    Raises
    ------
    LookupMissError
        If a key is in no row of a lookup that says `when_missing: fail`.
    """
    findings = Findings()
    notes: dict[str, dict[str, int]] = {}
    joined = batch
    for lookup, table in zip(plan.enrich, state.tables, strict=True):
        keys = [joined.column(name) for name in lookup.on]
        rows = table.rows_of(keys)
        notes[lookup.name] = _matches(keys, rows)
        if rows.null_count and lookup.when_missing != "keep":
            _miss(lookup, joined, rows, findings)
        joined = with_columns(joined, {name: table.column(name, rows) for name in lookup.add})
    stamped = _stamped(joined, state.processed_at)
    bad = findings.bad()
    if bad is None:
        return StageResult(stamped, notes=notes)
    rejects = findings.rejects(batch.column(ROW_NUMBER), *_readers(batch, joined))
    counts = RowCounts(dropped_by_lookup=len(rejects))
    return StageResult(stamped.filter(pc.invert(bad)), rejects, counts, notes)


def _matches(keys: list[pa.Array], rows: pa.Array) -> dict[str, int]:
    """Rows with a match, rows whose key is in no row of the lookup, and rows without a key."""
    no_key = None
    for key in keys:
        null = pc.is_null(key)
        no_key = null if no_key is None else pc.or_(no_key, null)
    without = pc.sum(no_key).as_py() or 0
    matched = len(rows) - rows.null_count
    return {"matched": matched, "unmatched": rows.null_count - without, "missing_key": without}


def _miss(lookup: Lookup, batch: pa.RecordBatch, rows: pa.Array, findings: Findings) -> None:
    missed = pc.is_null(rows)
    names = tuple(lookup.on)
    if lookup.when_missing == "fail":
        first = pc.indices_nonzero(missed)[0].as_py()
        number = batch.column(ROW_NUMBER)[first].as_py()
        key = {name: json_ready(batch.column(name)[first].as_py()) for name in names}
        raise LookupMissError(
            f"Row {number:,} has the key {key}, which is in no row of the lookup {lookup.name}.",
            remedy="Complete the lookup and deploy, or let it keep or reject such rows "
            "(when_missing in pipeline.yaml).",
        )
    findings.add(names, Reason.LOOKUP, lookup.name, missed)


def _stamped(batch: pa.RecordBatch, processed_at: datetime) -> pa.RecordBatch:
    moment = pa.scalar(processed_at, pa.timestamp("us", tz="UTC"))
    codes = pa.repeat(pa.scalar(0, pa.int32()), batch.num_rows)
    return with_columns(
        batch,
        {
            PROCESSED_DATE: pa.repeat(moment, batch.num_rows),
            STATUS: pa.DictionaryArray.from_arrays(codes, pa.array([PROCESSED])),
        },
    )


def _readers(batch: pa.RecordBatch, joined: pa.RecordBatch) -> tuple[Any, Any]:
    """Readers of a cell and of a row as they came into this stage (or, a key, from a lookup)."""

    def value_of(column: str, row: int) -> Any:
        holder = batch if column in batch.schema.names else joined
        return json_ready(holder.column(column)[row].as_py())

    names = [name for name in batch.schema.names if name != ROW_NUMBER]
    return value_of, lambda row: {name: value_of(name, row) for name in names}
