"""What a person is told although no execution failed: alarms, each with an action and a next step.

An alarm's description is all that its message says in words: what happened, and what to type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.alert_text import PRODUCT
from infra.pointers import RUNBOOK

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from infra.messaging import Messaging
    from infra.pointers import Pointers


class Alarms(Construct):
    """Alarms that go to the alert topic, when they are raised and when they are over."""

    def __init__(
        self, scope: Construct, construct_id: str, *, messaging: Messaging, pointers: Pointers
    ) -> None:
        super().__init__(scope, construct_id)
        self._action = actions.SnsAction(messaging.alerts)
        _admit_alarms(messaging.alerts)
        self._alarm(
            "UndeliveredEvents",
            messaging.undelivered_events.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=Duration.minutes(1)
            ),
            happened="EventBridge could not deliver events: files were uploaded that nobody has "
            "processed, or failures happened that nobody was told of. The events are kept.",
            command=pointers.command("dead-letters list"),
            section="Undelivered events",
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.Metric,
        *,
        happened: str,
        command: str,
        section: str,
        threshold: int = 1,
    ) -> None:
        """Alarm that is raised when `metric` reaches `threshold`, with its section of the runbook.

        No data is no news: a queue that nobody uses reports nothing.
        """
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{PRODUCT}: {happened} To see them, type: {command} - "
            f"What to do: {RUNBOOK}, section {section}",
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)


def _admit_alarms(topic: sns.Topic) -> None:
    """Let this account's alarms publish.

    A topic without a policy admits its account's alarms by itself. This one has a policy, which
    admits EventBridge, and takes the default one's place.
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
    )
