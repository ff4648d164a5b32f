"""One stage's function, with its own role and log group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.settings import Settings, Target
from pipeline.constants import (
    ENV_OUTPUT_BUCKET,
    ENV_STAGING_BUCKET,
    METRICS_NAMESPACE,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from infra.storage import Storage


class StageFunction(Construct):
    """The function of one stage.

    Parameters
    ----------
    stage
        Names the handler's package and the asset.
    asset
        Folder that holds all first-party code of the function.
    layers
        Third-party code; empty for the local target, whose interpreter has it installed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: Settings,
        storage: Storage,
        asset: Path,
        layers: Sequence[lambda_.LayerVersion],
    ) -> None:
        super().__init__(scope, construct_id)
        size = settings.stages[stage]
        local = settings.target is Target.LOCAL
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=settings.log_retention,
            # Logs end by their retention; kept ones would outlive the name of a deleted stack.
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = _role(self, stage=stage, log_group=log_group)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Lambda Pipelines: {stage}",
            runtime=lambda_.Runtime.PROVIDED_AL2023 if local else lambda_.Runtime.PYTHON_3_13,
            architecture=None if local else lambda_.Architecture.ARM_64,
            handler=f"functions.{stage}.handler.lambda_handler",
            code=lambda_.Code.from_asset(str(asset)),
            layers=layers,
            role=self.role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE,
            memory_size=size.memory_mb,
            timeout=Duration.seconds(size.timeout_s),
            ephemeral_storage_size=Size.mebibytes(size.ephemeral_storage_mb),
            environment=_environment(stage, storage),
        )


def _role(scope: Construct, *, stage: str, log_group: logs.LogGroup) -> iam.Role:
    """Role that may write the function's own log; the stack grants the rest."""
    role = iam.Role(
        scope,
        "Role",
        description=f"Lambda Pipelines: {stage}",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    log_group.grant_write(role)
    return role


def _environment(stage: str, storage: Storage) -> dict[str, str]:
    """Environment variables of the function."""
    return {
        ENV_OUTPUT_BUCKET: storage.output.bucket_name,
        ENV_STAGING_BUCKET: storage.staging.bucket_name,
        "POWERTOOLS_SERVICE_NAME": stage,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
