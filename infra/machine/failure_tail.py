"""What happens after a stage has failed for good: kept in a queue, told to a person, failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from infra.machine.alert_text import (
    FILE,
    KEPT,
    MESSAGE_VALUES,
    NOT_KEPT,
    PLATFORM,
    STACK,
    Fault,
    message_template,
)
from infra.machine.failure_facts import failure_facts, is_error, put
from infra.machine.stage_chain import RUN, TELLING_TIMEOUT, with_retry
from pipeline.constants import (
    DEAD_LETTER_SCHEMA_VERSION,
    STATE_ALERT,
    STATE_DEAD_LETTER,
    STATE_FAILED,
)
from pipeline.errors import InternalError, client_error_names, leaf_names

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

    from infra.pointers import Pointers

OWN_FIELDS: Final = ("dataset", "source", "run_id", "rows", "rejects")
"""Fields of the dead letter that tell which run, of which file, failed."""


def failure_tail(
    scope: Construct, *, dead_letters: sqs.Queue, alerts: sns.Topic, pointers: Pointers
) -> sfn.IChainable:
    """First of the states that follow when a stage has failed.

    They read `$.failure.Error` and, where present, `$.failure.Cause`, as Catch puts them there.
    """
    failed = sfn.Fail(
        scope, STATE_FAILED, error_path="$.failure.error", cause_path="$.failure.message"
    )
    alert = _alert_task(scope, alerts=alerts, failed=failed)
    letter = _dead_letter_task(scope, dead_letters=dead_letters, alert=alert)
    facts = failure_facts(scope, then=letter)
    return _verdict(scope, template=message_template(pointers), then=facts)


def _verdict(scope: Construct, *, template: str, then: sfn.IChainable) -> sfn.Choice:
    """States that say whose fault it is, in `$.verdict`."""

    def said(name: str, fault: Fault) -> sfn.Chain:
        return put(scope, name, _words(fault, template), "$.verdict").next(then)

    return (
        sfn.Choice(scope, "WhoseFault")
        .when(is_error(client_error_names()), said("FaultOfTheFile", FILE))
        .when(is_error(leaf_names(InternalError)), said("FaultOfTheStack", STACK))
        .otherwise(said("FaultOfThePlatform", PLATFORM))
    )


def _words(fault: Fault, template: str) -> dict[str, object]:
    """Verdict, with the words of the alert that tells it.

    The alert's words travel in the state: a literal with line breaks in it is nothing that the
    language promises to read.
    """
    named = ("$.current.stage", *(("$.failure.Error",) if fault.names_error else ()))
    return {
        "status_code": fault.status_code,
        "subject": _formatted(fault.subject, named),
        "advice": fault.advice,
        "template": template,
    }


def _dead_letter_task(
    scope: Construct, *, dead_letters: sqs.Queue, alert: sfn.State
) -> sfn.TaskStateBase:
    """Task that keeps the failed run; a queue that refuses must not silence the alert."""
    at = sfn.JsonPath.object_at
    failure = ("stage", "error", "message", "status_code")
    body = {
        "schema_version": DEAD_LETTER_SCHEMA_VERSION,
        "execution": at("$.execution"),
        **{field: at(f"$.failure.{field}") for field in OWN_FIELDS},
        "failure": {field: at(f"$.failure.{field}") for field in failure},
        "run": at(RUN),
        "event": at("$.event"),
    }
    task = tasks.SqsSendMessage(
        scope,
        STATE_DEAD_LETTER,
        queue=dead_letters,
        message_body=sfn.TaskInput.from_object(body),
        result_selector={"note": KEPT.format(dead_letters.queue_url)},
        result_path="$.kept",
        task_timeout=TELLING_TIMEOUT,
    )
    refused = put(scope, "QueueRefused", {"note": NOT_KEPT}, "$.kept")
    refused.next(alert)
    with_retry(task).add_catch(refused, errors=[sfn.Errors.ALL], result_path="$.refused_by_queue")
    task.next(alert)
    return task


def _alert_task(scope: Construct, *, alerts: sns.Topic, failed: sfn.Fail) -> sfn.TaskStateBase:
    """Task that tells a person; a topic that refuses must not hide the first error."""
    task = tasks.SnsPublish(
        scope,
        STATE_ALERT,
        topic=alerts,
        subject=sfn.JsonPath.string_at("$.verdict.subject"),
        message=sfn.TaskInput.from_text(
            _formatted(sfn.JsonPath.string_at("$.verdict.template"), MESSAGE_VALUES)
        ),
        result_path="$.alerted",
        task_timeout=TELLING_TIMEOUT,
    )
    with_retry(task).add_catch(failed, errors=[sfn.Errors.ALL], result_path="$.refused_by_topic")
    task.next(failed)
    return task


def _formatted(template: str, paths: tuple[str, ...]) -> str:
    """Template whose places Step Functions fills with the values at these paths."""
    return sfn.JsonPath.format(template, *(sfn.JsonPath.string_at(path) for path in paths))
