"""An object below the input prefix starts an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from pipeline.constants import INPUT_PREFIX

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sqs as sqs
    from aws_cdk import aws_stepfunctions as sfn


class UploadTrigger(Construct):
    """Rule from the input bucket's events to the state machine.

    A pattern's conditions on one field are alternatives, so that "below the prefix, and not a
    folder's marker" cannot be said here: the first stage tells markers from files. Nor are
    objects without bytes left out, because an empty file is a failure that somebody must hear of.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.Bucket,
        machine: sfn.StateMachine,
        undelivered: sqs.Queue,
    ) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        events.Rule(
            self,
            "Rule",
            description=f"Lambda Pipelines: objects below {INPUT_PREFIX}",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [{"prefix": INPUT_PREFIX}]},
                },
            ),
            targets=[
                targets.SfnStateMachine(
                    machine,
                    role=role,
                    dead_letter_queue=undelivered,
                    max_event_age=Duration.hours(24),
                    retry_attempts=185,
                )
            ],
        )
