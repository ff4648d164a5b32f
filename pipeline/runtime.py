"""What surrounds every stage's work: event in, run summary out, errors named, books checked.

`@stage_handler("clean")` turns a function of a `StageContext` into a Lambda handler. The function
reads, calls its core, writes; this module does what all five have in common.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.constants import (
    ENV_DATASETS_DIR,
    IGNORED,
    MAX_PAYLOAD_BYTES,
    STAGES,
)
from pipeline.errors import (
    PayloadTooLargeError,
    PipelineError,
    PlanChangedError,
    UnexpectedError,
)
from pipeline.guard import ResourceGuard, is_out_of_memory, memory_limit_error
from pipeline.masking import cause, told
from pipeline.plan import Plan, load_plan
from pipeline.process import seconds_since_start
from pipeline.replay import is_taken_over, replay_of_event, without_outdated_stages
from pipeline.run import Run, Source, new_run, run_from_json, source_of_event
from pipeline.stage_context import StageContext
from pipeline.start import settle_imports
from pipeline.telemetry import Telemetry

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

    from pipeline.frames import ArrowResult

_TRACE_FRAMES: Final = 30

StageBody = Callable[[StageContext], None]
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def stage_handler(stage: str) -> Callable[[StageBody], Handler]:
    """Return the decorator that makes a stage's Lambda handler.

    The handler takes `{"event", "execution", "run", "attempt"}` and returns the completed run
    summary. Whatever goes wrong leaves it as an exception of `pipeline/errors.py` whose message
    names the dataset and the file, bounded in length, and carries what is known of the run
    (ADR 0006).

    A module makes its handler last, when all is imported. How old the process is then, is what
    Lambda bills as INIT, but for what it does before it starts the process.
    """

    def decorate(body: StageBody) -> Handler:
        settle_imports()
        init_seconds = seconds_since_start()

        @wraps(body)
        def handler(event: dict[str, Any], lambda_context: object) -> dict[str, Any]:
            return _Invocation(stage, lambda_context, init_seconds).handled(body, event)

        return handler

    return decorate


class _Invocation:
    """One invocation: event in, run summary out, whatever goes wrong by its name."""

    def __init__(self, stage: str, lambda_context: object, init_seconds: float) -> None:
        self.stage = stage
        self.guard = ResourceGuard.of_function(lambda_context)
        self.where = ""
        self.context: StageContext | None = None
        self.telemetry = Telemetry(
            stage,
            init_seconds=init_seconds,
            request_id=getattr(lambda_context, "aws_request_id", ""),
        )
        self.logger = self.telemetry.logger

    def handled(self, body: StageBody, event: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._worked(body, event)
        except PipelineError as error:
            self._name_run()
            self.logger.exception("stage failed")
            raise self._told(self._named(error)) from error.__cause__
        except Exception as error:
            self._name_run()
            shown = self._logged(error)
            raise self._told(self._named(error)).with_traceback(_tail(error)) from shown

    def _worked(self, body: StageBody, event: dict[str, Any]) -> dict[str, Any]:
        self._name_execution(event)
        source = source_of_event(event.get("event", {}))
        self.where = f"s3://{source.bucket}/{source.key}"
        self.telemetry.about(key=source.key)
        if source.is_folder_marker:
            return self._ignored(source)
        plan = self._plan(source)
        self.context = context = _context(self.stage, event, source, plan, self.guard)
        context.record_so_far = partial(self.telemetry.record, context)
        self.where = f"Dataset {context.run.dataset}, file {self.where}"
        if source.version_id or self.stage != STAGES[0]:
            self._name_run()  # else it is not known before the object was opened
        if is_taken_over(context.run, self.stage):
            self.logger.info("stage taken over from the replayed execution")
            return context.run.to_json()
        self.logger.info("stage started")
        body(context)
        return self._concluded(context)

    def _name_execution(self, event: dict[str, Any]) -> None:
        """Put into the log what the state machine says, before anything can fail."""
        execution, run = _object(event.get("execution")), _object(event.get("run"))
        attempt = event.get("attempt")  # not there in executions of an older definition
        self.telemetry.tried_before(attempt if isinstance(attempt, int) else 0)
        self.telemetry.about(
            execution_arn=execution.get("arn"), run_id=run.get("run_id"), dataset=run.get("dataset")
        )

    def _name_run(self) -> None:
        """Put the run into the log: opening the object, or a merge, may have made it another."""
        if self.context is not None:
            self.telemetry.about(run_id=self.context.run.run_id)

    def _plan(self, source: Source) -> Plan:
        """The dataset's plan; from here on the metrics are counted under the dataset."""
        dataset = source.dataset
        self.telemetry.about(dataset=dataset)
        plan = load_plan(datasets_folder(), dataset)
        self.telemetry.dataset = dataset
        return plan

    def _ignored(self, source: Source) -> dict[str, Any]:
        """Run summary of an object that is no file, whatever dataset its key may name."""
        run = new_run(source, dataset="", plan_hash="")
        run.outcome = IGNORED
        self.telemetry.about(run_id=run.run_id)
        self.telemetry.run_ignored(run)
        return run.to_json()

    def _concluded(self, context: StageContext) -> dict[str, Any]:
        """Check the books, write them down, and return the run summary as JSON."""
        self._name_run()
        if context.resumed:
            self.logger.info("run taken up", extra={"rows": context.run.rows.to_json()})
            return _bounded(context)
        context.book()
        record = self.telemetry.record(context)
        context.run.stages.append(record)
        summary = _bounded(context)
        self.telemetry.stage_finished(context, record)
        return summary

    def _named(self, error: Exception) -> PipelineError:
        """The error as one of ours; that memory ran out in a step is not the step's fault."""
        for found in (error, error.__cause__):
            if found is not None and is_out_of_memory(found):
                return memory_limit_error(found, f"after {self._rows_in():,} rows")
        if isinstance(error, PipelineError):
            return error
        said = told(str(error), None, self.context.plan) if self.context else str(error)
        return UnexpectedError(f"{type(error).__name__}: {said}")

    def _logged(self, error: Exception) -> BaseException | None:
        """Log an exception; return it unless its text may quote values of masked columns."""
        shown = cause(error, None, self.context.plan) if self.context else error
        if shown is None:
            frames = traceback.format_tb(error.__traceback__)
            self.logger.error("stage failed", extra={"frames": frames})
        else:
            self.logger.exception("stage failed")
        return shown

    def _told(self, error: PipelineError) -> PipelineError:
        """The error with where it happened and what is known of the run; it is counted."""
        self.telemetry.failed(error)
        if self.context is not None:
            error.reporting(self.context.run.known_at_failure(self.context.rows_so_far))
        return error.located(self.where)

    def _rows_in(self) -> int:
        return self.context.rows_in if self.context else 0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tail(error: BaseException) -> TracebackType | None:
    """The innermost frames of a traceback: a deep recursion's would outgrow the answer."""
    frames = []
    frame = error.__traceback__
    while frame is not None:
        frames.append(frame)
        frame = frame.tb_next
    return frames[-min(_TRACE_FRAMES, len(frames))] if frames else None


def datasets_folder() -> Path:
    """Return the folder of the compiled datasets."""
    named = os.environ.get(ENV_DATASETS_DIR)
    return Path(named) if named else Path(__file__).parent.parent / "datasets"


def _context(
    stage: str, event: dict[str, Any], source: Source, plan: Plan, guard: ResourceGuard
) -> StageContext:
    if stage == STAGES[0]:
        run = new_run(source, dataset=source.dataset, plan_hash=plan.hash)
    else:
        run = run_from_json(event.get("run") or {})
        _check_same_plan(run, plan)
        run = without_outdated_stages(run, stage)
    execution = event.get("execution") or {}
    started = execution.get("started_at")
    return StageContext(
        stage=stage,
        run=run,
        plan=plan,
        execution_arn=execution.get("arn", ""),
        started_at=datetime.fromisoformat(started) if started else datetime.now(UTC),
        replay=replay_of_event(event.get("event", {})),
        guard=guard,
        event_bytes=_size(event.get("event")),
        event_time=str(event.get("event", {}).get("time", "")),
    )


def _check_same_plan(run: Run, plan: Plan) -> None:
    """Raise if a deployment has changed the dataset since the run's first stage."""
    if run.plan_hash != plan.hash:
        raise PlanChangedError(
            f"The dataset {run.dataset} was deployed anew while the run was under way (its plan "
            f"was {run.plan_hash}, it is {plan.hash} now).",
            remedy="Run the file again: it is then processed by the new plan from its first stage.",
        )


def _bounded(context: StageContext) -> dict[str, Any]:
    """Return the run summary, which shares the state with the event that began it."""
    document = context.run.to_json()
    size = _size(document) + context.event_bytes
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadTooLargeError(
            f"The run summary and the event have {size:,} bytes; the state machine is kept to "
            f"{MAX_PAYLOAD_BYTES:,}."
        )
    return document


def _size(document: Any) -> int:
    """Bytes of a document in the state."""
    return len(json.dumps(document, allow_nan=False).encode())


def pass_on(context: StageContext, core: Callable[[pa.RecordBatch], ArrowResult]) -> None:
    """Take every staged batch through a core: the whole work of the stages between the ends.

    The core has the columns that it opens (`pipeline/column_use.py`), the others go on beside it.
    """
    staged = context.staged_input()
    with (
        context.quarantine() as quarantine,
        context.repairs() as repairs,
        context.staged_output() as output,
    ):
        for batch in staged.batches():
            context.check_resources()
            result = core(batch.rows)
            context.rows_in += batch.rows.num_rows
            context.counts.add(result.counts)
            quarantine.write(result.rejects)
            repairs.write(result.repairs)
            _add_notes(context.run.lookups, result.notes)
            output.write(result.frame, batch.passing(result.frame))
    context.rows_out = output.rows
    context.bytes_in, context.bytes_out = staged.bytes_read, output.bytes_written
    context.book()
    context.note_quarantine(quarantine)
    context.note_repairs(repairs)
    context.note_frame(output)


def _add_notes(notes: dict[str, dict[str, int]], more: dict[str, dict[str, int]]) -> None:
    for name, counters in more.items():
        kept = notes.setdefault(name, {})
        for counter, value in counters.items():
            kept[counter] = kept.get(counter, 0) + value
