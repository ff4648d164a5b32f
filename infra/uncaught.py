"""Executions that end where no Catch sees it reach the same queue and the same people.

A Catch belongs to a state. An execution that runs out of time, is stopped, or breaks a limit of
Step Functions itself ends past every one of them; EventBridge tells of it all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.alert_text import PRODUCT
from pipeline.constants import DEAD_LETTER_SCHEMA_VERSION

if TYPE_CHECKING:
    from aws_cdk import aws_stepfunctions as sfn

    from infra.messaging import Messaging

UNCATCHABLE_STATUSES: Final = ("TIMED_OUT", "ABORTED")
UNCATCHABLE_ERRORS: Final = ("States.Runtime", "States.DataLimitExceeded")
UNKNOWN_STAGE: Final = "unknown"


class UncaughtFailures(Construct):
    """Rule from the executions' endings to the dead-letter queue and the alert topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        machine: sfn.StateMachine,
        messaging: Messaging,
    ) -> None:
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "Rule",
            description=f"{PRODUCT}: executions that ended past every Catch",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [machine.state_machine_arn],
                    "$or": [
                        {"status": list(UNCATCHABLE_STATUSES)},
                        {"status": ["FAILED"], "error": list(UNCATCHABLE_ERRORS)},
                    ],
                },
            ),
            targets=[
                targets.SqsQueue(
                    messaging.dead_letters,
                    message=_dead_letter(),
                    dead_letter_queue=messaging.undelivered_events,
                ),
                targets.SnsTopic(
                    messaging.alerts,
                    message=_alert(),
                    dead_letter_queue=messaging.undelivered_events,
                ),
            ],
        )


def _dead_letter() -> events.RuleTargetInput:
    """Message of the shape that Catch sends, but for `event`: the input as JSON text."""
    at = events.EventField.from_path
    return events.RuleTargetInput.from_object(
        {
            "schema_version": DEAD_LETTER_SCHEMA_VERSION,
            "execution": {"arn": at("$.detail.executionArn"), "name": at("$.detail.name")},
            "failure": {
                "stage": UNKNOWN_STAGE,
                "error": at("$.detail.status"),
                "message": "The execution ended without an answer from any stage.",
                "status_code": 500,
            },
            "run": {},
            "event": at("$.detail.input"),
        }
    )


def _alert() -> events.RuleTargetInput:
    """Text for a person; EventBridge allows it no subject, and no line breaks within."""
    status = events.EventField.from_path("$.detail.status")
    arn = events.EventField.from_path("$.detail.executionArn")
    return events.RuleTargetInput.from_text(
        f"A run of {PRODUCT} ended with status {status} before any stage could say why: it ran "
        "out of time, was stopped, or broke a limit of Step Functions (status 500). The input "
        "file is untouched, and the run is kept in the dead-letter queue. "
        f"To see what happened, type: pipeline show {arn}"
    )
