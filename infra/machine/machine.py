"""The state machine that takes one file through the five stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.logs import log_group
from infra.machine.failure_tail import failure_tail
from infra.machine.stage_chain import stage_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_lambda as lambda_
    from aws_cdk.aws_logs import LogGroup

    from infra.messaging import Messaging
    from infra.pointers import Pointers
    from infra.settings import Settings


class PipelineMachine(Construct):
    """Standard state machine: the stages, and the tail that every failure ends in.

    The library derives its role's permissions from the states: these five functions, this queue,
    this topic, and the tracing and log delivery that admit no narrower resource than all.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Mapping[str, lambda_.IFunction],
        messaging: Messaging,
        pointers: Pointers,
        settings: Settings,
    ) -> None:
        super().__init__(scope, construct_id)
        tail = failure_tail(
            self,
            dead_letters=messaging.dead_letters,
            alerts=messaging.alerts,
            pointers=pointers,
        )
        start = stage_chain(
            self,
            functions=functions,
            alerts=messaging.alerts,
            settings=settings,
            on_failure=tail,
        )
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_chainable(start),
            state_machine_type=sfn.StateMachineType.STANDARD,
            comment="validate, clean, transform, enrich and write one file",
            timeout=Duration.seconds(settings.execution_timeout_s),
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=_log_group(self, settings),
                level=sfn.LogLevel.ALL,
                include_execution_data=settings.log_execution_data,
            ),
        )


def _log_group(scope: Construct, settings: Settings) -> LogGroup:
    """Log group of the executions.

    Each group that services deliver to takes room in a policy of the account that soon is full,
    except those below /aws/vendedlogs/, which share one entry.
    """
    return log_group(scope, settings=settings, name=f"/aws/vendedlogs/states/{Aws.STACK_NAME}")
