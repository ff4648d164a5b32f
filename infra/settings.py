"""What may differ between two deployments, read from the CDK's context and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from pipeline.constants import DEFAULT_STACK_NAME, RETRY_MAX_ATTEMPTS, STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs import Node


class SettingsError(ValueError):
    """A context value that this app cannot use; its text is the whole message to the user."""


class Target(StrEnum):
    """Where the template is going to run."""

    AWS = "aws"
    LOCAL = "local"


@dataclass(frozen=True)
class StageSettings:
    """Size of one stage's function."""

    memory_mb: int = 1769  # the least that buys a whole vCPU
    timeout_s: int = 300
    ephemeral_storage_mb: int = 512  # only rows that write sorts lie on disk

    @property
    def task_timeout_s(self) -> int:
        """Patience of the state machine: the function's own timeout must strike first."""
        return self.timeout_s + 30


@dataclass(frozen=True)
class Settings:
    """Everything that the stack does not decide by itself."""

    target: Target = Target.AWS
    stack_name: str = DEFAULT_STACK_NAME
    alert_email: str | None = None
    staging_expiry_days: int = 14  # as long as a dead letter lives, so that its replay can resume
    dead_letter_days: int = 14
    log_retention: RetentionDays = RetentionDays.ONE_MONTH
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
    def removal_policy(self) -> RemovalPolicy:
        """What becomes of data when the stack goes: kept in AWS, gone with a laptop's cloud."""
        return RemovalPolicy.RETAIN if self.target is Target.AWS else RemovalPolicy.DESTROY

    @property
    def tls_only(self) -> bool:
        """Whether plain HTTP is refused: the local cloud speaks nothing else, on the loopback."""
        return self.target is Target.AWS


STAGE_BOUNDS: Final = {
    "memory_mb": range(128, 10_240 + 1),
    "timeout_s": range(1, 900 + 1),
    "ephemeral_storage_mb": range(512, 10_240 + 1),
}
"""What Lambda allows for each of `StageSettings`."""
_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def settings_from(node: Node) -> Settings:
    """Return the settings that a construct's context asks for.

    Raises
    ------
    SettingsError
        A value that is not what its key promises, or a stage's setting that there is not.
    """
    _check_stage_keys(node)
    return Settings(
        target=_target(node.try_get_context("target")),
        stack_name=_matching(node, "stack", _STACK_NAME, "a CloudFormation stack name")
        or DEFAULT_STACK_NAME,
        alert_email=_matching(node, "alert_email", _EMAIL, "an e-mail address"),
        staging_expiry_days=_days(node, "staging_expiry_days", Settings.staging_expiry_days),
        stages={stage: _stage(node, stage) for stage in STAGES},
    )


def _target(value: object) -> Target:
    """Target of that name; AWS where none is given."""
    if value is None:
        return Target.AWS
    try:
        return Target(str(value))
    except ValueError:
        known = " or ".join(Target)
        raise SettingsError(f"context 'target' must be {known}, not {value!r}") from None


def _matching(node: Node, key: str, pattern: re.Pattern[str], wanted: str) -> str | None:
    """Context value under `key`, None if there is none."""
    value = node.try_get_context(key)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise SettingsError(f"context '{key}' must be {wanted}, not {value!r}")
    return value


def _days(node: Node, key: str, default: int) -> int:
    """Number of days under `key`."""
    days = _whole_number(node, key)
    if days is None:
        return default
    if days < 1:
        raise SettingsError(f"context '{key}' must be a number of days from 1, not {days}")
    return days


def _check_stage_keys(node: Node) -> None:
    """Refuse `<stage>.<setting>` with a slip of the pen, which would silently do nothing."""
    for key in node.get_all_context():
        stage, dot, setting = key.partition(".")
        known = stage in STAGES, setting in STAGE_BOUNDS
        if dot and any(known) and not all(known):
            stages, settings = ", ".join(STAGES), ", ".join(STAGE_BOUNDS)
            raise SettingsError(
                f"context '{key}' is no setting of a stage: the stages are {stages}, their "
                f"settings {settings}"
            )


def _stage(node: Node, stage: str) -> StageSettings:
    """Size of a stage's function: `<stage>.<setting>`, else `<setting>`, said for all stages."""
    sizes = {}
    for setting, bounds in STAGE_BOUNDS.items():
        for key in (setting, f"{stage}.{setting}"):
            size = _whole_number(node, key)
            if size is None:
                continue
            if size not in bounds:
                allowed = f"{bounds.start} to {bounds.stop - 1}"
                raise SettingsError(f"context '{key}' must be {allowed}, not {size}")
            sizes[setting] = size
    return StageSettings(**sizes)


def _whole_number(node: Node, key: str) -> int | None:
    """Number under `key`, None if none: the command line gives text, `cdk.json` numbers."""
    value = node.try_get_context(key)
    if value is None:
        return None
    text = str(value)
    if not text.isascii() or not text.isdigit():
        raise SettingsError(f"context '{key}' must be a whole number, not {value!r}")
    return int(text)
