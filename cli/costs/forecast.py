"""What files would cost a month, by a profile of measured runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.costs.standing import metric_series
from pipeline.cost import GB, Cost, added, cost_of

if TYPE_CHECKING:
    from cli.costs.profiles import Profile
    from cli.costs.standing import Standing
    from pipeline.cost import Usage
    from pipeline.metrics import MetricsDetail
    from pipeline.prices import Prices

MONTH_HOURS: Final = 730
"""Hours of a month, as AWS's own calculator counts them."""
MONTH_DAYS: Final = MONTH_HOURS / 24
STAGING_DAYS: Final = 14
"""The setting `staging_expiry_days`, unless it was changed."""
WARM_MINUTES: Final = 5
"""A function that waits longer for its next file is taken to start cold; AWS names no time."""
TIMEOUT_S: Final = 300
"""The setting `<stage>.timeout_s`, unless it was changed."""


@dataclass(frozen=True)
class Plan:
    """Files of one size, evenly spread over the month and over datasets."""

    files_per_month: float
    bytes: int
    rows: int | None = None
    datasets: int = 1

    @property
    def minutes_between(self) -> float:
        """Minutes from file to file."""
        return MONTH_HOURS * 60 / self.files_per_month


@dataclass(frozen=True)
class Forecast:
    """A month's bill: for the files, for the metrics and what stands there, and for storage.

    `storage` is what the month's files cost for each month that they are kept, and what lies
    between the stages. `slowest` is the stage that takes longest, with its seconds. `metrics` is
    the setting that the custom metrics were counted by.
    """

    plan: Plan
    profile: Profile
    prices: Prices
    one_file: Cost
    files: Cost
    standing: Cost
    storage: Cost
    stack_counted: bool
    metrics: MetricsDetail
    cold: bool
    slowest: tuple[str, float]

    @property
    def usd(self) -> float:
        """The month, with the storage of its own files for a whole month."""
        return self.files.usd + self.standing.usd + self.storage.usd

    @property
    def rows(self) -> float:
        """Rows of a file; those that were named, or what the profile's rows take."""
        return self.plan.rows or self.plan.bytes / self.profile.row_bytes

    @property
    def is_too_slow(self) -> bool:
        """Whether a stage would need more time than its function has by default."""
        return self.slowest[1] > TIMEOUT_S


def forecast(plan: Plan, profile: Profile, standing: Standing, prices: Prices) -> Forecast:
    """Return what the files of a plan cost a month, at the prices of a region."""
    cold = plan.minutes_between > WARM_MINUTES
    one = _of_one_file(plan, profile, cold=cold)
    month = {item: quantity * plan.files_per_month for item, quantity in one.items()}
    seconds = {stage: line.at(plan.bytes) for stage, line in profile.seconds.items()}
    return Forecast(
        plan=plan,
        profile=profile,
        prices=prices,
        one_file=cost_of(one, prices),
        files=cost_of(month, prices),
        standing=cost_of(added((standing.usage, _metrics(plan, standing.metrics))), prices),
        storage=cost_of({"s3_gb_month": _gb_months(plan, profile)}, prices),
        stack_counted=standing.counted,
        metrics=standing.metrics,
        cold=cold,
        slowest=max(seconds.items(), key=lambda item: item[1]),
    )


def _of_one_file(plan: Plan, profile: Profile, *, cold: bool) -> Usage:
    usage = {item: line.at(plan.bytes) for item, line in profile.usage.items()}
    return added((usage, profile.cold if cold else {}))


def _metrics(plan: Plan, detail: MetricsDetail) -> Usage:
    """Return the custom metrics' months: each hour is billed in which one is told."""
    active = min(MONTH_HOURS, plan.files_per_month / plan.datasets)
    active_stack = min(MONTH_HOURS, plan.files_per_month)
    of_stack = metric_series(detail, datasets=0)
    of_datasets = metric_series(detail, datasets=plan.datasets) - of_stack
    return {"metric_month": (of_datasets * active + of_stack * active_stack) / MONTH_HOURS}


def _gb_months(plan: Plan, profile: Profile) -> float:
    kept = plan.bytes + profile.written.at(plan.bytes)
    passing = profile.staged.at(plan.bytes) * STAGING_DAYS / MONTH_DAYS
    return plan.files_per_month * (kept + passing) / GB
