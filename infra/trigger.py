"""An object below the input prefix starts an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import service
from infra.object_events import delivery, new_objects
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
        rules = f"events:{Aws.REGION}:{Aws.ACCOUNT_ID}:rule/*"
        role = iam.Role(self, "Role", assumed_by=service("events.amazonaws.com", source=rules))
        self.rule = events.Rule(
            self,
            "Rule",
            description=f"Lambda Pipelines: objects below {INPUT_PREFIX}",
            event_pattern=new_objects(bucket, INPUT_PREFIX),
            targets=[targets.SfnStateMachine(machine, role=role, **delivery(undelivered))],
        )
