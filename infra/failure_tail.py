"""What happens after a stage has failed for good: kept in a queue, told to a person, failed.

A path that leads nowhere fails an execution past every Catch, and with it the alert. So nothing
here is read before a Choice has seen it, unless the state machine itself put it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from infra.alert_text import ALERT, MESSAGE, subject_of_client_error, subject_of_server_error
from infra.stage_chain import RUN, with_retry
from pipeline.constants import (
    DEAD_LETTER_SCHEMA_VERSION,
    STATE_ALERT,
    STATE_DEAD_LETTER,
    STATE_FAILED,
)
from pipeline.errors import client_error_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

TIMEOUT: Final = sfn.Timeout.duration(Duration.seconds(30))


def failure_tail(scope: Construct, *, dead_letters: sqs.Queue, alerts: sns.Topic) -> sfn.IChainable:
    """First of the states that follow when a stage has failed.

    They read `$.failure.Error` and, where present, `$.failure.Cause`, as Catch puts them there.
    """
    failed = sfn.Fail(
        scope, STATE_FAILED, error_path="$.failure.error", cause_path="$.failure.message"
    )
    alert = _alert_task(scope, alerts=alerts, failed=failed)
    letter = _dead_letter_task(scope, dead_letters=dead_letters, alert=alert)
    return _verdict(scope, then=_source(scope, then=_failure(scope, then=letter)))


def _verdict(scope: Construct, *, then: sfn.IChainable) -> sfn.Choice:
    """States that say whose fault it is, in `$.verdict`."""
    of_the_client = sfn.Condition.or_(
        *(sfn.Condition.string_equals("$.failure.Error", name) for name in client_error_names())
    )
    client = _told(400, subject_of_client_error(), ALERT.client)
    server = _told(500, subject_of_server_error(), ALERT.server)
    return (
        sfn.Choice(scope, "WhoseFault")
        .when(of_the_client, _pass(scope, "FaultOfTheFile", client, "$.verdict").next(then))
        .otherwise(_pass(scope, "FaultOfThePlatform", server, "$.verdict").next(then))
    )


def _told(status_code: int, subject: str, fault: str) -> dict[str, object]:
    """Verdict, with the words of the alert that tells it."""
    return {"status_code": status_code, "subject": subject, "fault": fault, "words": MESSAGE}


def _source(scope: Construct, *, then: sfn.IChainable) -> sfn.Choice:
    """States that name the file, in `$.source`; an execution may be started with anything."""
    bucket, key = "$.event.detail.bucket.name", "$.event.detail.object.key"
    address = sfn.JsonPath.format(
        "s3://{}/{}", sfn.JsonPath.string_at(bucket), sfn.JsonPath.string_at(key)
    )
    named = sfn.Condition.and_(_is_text(bucket), _is_text(key))
    known, unknown = {"address": address}, {"address": ALERT.no_file}
    return (
        sfn.Choice(scope, "IsFileNamed")
        .when(named, _pass(scope, "FileNamed", known, "$.source").next(then))
        .otherwise(_pass(scope, "FileUnknown", unknown, "$.source").next(then))
    )


def _failure(scope: Construct, *, then: sfn.IChainable) -> sfn.Choice:
    """States that put stage, error, message and status code into `$.failure`."""
    cause, parsed = "$.failure.Cause", "$.exception.cause"
    told = f"{parsed}.errorMessage"
    # A cause that was cut off does not end in a brace, and would break the parser.
    is_exception = sfn.Condition.and_(
        sfn.Condition.is_present(cause), sfn.Condition.string_matches(cause, '{*"errorMessage"*}')
    )
    exception = {"cause": sfn.JsonPath.string_to_json(sfn.JsonPath.string_at(cause))}
    from_cause = _pass(scope, "MessageOfCause", _shaped(sfn.JsonPath.string_at(cause)), "$.failure")
    from_exception = _pass(
        scope, "MessageOfException", _shaped(sfn.JsonPath.string_at(told)), "$.failure"
    )
    missing = _pass(scope, "MessageMissing", _shaped(ALERT.no_message), "$.failure")
    for message in (from_cause, from_exception, missing):
        message.next(then)
    is_told = sfn.Choice(scope, "IsExceptionTold").when(_is_text(told), from_exception)
    return (
        sfn.Choice(scope, "WhatIsKnown")
        .when(
            is_exception,
            _pass(scope, "ReadException", exception, "$.exception").next(
                is_told.otherwise(from_cause)
            ),
        )
        .when(_is_text(cause), from_cause)
        .otherwise(missing)
    )


def _shaped(message: str) -> dict[str, object]:
    """Failure as the dead letter and the end of the execution carry it."""
    return {
        "stage": sfn.JsonPath.string_at("$.current.stage"),
        "error": sfn.JsonPath.string_at("$.failure.Error"),
        "message": message,
        "status_code": sfn.JsonPath.number_at("$.verdict.status_code"),
    }


def _dead_letter_task(
    scope: Construct, *, dead_letters: sqs.Queue, alert: sfn.State
) -> sfn.TaskStateBase:
    """Task that keeps the failed run; a queue that refuses must not silence the alert."""
    body = {
        "schema_version": DEAD_LETTER_SCHEMA_VERSION,
        "execution": sfn.JsonPath.object_at("$.execution"),
        "failure": sfn.JsonPath.object_at("$.failure"),
        "run": sfn.JsonPath.object_at(RUN),
        "event": sfn.JsonPath.object_at("$.event"),
    }
    task = tasks.SqsSendMessage(
        scope,
        STATE_DEAD_LETTER,
        queue=dead_letters,
        message_body=sfn.TaskInput.from_object(body),
        result_selector={"note": ALERT.kept(dead_letters.queue_url)},
        result_path="$.kept",
        task_timeout=TIMEOUT,
    )
    refused = _pass(scope, "QueueRefused", {"note": ALERT.not_kept}, "$.kept")
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
        message=sfn.TaskInput.from_text(ALERT.message()),
        result_path="$.alerted",
        task_timeout=TIMEOUT,
    )
    with_retry(task).add_catch(failed, errors=[sfn.Errors.ALL], result_path="$.refused_by_topic")
    task.next(failed)
    return task


def _is_text(path: str) -> sfn.Condition:
    """Condition that there is a string at `path`."""
    return sfn.Condition.and_(sfn.Condition.is_present(path), sfn.Condition.is_string(path))


def _pass(scope: Construct, name: str, parameters: Mapping[str, object], result: str) -> sfn.Pass:
    """State that puts `parameters` at the path `result`."""
    return sfn.Pass(scope, name, parameters=parameters, result_path=result)
