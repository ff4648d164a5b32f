from __future__ import annotations

import pytest

from tests.infra.synthesis import ROOT, Template, properties, resources, text

ALARMS = ("AlarmsUndeliveredEvents",)


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_tells_people_when_it_is_raised_and_when_it_is_over(
    aws_template: Template, name: str
) -> None:
    alarm = properties(aws_template, "AWS::CloudWatch::Alarm", name)
    (raised,), (over,) = alarm["AlarmActions"], alarm["OKActions"]
    assert raised == over
    assert text(raised).startswith("<MessagingAlerts")


@pytest.mark.parametrize("name", ALARMS)
def test_alarm_says_what_happened_and_what_to_do(aws_template: Template, name: str) -> None:
    said = text(properties(aws_template, "AWS::CloudWatch::Alarm", name)["AlarmDescription"])
    assert "type: pipeline " in said
    section = said.rpartition("docs/runbook.md, section ")[2]
    assert f"### {section}\n" in (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert len(said) <= 1024 - 128  # CloudWatch's limit; the stack's name may have 128 characters


def test_every_alarm_is_tested_here(aws_template: Template) -> None:
    alarms = resources(aws_template, "AWS::CloudWatch::Alarm")
    assert len(alarms) == len(ALARMS)


def test_one_undelivered_event_raises_an_alarm(aws_template: Template) -> None:
    alarm = properties(aws_template, "AWS::CloudWatch::Alarm", "AlarmsUndeliveredEvents")
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert alarm["Statistic"] == "Maximum"
    (dimension,) = alarm["Dimensions"]
    assert dimension["Name"] == "QueueName"
    assert text(dimension["Value"]).startswith("<MessagingUndeliveredEvents")
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (1, 1, 60)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert "dead-letters list --region <AWS::Region> --stack <AWS::StackName>" in text(
        alarm["AlarmDescription"]
    )


def test_topic_admits_the_accounts_alarms(aws_template: Template) -> None:
    policy = properties(aws_template, "AWS::SNS::TopicPolicy", "MessagingAlertsPolicy")
    (statement,) = (
        one
        for one in policy["PolicyDocument"]["Statement"]
        if one["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    )
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sns:Publish")
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }
