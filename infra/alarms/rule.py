"""What an alarm is made of, before there is one: the metric, the limit, and the words for a person.

CloudWatch looks at an alarm's last periods once a minute, and the periods end at that minute: a
period of an hour is the last hour, not one of the clock's ("Alarm evaluation window" in the Amazon
CloudWatch User Guide). It asks for somewhat more periods than the alarm is about, and takes an
older point where a newer one is missing ("Configuring how CloudWatch alarms treat missing data").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_events as events
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_stepfunctions as sfn

    from infra.messaging import Messaging

REACHED: Final = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
ABOVE: Final = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD

NO_NEWS: Final = cloudwatch.TreatMissingData.NOT_BREACHING
"""A queue that nobody uses, and a function that nobody calls, report nothing."""
AS_BEFORE: Final = cloudwatch.TreatMissingData.IGNORE
"""Without data the alarm stays what it is."""


@dataclass(frozen=True)
class AlarmRule:
    """An alarm to be made.

    Attributes
    ----------
    name
        Unique within the stack; messages have it in their subject.
    threshold
        Raised when the metric reaches it, unless `raised` says otherwise.
    happened
        One or two sentences for somebody who has never heard of the alarm.
    look
        Words of the `pipeline` command that shows more.
    section
        Title in the runbook.
    periods
        So many periods in a row have to say so.
    """

    name: str
    metric: cloudwatch.IMetric
    threshold: float
    happened: str
    look: str
    section: str
    raised: cloudwatch.ComparisonOperator = REACHED
    periods: int = 1
    missing: cloudwatch.TreatMissingData = NO_NEWS


@dataclass(frozen=True)
class Watched:
    """The parts of the stack that alarms are about.

    `endings` are the rules for executions that end past every Catch.
    """

    messaging: Messaging
    machine: sfn.StateMachine
    functions: Mapping[str, lambda_.IFunction]
    uploads: events.Rule
    endings: Sequence[events.Rule]
