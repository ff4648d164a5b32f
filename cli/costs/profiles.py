"""How a run's usage grows with its file: a fixed part and a part by byte, fitted to real runs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.costs.sizes import spoken
from cli.errors import CliError
from cli.executions import LISTED, latest_executions
from cli.history import run_summary
from cli.paths import command
from pipeline.constants import OUTCOMES_WITHOUT_WORK
from pipeline.cost import COMPUTE, added, run_usage
from pipeline.errors import InvalidEventError
from pipeline.run import run_from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cli.target import Target
    from pipeline.cost import Usage
    from pipeline.run import Run

STORED: Final = Path(__file__).with_name("measured_runs.json")
"""Summaries of runs on the flights file and on its first rows (docs/costs.md says how made)."""
APART: Final = 2.0
"""Sizes whose quotient is less tell nothing about the fixed part of a run."""
MOST_RUNS: Final = 20


@dataclass(frozen=True)
class Growth:
    """`fixed + by_byte * bytes`."""

    fixed: float
    by_byte: float

    def at(self, size: float) -> float:
        """Value for a file of so many bytes."""
        return self.fixed + self.by_byte * size


NOTHING: Final = Growth(0.0, 0.0)


@dataclass(frozen=True)
class Profile:
    """Usage of a run by item, as its file grows.

    `seconds` are each stage's, `staged` and `written` the bytes of the frames between the stages
    and of the output; `cold` is what is used more if all functions start cold; `row_bytes` the mean
    length of a row; `source` says in words which runs it is from.
    """

    source: str
    usage: dict[str, Growth]
    seconds: dict[str, Growth]
    staged: Growth
    written: Growth
    cold: Usage
    row_bytes: float


def profile_of(runs: Sequence[Run], source: str, *, like: Profile | None = None) -> Profile:
    """Return the profile of runs that have done all their work, in functions that were warm or not.

    Parameters
    ----------
    like
        Says what runs of one size cannot: how much of theirs is fixed. Its `cold` is taken over.
    """
    sizes = [run.source.size for run in runs]
    usages = [run_usage(run, run.stages) for run in runs]

    def fitted(figures: Iterable[float], like: Growth | None) -> Growth:
        return growth(list(zip(sizes, figures, strict=True)), like)

    like = like or Profile("", {}, {}, NOTHING, NOTHING, {}, 0)
    return Profile(
        source=source,
        usage={
            item: fitted((usage.get(item, 0) for usage in usages), like.usage.get(item))
            for item in sorted(added(usages))
        },
        seconds={
            stage: fitted((_seconds(run, stage) for run in runs), like.seconds.get(stage))
            for stage in (record.stage for record in runs[0].stages)
        },
        staged=fitted(
            (sum(each.bytes_out for each in run.stages[:-1]) for run in runs), like.staged
        ),
        written=fitted((run.stages[-1].bytes_out for run in runs), like.written),
        cold=like.cold,
        row_bytes=sum(sizes) / max(1, sum(run.rows.read for run in runs)),
    )


@cache
def built_in_profile() -> Profile:
    """Return the profile of the flights example."""
    about, runs = stored_runs()
    warm = profile_of([run for run in runs if not starts_cold(run)], about)
    (cold,) = (run for run in runs if starts_cold(run))
    more = run_usage(cold, cold.stages)[COMPUTE] - warm.usage[COMPUTE].at(cold.source.size)
    return replace(warm, cold={COMPUTE: more})


def stored_runs() -> tuple[str, list[Run]]:
    """Return what the stored runs are of, and the runs."""
    document = json.loads(STORED.read_bytes())
    return document["about"], [run_from_json(summary) for summary in document["runs"]]


def starts_cold(run: Run) -> bool:
    """Whether a function had to start for the run."""
    return any(record.cold_start for record in run.stages)


def measured_profile(target: Target, dataset: str) -> Profile:
    """Return the profile of a dataset's latest runs on a cloud.

    Raises
    ------
    CliError
        If there is none that has done its work and says what it used.
    """
    runs = list(islice(_latest_runs(target, dataset), MOST_RUNS))
    if not runs:
        raise CliError(
            f"there is no run of {dataset} on {target.stack} to forecast by",
            f"Run a file: {command(f'run FILE --dataset {dataset}')}; or leave out --dataset",
        )
    built_in = built_in_profile()
    if warm := [run for run in runs if not starts_cold(run)]:
        return profile_of(warm, _words(warm, dataset), like=built_in)
    fixed = built_in.usage[COMPUTE]
    cold = replace(fixed, fixed=fixed.fixed + built_in.cold[COMPUTE])
    like = replace(built_in, usage={**built_in.usage, COMPUTE: cold}, cold={})
    return profile_of(runs, f"{_words(runs, dataset)}, which started cold", like=like)


def _words(runs: Sequence[Run], dataset: str) -> str:
    number = f"{len(runs)} runs" if len(runs) > 1 else "one run"
    sizes = {run.source.size for run in runs}
    return f"{number} of {dataset}, files of {spoken(min(sizes))} to {spoken(max(sizes))}"


def growth(points: Sequence[tuple[float, float]], like: Growth | None = None) -> Growth:
    """Return the line through the points that fits best, of which nothing is negative.

    Points of like size leave the fixed part open: it is that of `like`, or nothing.
    """
    sizes = [size for size, _ in points]
    mean_x, mean_y = _mean(sizes), _mean([value for _, value in points])
    if min(sizes) * APART > max(sizes):
        fixed = min(like.fixed, mean_y) if like else 0.0
        return Growth(fixed, (mean_y - fixed) / mean_x if mean_x else 0.0)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    fixed = mean_y - slope * mean_x
    if slope < 0:
        return Growth(mean_y, 0.0)
    if fixed < 0:
        square = math.fsum(x * x for x, _ in points)
        return Growth(0.0, math.fsum(x * y for x, y in points) / square)
    return Growth(fixed, slope)


def _latest_runs(target: Target, dataset: str) -> Iterator[Run]:
    """Return a dataset's runs that were worked from end to end, the latest first."""
    client = target.cloud.stepfunctions()
    for arn in latest_executions(target, LISTED, statusFilter="SUCCEEDED"):
        run = _worked_run(client.describe_execution(executionArn=arn).get("output", ""))
        if run is not None and run.dataset == dataset:
            yield run


def _worked_run(output: str) -> Run | None:
    """Return the run in an execution's output, None if it did less than all or tells too little."""
    try:
        summary: dict[str, Any] = run_summary(json.loads(output))
        run = run_from_json(summary) if summary else None
    except (ValueError, InvalidEventError):
        return None
    if run is None or run.merges or run.outcome in OUTCOMES_WITHOUT_WORK or not run.source.size:
        return None
    whole = all(record.memory_mb and not record.resumed for record in run.stages)
    return run if run.stages and whole else None


def _seconds(run: Run, stage: str) -> float:
    record = run.record_of(stage)
    return record.seconds if record else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
