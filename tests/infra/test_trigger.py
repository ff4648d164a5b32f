from __future__ import annotations

import json

import pytest

from pipeline.constants import LOOKUPS_PREFIX
from tests.infra.synthesis import Template, properties, text


def test_rule_matches_objects_below_the_input_prefix(aws_template: Template) -> None:
    rule = properties(aws_template, "AWS::Events::Rule", "TriggerRule")
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert pattern["detail"]["object"] == {"key": [{"prefix": "input/"}]}
    (bucket,) = pattern["detail"]["bucket"]["name"]
    assert text(bucket).startswith("<StorageInput")


def test_upload_of_a_lookup_starts_nothing(aws_template: Template) -> None:
    rule = properties(aws_template, "AWS::Events::Rule", "TriggerRule")
    (condition,) = rule["EventPattern"]["detail"]["object"]["key"]
    assert not f"{LOOKUPS_PREFIX}places.csv".startswith(condition["prefix"])


def test_event_that_cannot_be_delivered_is_retried_and_then_kept(aws_template: Template) -> None:
    rule = properties(aws_template, "AWS::Events::Rule", "TriggerRule")
    (target,) = rule["Targets"]
    assert text(target["Arn"]).startswith("<PipelineMachine")
    assert target["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 24 * 3600,
        "MaximumRetryAttempts": 185,
    }
    assert text(target["DeadLetterConfig"]["Arn"]).startswith("<MessagingUndeliveredEvents")


def test_event_reaches_the_execution_as_it_came(aws_template: Template) -> None:
    (target,) = properties(aws_template, "AWS::Events::Rule", "TriggerRule")["Targets"]
    assert not {"Input", "InputPath", "InputTransformer"} & set(target)


@pytest.mark.parametrize("rule", ["UncaughtEnded", "UncaughtFailed"])
def test_endings_that_no_catch_sees_reach_queue_and_topic(
    aws_template: Template, rule: str
) -> None:
    uncaught = properties(aws_template, "AWS::Events::Rule", rule)
    detail = uncaught["EventPattern"]["detail"]
    assert text(detail["stateMachineArn"][0]).startswith("<PipelineMachine")
    queue, topic = uncaught["Targets"]
    assert text(queue["Arn"]).startswith("<MessagingDeadLetters")
    assert text(topic["Arn"]).startswith("<MessagingAlerts")
    assert all("DeadLetterConfig" in target for target in uncaught["Targets"])


def test_letter_of_an_uncaught_failure_leaves_out_what_eventbridge_cannot_know(
    aws_template: Template,
) -> None:
    queue, _ = properties(aws_template, "AWS::Events::Rule", "UncaughtFailed")["Targets"]
    letter = queue["InputTransformer"]["InputTemplate"]
    for name in queue["InputTransformer"]["InputPathsMap"]:
        letter = letter.replace(f"<{name}>", f'"{name}"')
    assert json.loads(letter) == {
        "schema_version": "2",
        "execution": {"arn": "detail-executionArn", "name": "detail-name"},
        "failure": {
            "stage": "unknown",
            "error": "detail-error",
            "message": "The execution ended without an answer from any stage.",
            "status_code": 500,
        },
        "rows": {},
        "rejects": {},
        "run": {},
        "event": "detail-input",
    }
