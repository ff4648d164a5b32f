"""Executions that end where no Catch sees it reach the same queue and the same people, once.

A Catch belongs to a state. An execution that runs out of time, is stopped, or breaks a limit of
Step Functions itself ends past every one of them; EventBridge tells of it all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.machine.alert_text import PRODUCT
from infra.pointers import RUNBOOK
from pipeline.constants import DEAD_LETTER_SCHEMA_VERSION, UNKNOWN_STAGE

if TYPE_CHECKING:
    from aws_cdk import aws_stepfunctions as sfn

    from infra.messaging import Messaging
    from infra.pointers import Pointers

UNCATCHABLE_STATUSES: Final = ("TIMED_OUT", "ABORTED")
UNCATCHABLE_ERRORS: Final = (
    "States.Runtime",
    "States.DataLimitExceeded",
    # Of a Pass, which can have no Catch. The tasks read nothing that may be absent.
    "States.IntrinsicFailure",
    "States.ParameterPathFailure",
)
"""Errors that an execution fails with although everything that can be caught is.

A caught one fails it too, with its own name, in the tail's last state: what may be caught must not
stand here, or would be told twice.
"""


class UncaughtFailures(Construct):
    """Rules from the executions' endings to the dead-letter queue and the alert topic.

    There are two, because only a failed execution has an error; of a stopped or timed-out one the
    field is empty, and its status says it all.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        machine: sfn.StateMachine,
        messaging: Messaging,
        pointers: Pointers,
    ) -> None:
        super().__init__(scope, construct_id)
        self._machine, self._messaging, self._pointers = machine, messaging, pointers
        self.rules = (
            self._rule(
                "Ended",
                {"status": list(UNCATCHABLE_STATUSES)},
                error=_of_execution("status"),
            ),
            self._rule(
                "Failed",
                {"status": ["FAILED"], "error": list(UNCATCHABLE_ERRORS)},
                error=_of_execution("error"),
            ),
        )

    def _rule(self, name: str, detail: dict[str, list[str]], *, error: str) -> events.Rule:
        """Rule for endings of which `error` is the name."""
        undelivered = self._messaging.undelivered_events
        return events.Rule(
            self,
            name,
            description=f"{PRODUCT}: executions that ended past every Catch",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"stateMachineArn": [self._machine.state_machine_arn], **detail},
            ),
            targets=[
                targets.SqsQueue(
                    self._messaging.dead_letters,
                    message=_dead_letter(error),
                    dead_letter_queue=undelivered,
                ),
                targets.SnsTopic(
                    self._messaging.alerts,
                    message=_alert(error, self._pointers),
                    dead_letter_queue=undelivered,
                ),
            ],
        )


def _of_execution(field: str) -> str:
    """Field of the execution that an event tells of."""
    return events.EventField.from_path(f"$.detail.{field}")


def _dead_letter(error: str) -> events.RuleTargetInput:
    """Message of the shape that Catch sends, but for `event`: the input as JSON text.

    EventBridge cannot look into that text, so the fields that name run and file are left out.
    """
    return events.RuleTargetInput.from_object(
        {
            "schema_version": DEAD_LETTER_SCHEMA_VERSION,
            "execution": {"arn": _of_execution("executionArn"), "name": _of_execution("name")},
            "failure": {
                "stage": UNKNOWN_STAGE,
                "error": error,
                "message": "The execution ended without an answer from any stage.",
                "status_code": 500,
            },
            "rows": {},
            "rejects": {},
            "run": {},
            "event": _of_execution("input"),
        }
    )


def _alert(error: str, pointers: Pointers) -> events.RuleTargetInput:
    """Text for a person; EventBridge allows it no subject, and no line breaks within."""
    name = _of_execution("name")
    page = pointers.page(_of_execution("executionArn"))
    return events.RuleTargetInput.from_text(
        f"A run of {PRODUCT} ended with {error} before any stage could say why: it ran out of "
        "time, was stopped, or broke a limit of Step Functions (status 500). The input file is "
        "untouched, this run was published whole or not at all, and its dead letter is in the "
        "queue. "
        f"To see what happened, type: {pointers.command(f'show {name}')} - "
        f"To run the file again, type: {pointers.command(f'dead-letters replay {name}')} - "
        f"What to do about this error: {RUNBOOK}, section {error} - "
        f"Execution: {page or _of_execution('executionArn')}"
    )
