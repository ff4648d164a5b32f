from __future__ import annotations

from tests.infra.synthesis import Template, properties, text


def test_rule_matches_objects_below_the_input_prefix(aws_template: Template) -> None:
    rule = properties(aws_template, "AWS::Events::Rule", "TriggerRule")
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    assert pattern["detail"]["object"] == {"key": [{"prefix": "input/"}]}
    (bucket,) = pattern["detail"]["bucket"]["name"]
    assert text(bucket).startswith("<StorageInput")


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


def test_endings_that_no_catch_sees_reach_queue_and_topic(aws_template: Template) -> None:
    rule = properties(aws_template, "AWS::Events::Rule", "UncaughtRule")
    detail = rule["EventPattern"]["detail"]
    assert detail["$or"] == [
        {"status": ["TIMED_OUT", "ABORTED"]},
        {"status": ["FAILED"], "error": ["States.Runtime", "States.DataLimitExceeded"]},
    ]
    assert text(detail["stateMachineArn"][0]).startswith("<PipelineMachine")
    queue, topic = rule["Targets"]
    assert text(queue["Arn"]).startswith("<MessagingDeadLetters")
    assert text(topic["Arn"]).startswith("<MessagingAlerts")
    assert all("DeadLetterConfig" in target for target in rule["Targets"])
