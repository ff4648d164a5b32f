"""The functions: each with its own role and log group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Aws, Duration, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.grants import service
from infra.keys import admit_variables, data_key
from infra.logs import log_group
from infra.network import join_network
from infra.settings import Settings, Target
from pipeline.constants import (
    ENV_METRICS_DETAIL,
    ENV_OUTPUT_BUCKET,
    ENV_STACK_NAME,
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
        self.function, self.role = python_function(
            self,
            package=stage,
            does=stage,
            settings=settings,
            asset=asset,
            layers=layers,
            memory_size=size.memory_mb,
            timeout=Duration.seconds(size.timeout_s),
            ephemeral_storage_size=Size.mebibytes(size.ephemeral_storage_mb),
            reserved_concurrent_executions=size.reserved_concurrency,
            environment=_environment(stage, storage, settings),
        )


def python_function(
    scope: Construct, *, package: str, does: str, settings: Settings, asset: Path, **options: Any
) -> tuple[lambda_.Function, iam.Role]:
    """Function with what all have in common, and its role, which may not do its work yet.

    Parameters
    ----------
    package
        Below `functions`; it has the handler.
    does
        Words for people.
    options
        The CDK's.
    """
    local = settings.target is Target.LOCAL
    logs, key = log_group(scope, settings=settings), data_key(scope, settings)
    description = f"Lambda Pipelines: {does}"
    role = iam.Role(
        scope, "Role", description=description, assumed_by=service("lambda.amazonaws.com")
    )
    logs.grant_write(role)
    if key:
        admit_variables(role, key)
    function = lambda_.Function(
        scope,
        "Function",
        description=description,
        runtime=lambda_.Runtime.PROVIDED_AL2023 if local else lambda_.Runtime.PYTHON_3_13,
        architecture=None if local else lambda_.Architecture.ARM_64,
        handler=f"functions.{package}.handler.lambda_handler",
        code=lambda_.Code.from_asset(str(asset)),
        role=role,
        log_group=logs,
        logging_format=lambda_.LoggingFormat.JSON,
        tracing=lambda_.Tracing.ACTIVE,
        environment_encryption=key,
        **options,
    )
    join_network(function, role, settings)
    return function, role


def _environment(stage: str, storage: Storage, settings: Settings) -> dict[str, str]:
    """Environment variables of the function."""
    return {
        ENV_OUTPUT_BUCKET: storage.output.bucket_name,
        ENV_STAGING_BUCKET: storage.staging.bucket_name,
        ENV_STACK_NAME: Aws.STACK_NAME,
        ENV_METRICS_DETAIL: settings.metrics,
        "POWERTOOLS_SERVICE_NAME": stage,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
