"""A day of load that never was: five datasets, a fit of S3 at noon, a supplier's broken files.

The model is crude (seconds grow with rows, an idle environment is gone after ten minutes), and its
only purpose is that the dashboard has something to draw. Times are seconds since midnight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipeline import constants, metrics
from pipeline.constants import STAGES
from tests.dashboard.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.metrics import MetricName
    from tests.dashboard.definition import Names

SEED = 20260617
DATE = "Wednesday 17 June 2026"
HOUR = 3_600.0
DAY = 24 * HOUR
HICCUP = (11.9 * HOUR, 12.5 * HOUR)
BROKEN = (14.6 * HOUR, 16.2 * HOUR)
"""When the supplier of `weather` sends files without a column."""
ATTEMPTS = 1 + constants.RETRY_MAX_ATTEMPTS
FAILS_IN_HICCUP = 0.3

SECONDS_PER_ROW = dict(zip(STAGES, (4.7e-6, 3.3e-6, 3.9e-6, 3.9e-6, 5.0e-6), strict=True))
MEMORY_PERCENT = dict(zip(STAGES, (13.0, 12.0, 19.0, 14.0, 15.0), strict=True))
MEMORY_PERCENT_PER_ROW = dict(zip(STAGES, (4e-6, 5e-6, 7.5e-6, 6e-6, 7e-6), strict=True))
COLD_SECONDS = 1.4
IDLE_SECONDS = 600.0

USD_PER_SECOND = 1.7275 * 0.0000133334
USD_PER_RUN = 12 * 0.000025 + 60 * 0.000005
"""About: a dozen state transitions, and some dozens of requests to S3."""


INVOCATION_SETS = metrics.BY_STAGE + metrics.BY_FUNCTION
OWNERS = {
    "AWS/Events": "RuleName",
    "AWS/Lambda": "FunctionName",
    "AWS/SQS": "QueueName",
    "AWS/States": "StateMachineArn",
}
"""Dimension that a service's metrics are told by."""


@dataclass(frozen=True)
class Upload:
    """A file: when, of what, how large, and what is wrong with it."""

    at: float
    dataset: str
    rows: int
    rejected: float = 0.0
    broken: bool = False
    repeated: bool = False


@dataclass
class Simulation:
    """The stack in a model: it puts what the real one's services and functions would put."""

    names: Names
    samples: Samples = field(default_factory=Samples)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))
    idle_since: dict[str, list[float]] = field(
        default_factory=lambda: {stage: [] for stage in STAGES}
    )
    letters: list[tuple[float, Upload]] = field(default_factory=list)

    def run(self, upload: Upload) -> None:
        """A file from its upload to the end of its execution."""
        self._service("AWS/Events", "TriggeredRules", self.names.uploads, upload.at, 1)
        clock = upload.at + float(self.random.uniform(0.4, 1.2))
        seconds = 0.0
        for stage in STAGES:
            for attempt in range(ATTEMPTS):
                took = self._took(stage, upload.rows, clock)
                fails = self._fails(upload, stage, clock)
                self._invocation(upload, stage, clock, took, attempt=attempt, fails=fails)
                clock, seconds = clock + took, seconds + took
                if not fails or upload.broken:
                    break
                clock += float(2 * 2**attempt * self.random.uniform(0.5, 1.5))
            if fails:
                self._failed(upload, clock)
                return
            if upload.repeated:
                self._ended(upload, constants.ALREADY_PROCESSED, clock)
                return
        self._committed(upload, clock, seconds)

    def _took(self, stage: str, rows: int, clock: float) -> float:
        busy = HICCUP[0] <= clock <= HICCUP[1]
        usual = 0.25 + rows * SECONDS_PER_ROW[stage]
        return float(usual * self.random.lognormal(0, 0.2) * (2.5 if busy else 1))

    def _fails(self, upload: Upload, stage: str, clock: float) -> bool:
        if upload.broken:
            return stage == STAGES[0]
        in_hiccup = HICCUP[0] <= clock <= HICCUP[1]
        return in_hiccup and bool(self.random.random() < FAILS_IN_HICCUP)

    def _invocation(
        self,
        upload: Upload,
        stage: str,
        at: float,
        took: float,
        *,
        attempt: int,
        fails: bool,
    ) -> None:
        cold, done = self._starts_cold(stage, at, took), at + took
        function = self.names.functions[stage]
        duration = took + (COLD_SECONDS / 4 if cold else 0)
        for name, value in (
            ("Invocations", 1.0),
            ("Errors", float(fails)),
            ("Throttles", 0.0),
            ("Duration", 1000 * duration),
        ):
            self._service("AWS/Lambda", name, function, done, value)
        peak = MEMORY_PERCENT[stage] + min(upload.rows * MEMORY_PERCENT_PER_ROW[stage], 45)
        self._told(
            metrics.MEMORY_UTILIZATION, done, peak * self.random.uniform(0.95, 1.05), stage=stage
        )
        own = {"dataset": upload.dataset, "stage": stage}
        self._told(metrics.COLD_STARTS, done, float(cold), **own)
        if attempt:
            self._told(metrics.RETRIES, done, 1, **own)
        if fails:
            self._told(metrics.STAGE_ERRORS, done, 1, **own)
            return
        rejected = round(upload.rows * upload.rejected) if stage == STAGES[0] else 0
        self._told(metrics.ROWS_REJECTED, done, rejected, **own)

    def _starts_cold(self, stage: str, at: float, took: float) -> bool:
        """Whether no environment is idle that was busy within the last minutes."""
        idle = self.idle_since[stage]
        warm = [since for since in idle if since <= at <= since + IDLE_SECONDS]
        if warm:
            idle.remove(max(warm))
        idle.append(at + took)
        return not warm

    def _committed(self, upload: Upload, clock: float, seconds: float) -> None:
        rejected = round(upload.rows * upload.rejected)
        outcome = constants.SUCCEEDED_WITH_REJECTS if rejected else constants.SUCCEEDED
        self._ended(upload, outcome, clock)
        cost = seconds * USD_PER_SECOND + USD_PER_RUN
        for metric, value in (
            (metrics.ROWS_READ, upload.rows),
            (metrics.ROWS_WRITTEN, upload.rows - rejected),
            (metrics.ROWS_REJECTED, rejected),
            (metrics.UPLOAD_TO_COMMIT, clock - upload.at),
            (metrics.ESTIMATED_COST, cost),
        ):
            self._told(metric, clock, value, dataset=upload.dataset)

    def _ended(self, upload: Upload, outcome: str, clock: float) -> None:
        self._execution("ExecutionsSucceeded", clock)
        for metric in (metrics.RUNS, metrics.outcome_metric(outcome)):
            self._told(metric, clock, 1, dataset=upload.dataset)

    def _failed(self, upload: Upload, clock: float) -> None:
        self._execution("ExecutionsFailed", clock)
        self.letters.append((clock, upload))

    def queues(self, kept: list[tuple[float, float]]) -> None:
        """What the queues hold, minute by minute, of letters that came and went at these times."""
        for minute in np.arange(0, DAY, 60):
            waiting = [came for came, went in kept if came <= minute < went]
            age = max((minute - came for came in waiting), default=0.0)
            for name, value in (
                ("ApproximateNumberOfMessagesVisible", len(waiting)),
                ("ApproximateAgeOfOldestMessage", age),
            ):
                queue = self.names.dead_letters
                self._service("AWS/SQS", name, queue, minute, float(value))
            visible = "ApproximateNumberOfMessagesVisible"
            self._service("AWS/SQS", visible, self.names.undelivered, minute, 0)

    def days_before(self, usd_a_day: float) -> None:
        """The cost of the days before, of which nothing else is shown."""
        for days in range(1, 14):
            weekend = days % 7 in (3, 4)  # the day itself is a Wednesday
            usd = usd_a_day * self.random.uniform(0.9, 1.1) * (0.55 if weekend else 1)
            metric = metrics.ESTIMATED_COST
            self._put_told(metric, {"stack": self.names.stack}, (0.5 - days) * DAY, usd)

    def _execution(self, name: str, at: float) -> None:
        self._service("AWS/States", name, self.names.machine, at, 1)

    def _service(self, namespace: str, name: str, of: str, at: float, value: float) -> None:
        self.samples.put(namespace, name, {OWNERS[namespace]: of}, at, value)

    def _told(self, metric: MetricName, at: float, value: float, **own: str) -> None:
        """Put a metric of ours under each of its sets of dimensions, of an invocation or a run."""
        told_under = INVOCATION_SETS if metrics.STAGE in own else metrics.BY_RUN
        for dimensions in (names for names in metric.sets if names in told_under):
            known = {"stack": self.names.stack, **own}
            self._put_told(metric, {name: known[name] for name in dimensions}, at, value)

    def _put_told(
        self, metric: MetricName, dimensions: dict[str, str], at: float, value: float
    ) -> None:
        self.samples.put(constants.METRICS_NAMESPACE, metric.name, dimensions, at, value)


def simulated_day(names: Names) -> tuple[Samples, int]:
    """Metrics of the day, always the same ones, and the number of files that it had."""
    simulation = Simulation(names)
    files = sorted(_uploads(simulation.random), key=lambda upload: upload.at)
    for upload in files:
        simulation.run(upload)
    _work_off(simulation)
    spent = simulation.samples.series(
        (constants.METRICS_NAMESPACE, "EstimatedCost", frozenset({("stack", names.stack)})),
        "Sum",
        start=0,
        end=DAY,
        period=DAY,
    )
    simulation.days_before(spent[0] or 0)
    return simulation.samples, len(files)


def _work_off(simulation: Simulation) -> None:
    """What people do about the dead letters: replay at one o'clock, discard when mended.

    Two letters of the evening still wait when the day ends.
    """
    kept: list[tuple[float, float]] = []
    for came, upload in list(simulation.letters):
        if came < HICCUP[1] + HOUR:
            went = 13.1 * HOUR + 20 * len(kept)
            simulation.run(Upload(went, upload.dataset, upload.rows, upload.rejected))
        else:
            went = 17.6 * HOUR if came < BROKEN[1] + HOUR else 2 * DAY
        kept.append((came, went))
    simulation.queues(kept)


def _uploads(random: np.random.Generator) -> Iterator[Upload]:
    """Files of the day, about 500."""
    for _ in range(4):  # the night's bulk delivery
        yield Upload(random.uniform(2.2, 2.9) * HOUR, "flights", int(random.uniform(1.2e6, 1.8e6)))
    for hour in random.normal(13, 4, 150) % 24:
        rows = int(random.lognormal(10.6, 0.6))
        yield Upload(hour * HOUR, "flights", rows, rejected=0.002 if random.random() < 0.2 else 0)
    for minute in range(5, 24 * 60, 8):  # a machine's delivery
        at = 60 * (minute + random.uniform(0, 2))
        yield Upload(at, "weather", int(random.normal(9_000, 800)), broken=_is_broken(at))
    for at in random.uniform(17.1, 17.5, 8) * HOUR:  # the supplier has mended them
        yield Upload(at, "weather", 9_000)
    for hour in random.uniform(7, 19, 70):
        yield Upload(hour * HOUR, "penguins", int(random.uniform(2_000, 12_000)), rejected=0.03)
    for hour in random.uniform(0, 24, 48):
        yield Upload(hour * HOUR, "timezones", int(random.uniform(400, 3_000)))
    for hour in random.uniform(6, 20, 36):
        repeated = bool(random.random() < 0.25)
        yield Upload(hour * HOUR, "countries", 250, repeated=repeated)
    for minute in (0, 14):
        yield Upload((21.5 + minute / 60) * HOUR, "penguins", 4_000, broken=True)


def _is_broken(at: float) -> bool:
    return BROKEN[0] <= at <= BROKEN[1]
