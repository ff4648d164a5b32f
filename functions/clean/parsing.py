"""The first part of cleaning: up to where a column's text becomes a number or a date.

Rows whose text is none are taken out before anything else looks at the file's rows, so that they
neither count in a statistic nor lend a value to a row after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from functions.clean.columns import cleaned_values, steps_of
from pipeline.distinct import distinct
from pipeline.findings import Findings
from pipeline.frames import with_columns
from pipeline.plan import ROW_NUMBER
from pipeline.rejected_rows import cells_of, rejected_rows
from pipeline.rules import Reason
from pipeline.text_parsing import PARSERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from pipeline.findings import Reject
    from pipeline.plan import Plan


def parsed_batch(batch: pa.RecordBatch, plan: Plan) -> tuple[pa.RecordBatch, Sequence[Reject]]:
    """Return the batch with text parsed where a step says so, and the rows that have other text."""
    findings = Findings()
    parsed = {
        name: _parsed(batch.column(name), name, plan, findings)
        for name, steps in plan.clean.columns.items()
        if any(step.name in PARSERS for step in steps)
    }
    if not parsed:
        return batch, []
    good = with_columns(batch, parsed)
    bad = findings.bad()
    if bad is None:
        return good, []
    cells = cells_of(batch)
    rejects = rejected_rows(findings, batch.column(ROW_NUMBER), cells, cells)
    return good.filter(pc.invert(bad)), rejects


def _parsed(column: pa.Array, name: str, plan: Plan, findings: Findings) -> pa.Array:
    """Column after its steps as far as the one that parses; findings about text that is none."""
    steps, _ = steps_of(name, plan)
    column = cleaned_values(column, name, steps[:-1], plan)
    parts = distinct(column)
    step = PARSERS[steps[-1].name]
    found = step.apply(parts.values, steps[-1].argument)
    wanted = step.wanted(steps[-1].argument)
    findings.add((name,), Reason.TYPE, wanted, parts.mask(found.refused))
    return parts.rows(found.values)
