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

from infra.grants import allow, listing, reading, service
from infra.keys import admit_messages, admit_objects, admit_variables, data_key
from infra.logs import log_group
from infra.network import join_network
from infra.object_events import delivery, new_objects
from infra.settings import Target
from pipeline.constants import (
    ENV_LINEAGE_SECRET,
    ENV_LINEAGE_URL,
    LINEAGE_FUNCTION,
    LINEAGE_PREFIX,
    RETRY_MAX_ATTEMPTS,
)

if TYPE_CHECKING:
    from pathlib import Path

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
        self.role = self._role(settings, lineage, storage)
        self.function = self._function(settings, lineage, asset)
        undelivered = messaging.undelivered_events
        lambda_.EventInvokeConfig(
            self,
            "Attempts",
            function=self.function,
            retry_attempts=RETRY_MAX_ATTEMPTS,
            max_event_age=Duration.hours(6),
            on_failure=destinations.SqsDestination(undelivered),
        )
        events.Rule(
            self,
            "Rule",
            description=f"Lambda Pipelines: objects below {LINEAGE_PREFIX}",
            event_pattern=new_objects(storage.output, LINEAGE_PREFIX),
            targets=[targets.LambdaFunction(self.function, **delivery(undelivered))],
        )

    def _role(self, settings: Settings, lineage: Lineage, storage: Storage) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            description="Lambda Pipelines: sends lineage events",
            assumed_by=service("lambda.amazonaws.com"),
        )
        allow(role, reading(storage.output, _EVENTS), listing(storage.output, _EVENTS))
        if lineage.api_key_secret:
            allow(
                role,
                iam.PolicyStatement(
                    actions=["secretsmanager:GetSecretValue"], resources=[lineage.api_key_secret]
                ),
            )
        if key := data_key(self, settings):
            admit_variables(role, key)
            admit_objects(role, key, read=[storage.output], written=[])
            admit_messages(role, key, "sqs")
        return role

    def _function(self, settings: Settings, lineage: Lineage, asset: Path) -> lambda_.Function:
        local = settings.target is Target.LOCAL
        logs = log_group(self, settings=settings)
        logs.grant_write(self.role)
        secret = lineage.api_key_secret
        function = lambda_.Function(
            self,
            "Function",
            description="Lambda Pipelines: sends lineage events",
            runtime=lambda_.Runtime.PROVIDED_AL2023 if local else lambda_.Runtime.PYTHON_3_13,
            architecture=None if local else lambda_.Architecture.ARM_64,
            handler=f"functions.{LINEAGE_FUNCTION}.handler.lambda_handler",
            code=lambda_.Code.from_asset(str(asset)),
            role=self.role,
            log_group=logs,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=256,
            timeout=Duration.seconds(TIMEOUT_S),
            environment_encryption=data_key(self, settings),
            environment={
                ENV_LINEAGE_URL: address(lineage.url),
                **({ENV_LINEAGE_SECRET: secret} if secret else {}),
            },
        )
        join_network(function, self.role, settings)
        return function


def address(url: str) -> str:
    """Return where events are posted: what the setting says, or below it the usual path."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + ENDPOINT
