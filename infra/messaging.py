"""Where failures go: queues that keep them and a topic that tells a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.keys import data_key

if TYPE_CHECKING:
    from infra.settings import Settings


class Messaging(Construct):
    """The failed runs' dead-letter queue, the undelivered events' one, and the alert topic.

    Without a key of the customer's, the queues are encrypted with SQS's own and the topic with
    none: no key's policy can silence them. `infra.keys` says whom a customer's key must admit.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._queue("DeadLetters", settings)
        self.undelivered_events = self._queue("UndeliveredEvents", settings)
        self.alerts = self._topic("Alerts", settings)
        if settings.alert_email:
            self.alerts.add_subscription(subscriptions.EmailSubscription(settings.alert_email))

    def _topic(self, name: str, settings: Settings) -> sns.Topic:
        """Topic that a person listens to."""
        topic = sns.Topic(
            self, name, display_name="Lambda Pipelines", enforce_ssl=settings.tls_only
        )
        resource = topic.node.default_child
        assert isinstance(resource, sns.CfnTopic)
        resource.kms_master_key_id = self._key_arn(settings)
        return topic

    def _queue(self, name: str, settings: Settings) -> sqs.Queue:
        """Queue that keeps its messages as long as the service allows."""
        key = self._key_arn(settings)
        queue = sqs.Queue(
            self,
            name,
            encryption=None if key else sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=settings.tls_only,
            retention_period=Duration.days(settings.dead_letter_days),
            removal_policy=settings.data_removal_policy,
        )
        resource = queue.node.default_child
        assert isinstance(resource, sqs.CfnQueue)
        resource.kms_master_key_id = key
        return queue

    def _key_arn(self, settings: Settings) -> str | None:
        """ARN of the customer's key, if there is one.

        It is set past the library's own option, with which senders get kms:GenerateDataKey* and
        EventBridge's rules are no longer told apart by the queues' policies.
        """
        key = data_key(self, settings)
        return key.key_arn if key else None
