"""Reads the settings from the CDK's context (`--context key=value`, `cdk.json`) and checks them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from infra.context_values import (
    SettingsError,
    choice,
    list_of,
    matching,
    number,
    removal,
    retention,
    switch,
)
from infra.settings import (
    DEFAULTS,
    LOCAL_DEFAULTS,
    AlarmLevel,
    AlarmSettings,
    Encryption,
    Environment,
    Lineage,
    Network,
    Settings,
    StageSettings,
    Target,
)
from pipeline.constants import STAGES
from pipeline.metrics import MetricsDetail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from constructs import Node

    from infra.context_values import Reader


@dataclass(frozen=True)
class Setting:
    """A field of the settings, its context key and how it is read."""

    key: str
    read: Reader
    name: str = ""

    @property
    def field(self) -> str:
        """Name of the field, which is the key's unless `name` says otherwise."""
        return self.name or self.key


_DAYS: Final = number(range(1, 36_500 + 1))
_ID: Final = r"{}-[0-9a-f]{{8}}([0-9a-f]{{9}})?"
_KEY: Final = r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})"
_SECRET: Final = r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}"
_POLICY: Final = r"arn:[a-z-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+|[\w+=,.@-]{1,128}"
SETTINGS: Final = (
    Setting(
        "stack",
        matching(r"[A-Za-z][A-Za-z0-9-]{0,127}", "a CloudFormation stack name"),
        "stack_name",
    ),
    Setting("datasets", list_of(r"[a-z][a-z0-9_]*", "a dataset's name")),
    Setting("alert_email", matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")),
    Setting("staging_expiry_days", _DAYS),
    Setting("old_version_days", _DAYS),
    Setting("log_retention_days", retention),
    Setting("log_execution_data", switch),
    Setting("data_removal_policy", removal),
    Setting("termination_protection", switch),
    Setting("access_logs", switch),
    Setting("encryption", choice(Encryption)),
    Setting("kms_key_arn", matching(_KEY, "a key's ARN")),
    Setting("permissions_boundary", matching(_POLICY, "a policy's name or ARN")),
    Setting("metrics", choice(MetricsDetail)),
    Setting("alarms", choice(AlarmLevel)),
)
"""Every context key but those with a dot, the VPC's, the lineage's and the target's.

What each is for, stands in docs/operations.md, which a test holds against this table.
"""

STAGE_BOUNDS: Final = {
    "memory_mb": range(128, 10_240 + 1),
    "timeout_s": range(1, 900 + 1),
    "ephemeral_storage_mb": range(512, 10_240 + 1),
    "reserved_concurrency": range(1, 100_000 + 1),
}
"""What Lambda allows for each of `StageSettings`."""

OTHER_KEYS: Final = (
    *("target", "environment", "nag", "subnet_ids", "security_group_ids"),
    *("openlineage_url", "openlineage_api_key_secret"),
)
"""Keys that are more than the value of a field."""

ALARM_BOUNDS: Final = {
    "errors": range(1, 1_000_000),
    "throttles": range(1, 1_000_000),
    "duration_percent": range(1, 101),
    "memory_percent": range(1, 101),
    "success_percent": range(1, 101),
    "error_percent": range(1, 101),
    "rate_minutes": range(5, 24 * 60 + 1, 5),
    "rate_minimum": range(1, 1_000_000),
    "latency_s": range(1, 86_400 + 1),
    "failures": range(1, 1_000_000),
    "dead_letters": range(1, 1_000_000),
    "dead_letter_age_h": range(1, 7 * 24),  # alarms look back for a week
    "stall_minutes": range(15, 24 * 60 + 1),
}
"""What makes sense for each of `AlarmSettings`."""

_TAG_NAME: Final = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.IGNORECASE)
GROUPS: Final = {**dict.fromkeys(STAGES, STAGE_BOUNDS), "alarm": ALARM_BOUNDS}
KEYS: Final = (
    *(setting.key for setting in SETTINGS),
    *(*OTHER_KEYS, *STAGE_BOUNDS),
    *(f"{group}.{name}" for group, bounds in GROUPS.items() for name in bounds),
)
"""All that the context may hold of ours, but for tags."""

_TAG_VALUE: Final = matching(r"[\w .:/=+@-]{0,256}", "a tag's value")


def settings_from(node: Node) -> Settings:
    """Return the settings that a construct's context asks for.

    Raises
    ------
    SettingsError
        A value that is not what its key promises, a key with a slip of the pen, or settings that
        contradict each other.
    """
    _check_keys(node)
    environment = _given(node, "environment", choice(Environment)) or Environment.PROD
    target = _given(node, "target", choice(Target)) or Target.AWS
    presets = dict(DEFAULTS[environment])
    if target is Target.LOCAL:
        presets |= LOCAL_DEFAULTS
    settings = Settings(
        target=target,
        environment=environment,
        tags=_tags(node),
        network=_network(node),
        lineage=_lineage(node),
        thresholds=replace(AlarmSettings(), **_numbers(node, ALARM_BOUNDS, "alarm.")),
        stages={stage: _stage(node, stage) for stage in STAGES},
        **(presets | _fields(node, SETTINGS)),
    )
    _check_together(settings)
    return settings


def rules_wanted(node: Node) -> bool:
    """Whether cdk-nag's rules are to be run: `--context nag=true`.

    Raises
    ------
    SettingsError
        If it is neither true nor false.
    """
    return bool(_given(node, "nag", switch))


def _given(node: Node, key: str, read: Reader) -> Any:
    """Value of a context key, None if there is none."""
    value = node.try_get_context(key)
    return None if value is None else read(key, value)


def _fields(node: Node, settings: Iterable[Setting]) -> dict[str, Any]:
    """Fields that the context sets, of all that these settings are about."""
    found = ((setting.field, _given(node, setting.key, setting.read)) for setting in settings)
    return {name: value for name, value in found if value is not None}


def _numbers(node: Node, bounds: Mapping[str, range], prefix: str = "") -> dict[str, int]:
    """Numbers under `<prefix><name>`."""
    return _fields(
        node, (Setting(f"{prefix}{name}", number(of), name) for name, of in bounds.items())
    )


def _stage(node: Node, stage: str) -> StageSettings:
    """Size of a stage's function: `<stage>.<setting>`, else `<setting>`, said for all stages."""
    of_all = _numbers(node, STAGE_BOUNDS)
    return StageSettings(**(of_all | _numbers(node, STAGE_BOUNDS, f"{stage}.")))


def _tags(node: Node) -> dict[str, str]:
    """Tags under `tag.<name>`."""
    given = {
        key.removeprefix("tag."): _TAG_VALUE(key, value)
        for key, value in node.get_all_context().items()
        if key.startswith("tag.")
    }
    for name in given:
        if not _TAG_NAME.fullmatch(name):
            raise SettingsError(
                f"context 'tag.{name}' must end in a tag's name: 1 to 128 letters, digits, spaces "
                "or _.:/=+@-, not beginning with aws:"
            )
    return given


def _network(node: Node) -> Network | None:
    subnets = _given(node, "subnet_ids", list_of(_ID.format("subnet"), "a subnet's id"))
    groups = _given(node, "security_group_ids", list_of(_ID.format("sg"), "a security group's id"))
    if (subnets is None) != (groups is None):
        raise SettingsError("context 'subnet_ids' and 'security_group_ids' go together")
    return None if subnets is None else Network(subnets, groups)


def _receiver(key: str, value: Any) -> str:
    """Address without anything that is secret: variables, logs and dead letters show it."""
    if re.search(r"[?#]|://[^/]*@", str(value)):
        raise SettingsError(
            f"context '{key}' must be an address without user, password or query, for logs show "
            "it; the receiver's key goes into a secret (openlineage_api_key_secret)"
        )
    return str(matching(r"https?://[\w.:-]+(/\S*)?", "a web address")(key, value))


def _lineage(node: Node) -> Lineage | None:
    url = _given(node, "openlineage_url", _receiver)
    secret = _given(
        node,
        "openlineage_api_key_secret",
        matching(_SECRET, "a secret's whole ARN, which ends in a hyphen and six characters"),
    )
    if secret is not None and url is None:
        raise SettingsError("context 'openlineage_api_key_secret' needs 'openlineage_url'")
    return None if url is None else Lineage(url, secret)


def _check_together(settings: Settings) -> None:
    if settings.kms_key_arn and settings.encryption is not Encryption.CUSTOMER:
        raise SettingsError("context 'kms_key_arn' needs 'encryption=customer'")
    kept = settings.old_version_days
    if kept is not None and kept < settings.dead_letter_days:
        raise SettingsError(
            f"context 'old_version_days' must be {settings.dead_letter_days} or more, not {kept}: "
            "a dead letter lives so long, and its replay reads the version that failed"
        )
    if settings.lineage and settings.tls_only and not settings.lineage.url.startswith("https:"):
        raise SettingsError("context 'openlineage_url' must begin with https:// in AWS")
    if "dataset" in settings.tags and settings.datasets:
        raise SettingsError("context 'tag.dataset' is set by 'datasets' already")


def _check_keys(node: Node) -> None:
    """Refuse keys that are no settings, which would silently do nothing.

    Others' context, as the CDK's own, has a colon, an @ or a hyphen in its keys; no setting has.
    """
    for key in node.get_all_context():
        if key in KEYS or ":" in key or key.startswith("tag."):
            continue
        group = key.partition(".")[0]
        if group in GROUPS:
            there = ", ".join(GROUPS[group])
            raise SettingsError(f"context '{key}' is no setting; of {group} there are {there}")
        if alike := get_close_matches(key.lower(), KEYS, n=1, cutoff=0.8):
            raise SettingsError(f"context '{key}' is no setting; did you mean '{alike[0]}'?")
        if re.fullmatch(r"[\w.]+", key):
            raise SettingsError(f"context '{key}' is no setting; docs/operations.md has them all")
