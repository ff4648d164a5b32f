"""`pass_on`: what the stages between the ends have in common, on S3."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pipeline.accounting import RowCounts
from pipeline.errors import InvalidEventError
from pipeline.findings import Reject, Violation
from pipeline.frames import ArrowResult, StageResult
from pipeline.runtime import pass_on
from pipeline.stage_context import TOP_RULES, StageContext
from pipeline.staging import StagedReader, StagedWriter
from pipeline.storage import read_object
from tests.unit.pipeline.support import batch_with, plan_of, run_of

if TYPE_CHECKING:
    import pyarrow as pa


@pytest.fixture
def context(bucket: str, monkeypatch: pytest.MonkeyPatch) -> StageContext:
    """Second stage of a run whose first one staged the numbers 1 to 6 in two batches."""
    monkeypatch.setenv("OUTPUT_BUCKET", bucket)
    monkeypatch.setenv("STAGING_BUCKET", bucket)
    now = dt.datetime.now(dt.UTC)
    context = StageContext("enrich", run_of(), plan_of({"n": "integer"}), "arn", now)
    before = StageContext("transform", context.run, context.plan, "arn", now)
    with before.staged_output() as output:
        output.write(batch_with(n=[1, 2, 3]))
        output.write(batch_with(n=[4, 5, 6]))
    before.note_frame(output)
    return context


def core(batch: pa.RecordBatch) -> ArrowResult:
    """Keep the first row, reject the second, filter the third."""
    violation = Violation("n", "lookup", batch.column("n")[1].as_py(), "no such key")
    return StageResult(
        batch.slice(0, 1),
        [Reject(2, (violation,), {"n": 2})],
        RowCounts(filtered=1, dropped_by_lookup=1),
        {"airports": {"matched": 1, "unmatched": 2}},
    )


def test_every_batch_goes_through_the_core(context: StageContext, bucket: str) -> None:
    pass_on(context, core)

    run = context.run
    assert run.data is not None
    assert (run.data.bucket, run.data.key, run.data.rows) == (
        bucket,
        f"runs/{run.run_id}/enrich.arrows",
        2,
    )
    batches = StagedReader(bucket, run.data.key)
    assert [n for batch in batches for n in batch.column("n").to_pylist()] == [1, 4]
    assert run.data.bytes == batches.bytes_read == context.bytes_out
    assert context.bytes_in > 0


def test_counts_and_notes_are_added_up(context: StageContext) -> None:
    pass_on(context, core)

    assert (context.rows_in, context.rows_out) == (6, 2)
    assert context.counts == RowCounts(filtered=2, dropped_by_lookup=2) == context.run.rows
    assert context.run.lookups == {"airports": {"matched": 2, "unmatched": 4}}


def test_rejects_are_in_the_quarantine_and_the_summary(context: StageContext, bucket: str) -> None:
    pass_on(context, core)

    key = f"quarantine/things/{context.run.run_id}/enrich.jsonl"
    found = read_object(bucket, key)
    assert found is not None
    assert len(found[0].splitlines()) == 2
    assert context.run.rejects == {
        "top_rules": [{"stage": "enrich", "column": "n", "rule": "lookup", "rows": 2}],
        "quarantine": [f"s3://{bucket}/{key}"],
    }


def test_without_rejects_the_summary_stays_as_it_was(context: StageContext) -> None:
    pass_on(context, StageResult)

    assert context.run.rejects == {"top_rules": [], "quarantine": []}
    assert context.rows_out == 6


def test_the_summary_names_the_most_frequent_rules_only(context: StageContext) -> None:
    earlier = {"stage": "validate", "column": "z", "rule": "type", "rows": 1}
    context.run.rejects["top_rules"] = [earlier]
    with context.quarantine() as quarantine:
        quarantine.write([Reject(1, (Violation("n", "type", "", ""),), None)])
        quarantine.rules = Counter({("n", str(at)): at for at in range(1, 31)})
    context.note_quarantine(quarantine)

    rules = context.run.rejects["top_rules"]
    assert len(rules) == TOP_RULES
    assert rules[:2] == [
        earlier,
        {"stage": "enrich", "column": "n", "rule": "30", "rows": 30},
    ]


def test_an_error_leaves_neither_frame_nor_quarantine(context: StageContext, bucket: str) -> None:
    def failing(batch: pa.RecordBatch) -> ArrowResult:
        if batch.column("n")[0].as_py() == 4:
            raise ZeroDivisionError
        return core(batch)

    with pytest.raises(ZeroDivisionError):
        pass_on(context, failing)

    assert read_object(bucket, context.run.staging_key("enrich")) is None
    assert read_object(bucket, context.run.quarantine_key("enrich")) is None


def test_a_run_without_staged_data_is_named(context: StageContext) -> None:
    context.run.data = None

    with pytest.raises(InvalidEventError, match="no staged data"):
        pass_on(context, core)


def test_a_stage_writes_into_its_own_folders(context: StageContext, bucket: str) -> None:
    assert (context.output_bucket, context.staging_bucket) == (bucket, bucket)
    assert isinstance(context.staged_output(), StagedWriter)
