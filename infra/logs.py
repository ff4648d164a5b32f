"""Log groups: all end by their retention, and go with their stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from infra.keys import data_key

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Settings

RETENTION: Final = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    120: logs.RetentionDays.FOUR_MONTHS,
    150: logs.RetentionDays.FIVE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
    1096: logs.RetentionDays.THREE_YEARS,
    1827: logs.RetentionDays.FIVE_YEARS,
    2192: logs.RetentionDays.SIX_YEARS,
    2557: logs.RetentionDays.SEVEN_YEARS,
    2922: logs.RetentionDays.EIGHT_YEARS,
    3288: logs.RetentionDays.NINE_YEARS,
    3653: logs.RetentionDays.TEN_YEARS,
}
"""The numbers of days that CloudWatch Logs knows (PutRetentionPolicy)."""


def log_group(scope: Construct, *, settings: Settings, name: str | None = None) -> logs.LogGroup:
    """Log group `Logs` of a construct; a kept one would stand in the way of the next stack."""
    return logs.LogGroup(
        scope,
        "Logs",
        log_group_name=name,
        retention=RETENTION[settings.log_retention_days],
        encryption_key=data_key(scope, settings),
        removal_policy=RemovalPolicy.DESTROY,
    )
