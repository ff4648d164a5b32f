"""What one invocation of a stage tells of itself: log lines, metrics, and the record of its work.

Every line says whose it is: run, dataset, stage, key, execution and attempt. The metrics and their
dimensions stand in `pipeline/metrics.py`.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import metrics as names
from pipeline.constants import DEFAULT_STACK_NAME, ENV_METRICS_DETAIL, ENV_STACK_NAME
from pipeline.guard import function_memory_mb
from pipeline.observability import print_figures, print_metrics, stage_logger
from pipeline.process import peak_memory_mb
from pipeline.replay import Replay, code_hash
from pipeline.request_count import forget_requests, requests_sent
from pipeline.run import StageRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.errors import PipelineError
    from pipeline.metrics import MetricName
    from pipeline.run import Run
    from pipeline.stage_context import StageContext

Figures = dict["MetricName", float]

_warm: set[str] = set()


class Telemetry:
    """Log, metrics and record of one invocation, from its beginning.

    Parameters
    ----------
    init_seconds
        What a cold start took before the first invocation; it is that one's.
    request_id
        Lambda's id of the invocation, empty where there is none.

    Attributes
    ----------
    dataset
        The dataset that the metrics are counted under; None until its plan was found, for a key
        may name whatever it likes, and each name would be a metric that costs something.
    """

    def __init__(self, stage: str, *, init_seconds: float = 0.0, request_id: str = "") -> None:
        self.stage = stage
        self.dataset: str | None = None
        self.attempt = 0
        self._begun = time.perf_counter()
        self._cold_start = stage not in _warm
        self._init_seconds = init_seconds if self._cold_start else 0.0
        _warm.add(stage)
        forget_requests()
        self._keys: dict[str, Any] = {}
        self.logger = stage_logger(stage)
        self.logger.clear_state()  # a warm process would otherwise name the run before this one
        self.about(stage=stage, cold_start=self._cold_start, function_request_id=request_id)

    def about(self, **keys: Any) -> None:
        """Put what is known into every line from now on; what is empty is left out."""
        known = {name: value for name, value in keys.items() if value not in ("", None)}
        self._keys |= known
        self.logger.append_keys(**known)

    def tried_before(self, attempts: int) -> None:
        """Note how many attempts of this state came before this one."""
        self.attempt = attempts
        self.about(attempt=attempts)

    def record(self, context: StageContext) -> StageRecord:
        """Return the record of the stage's finished work."""
        return StageRecord(
            stage=self.stage,
            rows_in=context.rows_in,
            rows_out=context.rows_out,
            counts=context.counts.to_json(),
            seconds=round(time.perf_counter() - self._begun, 3),
            bytes_in=context.bytes_in,
            bytes_out=context.bytes_out,
            peak_memory_mb=peak_memory_mb(),
            cold_start=self._cold_start,
            etag=context.frame_etag,
            code=code_hash(),
            memory_mb=function_memory_mb() or 0,
            init_seconds=round(self._init_seconds, 3),
            retries=self.attempt,
            requests=requests_sent(),
        )

    def stage_finished(self, context: StageContext, record: StageRecord) -> None:
        """Tell the figures of a stage that has done its work, and of the run if it ends here."""
        with self._never_stopping():
            self._tell(names.BY_STAGE, _stage_figures(context, record) | self._start_figures())
            self._tell_of_function(record.peak_memory_mb)
            if outcome := context.run.outcome:
                self._tell(names.BY_RUN, _run_figures(outcome) | _commit_figures(context))
        self.logger.info("stage finished", extra={"rows": context.run.rows.to_json()})

    def run_ignored(self, run: Run) -> None:
        """Tell that a run ended before it had a dataset."""
        with self._never_stopping():
            self._tell(names.BY_RUN, _run_figures(str(run.outcome)))
        self.logger.info("object is no file")

    def failed(self, error: PipelineError) -> None:
        """Tell that the invocation failed."""
        named = {"error": type(error).__name__, "status_code": error.status_code}
        figures = {names.STAGE_ERRORS: 1} | self._start_figures()
        dataset = self.dataset or names.UNKNOWN_DATASET
        with self._never_stopping():
            self._tell(names.BY_STAGE, figures, dataset=dataset, **named)
            self._tell_of_function(peak_memory_mb())

    def _start_figures(self) -> Figures:
        return {
            names.COLD_STARTS: int(self._cold_start),
            names.RETRIES: int(self.attempt > 0),
        }

    def _tell_of_function(self, peak_mb: int) -> None:
        figures = self._start_figures()
        if size := function_memory_mb():
            figures[names.MEMORY_UTILIZATION] = round(100 * peak_mb / size, 1)
        self._tell(names.BY_FUNCTION, figures)

    def _tell(
        self,
        sets: tuple[tuple[str, ...], ...],
        figures: Figures,
        dataset: str | None = None,
        **properties: Any,
    ) -> None:
        dimensions = {
            names.STACK: stack_name(),
            names.STAGE: self.stage,
        }
        if dataset := dataset or self.dataset:
            dimensions[names.DATASET] = dataset
        wanted = [each for each in sets if _detail().has(each)]
        if wanted:
            print_metrics(figures, wanted, dimensions, self._keys | properties)
        else:
            print_figures(figures, dimensions, self._keys | properties)

    @contextmanager
    def _never_stopping(self) -> Iterator[None]:
        """Log what goes wrong in telling: no run fails for a figure that nobody gets."""
        try:
            yield
        except Exception:
            self.logger.warning("metrics not told", exc_info=True)


def stack_name() -> str:
    """Return the name of the stack that the function belongs to."""
    return os.environ.get(ENV_STACK_NAME) or DEFAULT_STACK_NAME


def _detail() -> names.MetricsDetail:
    return names.MetricsDetail(os.environ.get(ENV_METRICS_DETAIL) or names.MetricsDetail.STAGES)


def _stage_figures(context: StageContext, record: StageRecord) -> Figures:
    counts = context.counts
    return {
        names.ROWS_IN: record.rows_in,
        names.ROWS_OUT: record.rows_out,
        names.ROWS_REJECTED: counts.rejected,
        names.ROWS_DUPLICATE: counts.duplicates,
        names.ROWS_FILTERED: counts.filtered,
        names.ROWS_EXPANDED: counts.expanded,
        names.ROWS_DROPPED_BY_LOOKUP: counts.dropped_by_lookup,
        names.CELLS_REPAIRED: context.cells_repaired,
        names.BYTES_IN: record.bytes_in,
        names.BYTES_OUT: record.bytes_out,
        names.STAGE_SECONDS: record.seconds,
        names.PEAK_MEMORY: record.peak_memory_mb,
    }


def _run_figures(outcome: str) -> Figures:
    return {names.RUNS: 1, names.outcome_metric(outcome): 1}


def _commit_figures(context: StageContext) -> Figures:
    """Figures of a run that has committed something; none of any other."""
    run, committed = context.run, context.committed
    if committed is None:
        return {}
    figures: Figures = {
        names.ROWS_READ: run.rows.read,
        names.ROWS_WRITTEN: run.rows.written,
        names.ROWS_REJECTED: run.rows.rejected,
        names.ROWS_DUPLICATE: run.rows.duplicates,
        names.ROWS_FILTERED: run.rows.filtered,
        names.BYTES_READ: run.source.size,
        names.BYTES_WRITTEN: committed.bytes,
    }
    seconds = _upload_to_commit_s(context, committed.at)
    if seconds is not None:
        figures[names.UPLOAD_TO_COMMIT] = round(seconds, 3)
    if run.cost is not None:
        figures[names.ESTIMATED_COST] = float(run.cost["usd"])
    return figures


def _upload_to_commit_s(context: StageContext, committed_at: datetime) -> float | None:
    """Seconds from the upload to the commit; None of replays, and where clocks disagree.

    The event's time comes first: S3 dates an object that came in parts by its first one.
    """
    if context.replay != Replay():
        return None
    uploaded = _moment(context.event_time) or _moment(context.run.source.last_modified)
    seconds = (committed_at - uploaded).total_seconds() if uploaded else -1
    return seconds if seconds >= 0 else None


def _moment(text: object) -> datetime | None:
    """Return the time that an ISO 8601 text with a time zone tells; None if it tells none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
