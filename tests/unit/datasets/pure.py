"""A file through the five pure cores: no S3, no handlers, the same batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from functions.clean.core import CleanState, clean
from functions.enrich.core import EnrichState, enrich
from functions.transform.core import TransformState, transform
from functions.validate.core import ValidateState, validate
from functions.write.core import WriteState, partitions, write
from pipeline.accounting import RowCounts
from pipeline.formats.readers import read_chunks

if TYPE_CHECKING:
    from typing import BinaryIO

    from pipeline.findings import Reject
    from pipeline.plan import Plan

_STAGES = (
    (clean, CleanState),
    (transform, TransformState),
    (enrich, EnrichState),
    (write, WriteState),
)


@dataclass
class Processed:
    """What became of a file's rows."""

    rows: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    counts: RowCounts = field(default_factory=RowCounts)
    lookups: dict[str, dict[str, int]] = field(default_factory=dict)
    partitions: dict[str, int] = field(default_factory=dict)

    @property
    def table(self) -> pa.Table:
        """The rows written, text as plain text."""
        return pa.Table.from_batches(self.rows)


def processed(source: BinaryIO, plan: Plan) -> Processed:
    """Take a file through all stages."""
    result = Processed()
    validating = ValidateState(plan)
    stages = [(core, state(plan)) for core, state in _STAGES]
    for chunk in read_chunks(source, plan):
        found = validate.arrow(chunk.batch, plan, validating)
        result.rejects += [*chunk.malformed, *found.rejects]
        result.counts.read += chunk.rows
        result.counts.rejected += len(chunk.malformed) + len(found.rejects)
        _pass_on(found.frame, stages, plan, result)
    result.rejects.sort(key=lambda reject: reject.row_number)
    return result


def _pass_on(batch: pa.RecordBatch, stages: list[Any], plan: Plan, result: Processed) -> None:
    for core, state in stages:
        made = core.arrow(batch, plan, state)
        result.rejects += made.rejects
        result.counts.add(made.counts)
        for name, notes in made.notes.items():
            kept = result.lookups.setdefault(name, dict.fromkeys(notes, 0))
            result.lookups[name] = {note: kept[note] + rows for note, rows in notes.items()}
        batch = made.frame
    result.counts.written += batch.num_rows
    result.rows.append(_with_plain_text(batch))
    for path, rows in partitions(batch, plan):
        result.partitions[path] = result.partitions.get(path, 0) + rows.num_rows


def _with_plain_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Batches of one file may differ in how text is encoded; tables must not."""
    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
