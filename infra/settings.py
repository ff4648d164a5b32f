"""What may differ between two deployments: typed, with the presets of the environments.

`infra/context.py` reads these from the CDK's context; nothing else in `infra/` looks at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import RemovalPolicy

from pipeline.constants import DEFAULT_STACK_NAME, RETRY_MAX_ATTEMPTS, STAGES
from pipeline.metrics import MetricsDetail

if TYPE_CHECKING:
    from collections.abc import Mapping


LONGEST_TAG: Final = 256
"""Characters of a tag's value."""


class Target(StrEnum):
    """Where the template is going to run."""

    AWS = "aws"
    LOCAL = "local"


class Environment(StrEnum):
    """What the stack is for; chooses the defaults of the settings that follow it."""

    DEV = "dev"
    PROD = "prod"


class Encryption(StrEnum):
    """Whose keys the data are encrypted with at rest.

    `service`: the services' own, which cost nothing. `customer`: one key of this account, made by
    the stack (or given by `kms_key_arn`), for buckets, queues, topic, log groups and variables.
    """

    SERVICE = "service"
    CUSTOMER = "customer"


class AlarmLevel(StrEnum):
    """Which alarms there are.

    `failures`: only those about files that nobody processes or looks after. `all`: those about
    rates, latency and the functions' limits, too.
    """

    NONE = "none"
    FAILURES = "failures"
    ALL = "all"


@dataclass(frozen=True)
class StageSettings:
    """Size of one stage's function."""

    memory_mb: int = 1769  # the least that buys a whole vCPU
    timeout_s: int = 300
    ephemeral_storage_mb: int = 512  # only rows that write sorts lie on disk
    reserved_concurrency: int | None = None

    @property
    def task_timeout_s(self) -> int:
        """Patience of the state machine: the function's own timeout must strike first."""
        return self.timeout_s + 30


@dataclass(frozen=True)
class AlarmSettings:
    """Where alarms are raised; percentages are of 100, times in the unit that the name ends in.

    A single failed run already told a person, by itself; so errors and rates count several.
    """

    errors: int = 4  # of one function in 5 minutes: one file's attempts are three at most
    throttles: int = 1  # of one function in 5 minutes
    duration_percent: int = 80  # of the function's timeout
    memory_percent: int = 85  # of the function's memory; the guard stops a stage at its own bound
    success_percent: int = 95  # least share of runs that succeed, over `rate_minutes`
    error_percent: int = 5  # greatest share of invocations that fail, over `rate_minutes`
    rate_minutes: int = 60
    rate_minimum: int = 20  # fewer runs make no rate; with these, one failure is not below 95 %
    latency_s: int = 300  # from upload to commit, 95th percentile
    failures: int = 5  # runs that failed, over `rate_minutes`
    dead_letters: int = 1
    dead_letter_age_h: int = 24  # the queue was never empty
    stall_minutes: int = 30  # files arrived, and no run has ended since


@dataclass(frozen=True)
class Network:
    """A VPC's subnets for the functions; without them they run in the service's own network."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


@dataclass(frozen=True)
class Lineage:
    """Where OpenLineage events are sent beside being kept in the output bucket."""

    url: str
    api_key_secret: str | None = None


@dataclass(frozen=True)
class Settings:
    """Everything that the stack does not decide by itself.

    The defaults are those of production: nothing that holds data goes without being told to.
    """

    target: Target = Target.AWS
    environment: Environment = Environment.PROD
    stack_name: str = DEFAULT_STACK_NAME
    datasets: tuple[str, ...] = ()  # all there are
    alert_email: str | None = None
    staging_expiry_days: int = 14  # as long as a dead letter lives, so that its replay can resume
    old_version_days: int | None = None  # replaced objects are kept for good
    dead_letter_days: int = 14
    log_retention_days: int = 90
    log_execution_data: bool = True
    data_removal_policy: RemovalPolicy = RemovalPolicy.RETAIN
    termination_protection: bool = True
    access_logs: bool = True
    encryption: Encryption = Encryption.SERVICE
    kms_key_arn: str | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    network: Network | None = None
    lineage: Lineage | None = None
    metrics: MetricsDetail = MetricsDetail.STAGES
    alarms: AlarmLevel = AlarmLevel.ALL
    thresholds: AlarmSettings = field(default_factory=AlarmSettings)
    stages: Mapping[str, StageSettings] = field(
        default_factory=lambda: {stage: StageSettings() for stage in STAGES}
    )

    @property
    def execution_timeout_s(self) -> int:
        """Patience with an execution: above all attempts of all stages, for no Catch sees its end.

        The quarter of an hour more is for the waits between attempts, the queue and the topic.
        """
        attempts = 1 + RETRY_MAX_ATTEMPTS
        return attempts * sum(size.task_timeout_s for size in self.stages.values()) + 15 * 60

    @property
    def stall_minutes(self) -> int:
        """Silence after an upload that raises an alarm: longer than a run without retries takes.

        At most a day, the longest that an alarm can look back by the minute.
        """
        run_s = sum(size.timeout_s for size in self.stages.values())
        return min(max(self.thresholds.stall_minutes, run_s // 60 + 5), 24 * 60)

    @property
    def tls_only(self) -> bool:
        """Whether plain HTTP is refused: the local cloud speaks nothing else, on the loopback."""
        return self.target is Target.AWS

    @property
    def all_tags(self) -> dict[str, str]:
        """Tags of everything that can have some, for cost allocation; given ones come last."""
        ours = {"project": "lambda-pipelines", "environment": str(self.environment)}
        names = " ".join(self.datasets)  # a tag that had to be cut would name the wrong ones
        only = {"dataset": names} if 0 < len(names) <= LONGEST_TAG else {}
        return {**ours, **only, **self.tags}


DEFAULTS: Final[Mapping[Environment, Mapping[str, Any]]] = {
    Environment.PROD: {},
    Environment.DEV: {
        "stack_name": f"{DEFAULT_STACK_NAME}-dev",
        "log_retention_days": 14,
        "old_version_days": 30,
        "data_removal_policy": RemovalPolicy.DESTROY,
        "termination_protection": False,
        "access_logs": False,
        "metrics": MetricsDetail.RUNS,
        "alarms": AlarmLevel.FAILURES,
    },
}
"""Fields of `Settings` that an environment sets otherwise than `Settings` itself."""

LOCAL_DEFAULTS: Final[Mapping[str, Any]] = {
    "stack_name": DEFAULT_STACK_NAME,
    "data_removal_policy": RemovalPolicy.DESTROY,
    "termination_protection": False,
    "access_logs": False,
}
"""The same for a laptop's cloud, whatever the environment: it goes with all that it holds."""
