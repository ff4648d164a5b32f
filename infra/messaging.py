"""Where failures go: queues that keep them and a topic that tells a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

if TYPE_CHECKING:
    from infra.settings import Settings


class Messaging(Construct):
    """The failed runs' dead-letter queue, the undelivered events' one, and the alert topic.

    All are encrypted with keys that the service owns. A key of our own would have to admit Step
    Functions, EventBridge and CloudWatch by name, and an omission silences every alert.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._queue("DeadLetters", settings)
        self.undelivered_events = self._queue("UndeliveredEvents", settings)
        self.alerts = sns.Topic(
            self, "Alerts", display_name="Lambda Pipelines", enforce_ssl=settings.tls_only
        )
        if settings.alert_email:
            self.alerts.add_subscription(subscriptions.EmailSubscription(settings.alert_email))

    def _queue(self, name: str, settings: Settings) -> sqs.Queue:
        """Queue that keeps its messages as long as the service allows."""
        return sqs.Queue(
            self,
            name,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=settings.tls_only,
            retention_period=Duration.days(settings.dead_letter_days),
            removal_policy=settings.removal_policy,
        )
