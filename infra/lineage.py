"""Sends OpenLineage events out of the account, for deployments that name a receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from infra.functions import python_function
from infra.grants import allow, listing, reading
from infra.keys import admit_messages, admit_objects, data_key
from infra.object_events import delivery, new_objects
from pipeline.constants import (
    ENV_LINEAGE_SECRET,
    ENV_LINEAGE_URL,
    LINEAGE_FUNCTION,
    LINEAGE_PREFIX,
    RETRY_MAX_ATTEMPTS,
)

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_kms as kms

    from infra.messaging import Messaging
    from infra.settings import Lineage, Settings
    from infra.storage import Storage

ENDPOINT: Final = "/api/v1/lineage"
"""Where receivers take events, as openlineage-python has it, if the address names no path."""
TIMEOUT_S: Final = 60
"""Two posts at their longest, and the reading of object and key."""
_EVENTS: Final = f"{LINEAGE_PREFIX}*"


class LineageSender(Construct):
    """Rule from new events in the output bucket to the function that posts them.

    The function is no stage: whatever becomes of it, runs are not touched. It may read the events,
    and the receiver's key; what it could not send goes to the queue of undelivered events.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        lineage: Lineage,
        storage: Storage,
        messaging: Messaging,
        asset: Path,
    ) -> None:
        super().__init__(scope, construct_id)
        secret = lineage.api_key_secret
        function, role = python_function(
            self,
            package=LINEAGE_FUNCTION,
            does="sends lineage events",
            settings=settings,
            asset=asset,
            memory_size=256,
            timeout=Duration.seconds(TIMEOUT_S),
            environment={
                ENV_LINEAGE_URL: address(lineage.url),
                **({ENV_LINEAGE_SECRET: secret} if secret else {}),
            },
        )
        _grant(role, secret, storage, data_key(self, settings))
        undelivered = messaging.undelivered_events
        lambda_.EventInvokeConfig(
            self,
            "Attempts",
            function=function,
            retry_attempts=RETRY_MAX_ATTEMPTS,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(undelivered),
        )
        events.Rule(
            self,
            "Rule",
            description=f"Lambda Pipelines: objects below {LINEAGE_PREFIX}",
            event_pattern=new_objects(storage.output, LINEAGE_PREFIX),
            targets=[targets.LambdaFunction(function, **delivery(undelivered))],
        )


def _grant(role: iam.Role, secret: str | None, storage: Storage, key: kms.IKey | None) -> None:
    """Let the function read the events, and the receiver's key, if there is one."""
    allow(role, reading(storage.output, _EVENTS), listing(storage.output, _EVENTS))
    if secret:
        actions = ["secretsmanager:GetSecretValue"]
        allow(role, iam.PolicyStatement(actions=actions, resources=[secret]))
    if key:
        admit_objects(role, key, read=[storage.output], written=[])
        admit_messages(role, key, "sqs")


def address(url: str) -> str:
    """Return where events are posted: what the setting says, or below it the usual path."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + ENDPOINT
