"""What a person is told although no execution failed: alarms, each with an action and a next step.

An alarm's description is all that its message says in words: what happened, and what to type.

A month of an alarm costs USD 0.10 for each metric that it looks at (Amazon CloudWatch pricing,
standard resolution, most regions; the first ten of an account are free).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.alarms.failures import failure_rules
from infra.alarms.limits import limit_rules
from infra.machine.alert_text import PRODUCT
from infra.pointers import RUNBOOK
from infra.settings import AlarmLevel, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import aws_sns as sns

    from infra.alarms.rule import AlarmRule, Watched
    from infra.pointers import Pointers
    from infra.settings import Settings


class Alarms(Construct):
    """Alarms that go to the alert topic, when they are raised and when they are over.

    `all` has them in the order of their modules.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        watched: Watched,
        pointers: Pointers,
        settings: Settings,
    ) -> None:
        super().__init__(scope, construct_id)
        topic = watched.messaging.alerts
        self._action, self._pointers = actions.SnsAction(topic), pointers
        self.all = [
            self._alarm(rule) for rule in _rules(watched, settings) if _deployable(rule, settings)
        ]
        if self.all:
            _admit_alarms(topic)

    def _alarm(self, rule: AlarmRule) -> cloudwatch.Alarm:
        """Alarm of a rule; its name is its subject in a mail, so it is ours and not generated."""
        alarm = cloudwatch.Alarm(
            self,
            rule.name,
            alarm_name=f"{Aws.STACK_NAME}-{rule.name}",
            metric=rule.metric,
            threshold=rule.threshold,
            evaluation_periods=rule.periods,
            comparison_operator=rule.raised,
            treat_missing_data=rule.missing,
            alarm_description=f"{PRODUCT}: {rule.happened} To see more, type: "
            f"{self._pointers.command(rule.look)} - What to do: {RUNBOOK}, section {rule.section}",
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm


def _deployable(rule: AlarmRule, settings: Settings) -> bool:
    """Whether the target makes such an alarm: the local cloud has none on expressions."""
    return settings.target is Target.AWS or not isinstance(rule.metric, cloudwatch.MathExpression)


def _rules(watched: Watched, settings: Settings) -> Iterable[AlarmRule]:
    """Alarms that the settings ask for."""
    match settings.alarms:
        case AlarmLevel.NONE:
            return []
        case AlarmLevel.FAILURES:
            return failure_rules(watched, settings)
        case AlarmLevel.ALL:
            return chain(failure_rules(watched, settings), limit_rules(watched, settings))


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
