"""What surrounds every stage's work: event in, run summary out, errors named, books checked.

`@stage_handler("clean")` turns a function of a `StageContext` into a Lambda handler. The function
reads, calls its core, writes; this module does what all five have in common.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.accounting import RowCounts, check_stage_books
from pipeline.constants import (
    ENV_DATASETS_DIR,
    ENV_OUTPUT_BUCKET,
    ENV_STAGING_BUCKET,
    IGNORED,
    MAX_PAYLOAD_BYTES,
    STAGES,
)
from pipeline.errors import (
    InvalidEventError,
    PayloadTooLargeError,
    PipelineError,
    PlanChangedError,
    UnexpectedError,
)
from pipeline.observability import emit_stage_metrics, peak_memory_mb, stage_logger
from pipeline.plan import Plan, load_plan
from pipeline.run import Run, Source, Staged, StageRecord, new_run, run_from_json, source_of_event
from pipeline.staging import QuarantineWriter, StagedReader, StagedWriter

if TYPE_CHECKING:
    import pyarrow as pa
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from pipeline.frames import ArrowResult

TOP_RULES = 20
_warm: set[str] = set()


@dataclass
class StageContext:
    """A stage's view of the run at hand.

    `counts` are the rows this stage took out, `rows_in` and `rows_out` its own; the handler fills
    them, the wrapper checks that they balance and adds them to the run's.
    """

    stage: str
    run: Run
    plan: Plan
    execution_arn: str
    started_at: datetime
    counts: RowCounts = field(default_factory=RowCounts)
    rows_in: int = 0
    rows_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    @property
    def output_bucket(self) -> str:
        """Bucket of processed files, manifests, reports and the quarantine."""
        return os.environ[ENV_OUTPUT_BUCKET]

    @property
    def staging_bucket(self) -> str:
        """Bucket of the frames between the stages."""
        return os.environ[ENV_STAGING_BUCKET]

    def staged_input(self) -> StagedReader:
        """Return the batches that the stage before has left."""
        if self.run.data is None:
            raise InvalidEventError("The run summary names no staged data.")
        return StagedReader(self.run.data.bucket, self.run.data.key)

    def staged_output(self) -> StagedWriter:
        """Return the writer of this stage's batches."""
        return StagedWriter(self.staging_bucket, self.run.staging_key(self.stage))

    def quarantine(self) -> QuarantineWriter:
        """Return the writer of this stage's rejected rows."""
        return QuarantineWriter(self.output_bucket, self.run.quarantine_key(self.stage))

    def note_quarantine(self, quarantine: QuarantineWriter) -> None:
        """Enter a finished quarantine into the run summary."""
        stored = quarantine.finish()
        if stored is None:
            return
        rules = [
            {"column": column, "rule": rule, "rows": rows}
            for (column, rule), rows in quarantine.rules.most_common(TOP_RULES)
        ]
        self.run.rejects["top_rules"] = [*self.run.rejects["top_rules"], *rules][:TOP_RULES]
        self.run.rejects["quarantine"] = [*self.run.rejects["quarantine"], stored.address]

    def note_frame(self, writer: StagedWriter) -> None:
        """Point the run summary at this stage's frame."""
        key = self.run.staging_key(self.stage)
        self.run.data = Staged(self.staging_bucket, key, writer.rows, writer.bytes_written)


StageBody = Callable[[StageContext], None]
Handler = Callable[[dict[str, Any], "LambdaContext"], dict[str, Any]]


def stage_handler(stage: str) -> Callable[[StageBody], Handler]:
    """Return the decorator that makes a stage's Lambda handler.

    The handler takes `{"event", "execution", "run"}` and returns the completed run summary.
    Whatever goes wrong leaves it as an exception of `pipeline/errors.py` whose message names the
    dataset and the file, bounded in length.
    """

    def decorate(body: StageBody) -> Handler:
        @wraps(body)
        def handler(event: dict[str, Any], _lambda_context: LambdaContext) -> dict[str, Any]:
            return _handled(stage, body, event)

        return handler

    return decorate


def _handled(stage: str, body: StageBody, event: dict[str, Any]) -> dict[str, Any]:
    """One invocation: event in, run summary out, whatever goes wrong by its name."""
    begun = time.perf_counter()
    logger = stage_logger(stage)
    logger.clear_state()  # a warm process would otherwise name the run before this one
    where = ""
    try:
        source = source_of_event(event.get("event", {}))
        where = f"s3://{source.bucket}/{source.key}"
        if source.is_folder_marker:
            return _ignored(source)
        context = _context(stage, event, source)
        where = f"Dataset {context.run.dataset}, file {where}"
        _bind_logger(context)
        logger.info("stage started")
        body(context)
        return _concluded(context, time.perf_counter() - begun)
    except (PipelineError, MemoryError) as error:
        logger.exception("stage failed")
        raise _located(error, where) from error.__cause__
    except Exception as error:
        logger.exception("stage failed")
        reason = f"{type(error).__name__}: {error}"
        raise UnexpectedError(reason).located(where) from error


def _located(error: PipelineError | MemoryError, where: str) -> BaseException:
    return error.located(where) if isinstance(error, PipelineError) else error


def datasets_folder() -> Path:
    """Return the folder of the compiled datasets."""
    named = os.environ.get(ENV_DATASETS_DIR)
    return Path(named) if named else Path(__file__).parent.parent / "datasets"


def _context(stage: str, event: dict[str, Any], source: Source) -> StageContext:
    plan = load_plan(datasets_folder(), source.dataset)
    if stage == STAGES[0]:
        run = new_run(source, dataset=source.dataset, plan_hash=plan.hash)
    else:
        run = run_from_json(event.get("run") or {})
        _check_same_plan(run, plan)
    execution = event.get("execution") or {}
    started = execution.get("started_at")
    return StageContext(
        stage=stage,
        run=run,
        plan=plan,
        execution_arn=execution.get("arn", ""),
        started_at=datetime.fromisoformat(started) if started else datetime.now(UTC),
    )


def _check_same_plan(run: Run, plan: Plan) -> None:
    """Raise if a deployment has changed the dataset since the run's first stage."""
    if run.plan_hash != plan.hash:
        raise PlanChangedError(
            f"The dataset {run.dataset} was deployed anew while the run was under way (its plan "
            f"was {run.plan_hash}, it is {plan.hash} now).",
            remedy="Run the file again: it is then processed by the new plan from its first stage.",
        )


def _ignored(source: Source) -> dict[str, Any]:
    """Run summary of an object that is no file, whatever dataset its key may name."""
    run = new_run(source, dataset="", plan_hash="")
    run.outcome = IGNORED
    return run.to_json()


def _bind_logger(context: StageContext) -> None:
    stage_logger(context.stage).append_keys(
        run_id=context.run.run_id,
        dataset=context.run.dataset,
        stage=context.stage,
        key=context.run.source.key,
        execution_arn=context.execution_arn,
    )


def _concluded(context: StageContext, seconds: float) -> dict[str, Any]:
    """Check the books, write them down, and return the run summary as JSON."""
    run = context.run
    check_stage_books(
        context.stage, rows_in=context.rows_in, rows_out=context.rows_out, counts=context.counts
    )
    record = StageRecord(
        stage=context.stage,
        rows_in=context.rows_in,
        rows_out=context.rows_out,
        seconds=round(seconds, 3),
        bytes_in=context.bytes_in,
        bytes_out=context.bytes_out,
        peak_memory_mb=peak_memory_mb(),
        cold_start=context.stage not in _warm,
    )
    _warm.add(context.stage)
    run.stages.append(record)
    emit_stage_metrics(record, context.counts, dataset=run.dataset, outcome=run.outcome)
    stage_logger(context.stage).info("stage finished", extra={"rows": run.rows.to_json()})
    return _bounded(run.to_json())


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(document, allow_nan=False).encode())
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(
            f"The run summary has {size:,} bytes; the state machine is kept to "
            f"{MAX_PAYLOAD_BYTES:,}."
        )
    return document


def pass_on(context: StageContext, core: Callable[[pa.RecordBatch], ArrowResult]) -> None:
    """Take every staged batch through a core: the whole work of the stages between the ends."""
    staged = context.staged_input()
    with context.quarantine() as quarantine, context.staged_output() as output:
        for batch in staged:
            result = core(batch)
            context.rows_in += batch.num_rows
            context.counts.add(result.counts)
            quarantine.write(result.rejects)
            _add_notes(context.run.lookups, result.notes)
            output.write(result.frame)
    context.rows_out = output.rows
    context.bytes_in, context.bytes_out = staged.bytes_read, output.bytes_written
    context.run.rows.add(context.counts)
    context.note_quarantine(quarantine)
    context.note_frame(output)


def _add_notes(notes: dict[str, dict[str, int]], more: dict[str, dict[str, int]]) -> None:
    for name, counters in more.items():
        kept = notes.setdefault(name, {})
        for counter, value in counters.items():
            kept[counter] = kept.get(counter, 0) + value
