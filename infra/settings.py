"""What may differ between two deployments, read from the CDK's context and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from pipeline.constants import DEFAULT_STACK_NAME, STAGES

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
    ephemeral_storage_mb: int = 512  # stages stream; nothing of a file's size lies on disk

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
    execution_timeout_s: int = 7200  # above every stage's timeouts and retries taken together
    stages: Mapping[str, StageSettings] = field(
        default_factory=lambda: {stage: StageSettings() for stage in STAGES}
    )

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What becomes of data when the stack goes: kept in AWS, gone with a laptop's cloud."""
        return RemovalPolicy.RETAIN if self.target is Target.AWS else RemovalPolicy.DESTROY

    @property
    def tls_only(self) -> bool:
        """Whether plain HTTP is refused: the local cloud speaks nothing else, on the loopback."""
        return self.target is Target.AWS


_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def settings_from(node: Node) -> Settings:
    """Return the settings that a construct's context asks for.

    Raises
    ------
    SettingsError
        A value that is not what its key promises.
    """
    return Settings(
        target=_target(node.try_get_context("target")),
        stack_name=_matching(node, "stack", _STACK_NAME, "a CloudFormation stack name")
        or DEFAULT_STACK_NAME,
        alert_email=_matching(node, "alert_email", _EMAIL, "an e-mail address"),
        staging_expiry_days=_days(node, "staging_expiry_days", Settings.staging_expiry_days),
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
    """Whole number of days under `key`: the command line gives text, `cdk.json` numbers."""
    value = node.try_get_context(key)
    if value is None:
        return default
    text = str(value)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SettingsError(f"context '{key}' must be a number of days from 1, not {value!r}")
    return int(text)
