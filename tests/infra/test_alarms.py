from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.context import ALARM_BOUNDS
from infra.settings import AlarmSettings
from tests.infra.synthesis import ROOT, Template, properties, resources, synthesised, text

if TYPE_CHECKING:
    from pathlib import Path

FAILURES = (
    *("UndeliveredEvents", "Stall"),
    *("UploadsNotDelivered", "EndedRunsNotDelivered", "FailedRunsNotDelivered"),
    *("UploadsLost", "EndedRunsLost", "FailedRunsLost"),
    *("DeadLetters", "DeadLetterAge", "FailedRuns", "TimedOutRuns"),
)
LIMITS = (
    *(
        f"{stage}{limit}"
        for stage in ("Validate", "Clean", "Transform", "Enrich", "Write")
        for limit in ("Errors", "Throttles", "Duration", "Memory")
    ),
    *("ThrottledStates", "SuccessRate", "ErrorRate", "Latency"),
)


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """Properties of the alarms, by name without the stack's."""
    found = [one["Properties"] for one in resources(template, "AWS::CloudWatch::Alarm").values()]
    return {text(alarm["AlarmName"]).removeprefix("<AWS::StackName>-"): alarm for alarm in found}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """Metrics that an alarm looks at, with namespace, name and dimensions."""
    queries = alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}])
    return [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]


# --- Every alarm ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAILURES + LIMITS)
def test_alarm_tells_people_when_it_is_raised_and_when_it_is_over(
    aws_template: Template, name: str
) -> None:
    alarm = alarms(aws_template)[name]
    (raised,), (over,) = alarm["AlarmActions"], alarm["OKActions"]
    assert raised == over
    assert text(raised).startswith("<MessagingAlerts")
    assert "ActionsEnabled" not in alarm


@pytest.mark.parametrize("name", FAILURES + LIMITS)
def test_alarm_says_what_happened_and_what_to_do(aws_template: Template, name: str) -> None:
    said = text(alarms(aws_template)[name]["AlarmDescription"])
    assert said.startswith("Lambda Pipelines: ")
    assert "type: pipeline " in said
    section = said.rpartition("docs/runbook.md, section ")[2]
    assert f"### {section}\n" in (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert len(said) <= 1024 - 128  # CloudWatch's limit; the stack's name may have 128 characters


def test_every_alarm_is_tested_here(aws_template: Template) -> None:
    assert set(alarms(aws_template)) == {*FAILURES, *LIMITS}


def test_a_stack_for_development_has_the_alarms_about_failures(dev_template: Template) -> None:
    assert set(alarms(dev_template)) == set(FAILURES)


def test_the_local_cloud_has_those_that_it_can_make(local_template: Template) -> None:
    on_expressions = {"Stall", "SuccessRate", "ErrorRate"}
    assert set(alarms(local_template)) == {*FAILURES, *LIMITS} - on_expressions


def test_a_stack_can_do_without_alarms(tmp_path: Path) -> None:
    template = synthesised(tmp_path, alarms="none")
    assert not alarms(template)
    assert "cloudwatch.amazonaws.com" not in json.dumps(template)


def test_alarms_cost_what_the_manual_says(aws_template: Template, dev_template: Template) -> None:
    manual = " ".join((ROOT / "docs" / "runbook.md").read_text("utf-8").split())
    for template in (aws_template, dev_template):
        found = alarms(template).values()
        looked_at = sum(len(metrics_of(alarm)) for alarm in found)
        assert f"{len(found)} alarms on {looked_at} metrics" in manual
        assert f"USD {looked_at / 10:.2f} a month" in manual


@pytest.mark.parametrize("setting", ALARM_BOUNDS)
def test_runbook_says_how_to_change_every_limit(setting: str) -> None:
    assert f"alarm.{setting}=" in (ROOT / "docs" / "runbook.md").read_text("utf-8")


def test_alarms_keep_cloudwatchs_limits(aws_template: Template) -> None:
    for name, alarm in alarms(aws_template).items():
        queries = alarm.get("Metrics", [])
        period = alarm.get("Period") or next(
            query["MetricStat"]["Period"] for query in queries if "MetricStat" in query
        )
        window = period * alarm["EvaluationPeriods"]
        assert window <= (7 * 86_400 if period >= 3600 else 86_400), name
        assert sum("MetricStat" in query for query in queries) <= 10, name
        assert sum("Expression" in query for query in queries) <= 10, name
        assert sum(query.get("ReturnData", True) for query in queries) in (0, 1), name


def test_metrics_have_the_dimensions_that_the_services_tell_them_with(
    aws_template: Template,
) -> None:
    expected = {
        "AWS/SQS": {"QueueName"},
        "AWS/Events": {"RuleName"},
        "AWS/States": {"StateMachineArn"},
        "AWS/Lambda": {"FunctionName"},
        "LambdaPipelines/MemoryUtilization": {"stack", "stage"},
        "LambdaPipelines/UploadToCommitSeconds": {"stack"},
    }
    for name, alarm in alarms(aws_template).items():
        for metric in metrics_of(alarm):
            space, dimensions = metric["Namespace"], {one["Name"] for one in metric["Dimensions"]}
            known = expected.get(space) or expected[f"{space}/{metric['MetricName']}"]
            assert dimensions == known, name


# --- Thresholds ----------------------------------------------------------------------------------


def test_thresholds_are_settings(tmp_path: Path) -> None:
    # GIVEN another value than the default for every one of them
    context = {
        "errors": 7,
        "throttles": 3,
        "duration_percent": 60,
        "memory_percent": 70,
        "success_percent": 90,
        "error_percent": 11,
        "rate_minutes": 30,
        "rate_minimum": 40,
        "latency_s": 90,
        "failures": 9,
        "dead_letters": 4,
        "dead_letter_age_h": 12,
        "stall_minutes": 45,
    }
    assert set(context) == set(ALARM_BOUNDS) == set(AlarmSettings.__dataclass_fields__)
    given = {f"alarm.{name}": str(value) for name, value in context.items()}

    # WHEN
    found = alarms(synthesised(tmp_path, **given, **{"write.timeout_s": "100"}))

    # THEN
    thresholds = {name: alarm["Threshold"] for name, alarm in found.items()}
    assert thresholds["CleanErrors"] == 7
    assert thresholds["CleanThrottles"] == thresholds["ThrottledStates"] == 3
    assert thresholds["WriteDuration"] == 60_000  # milliseconds
    assert thresholds["WriteMemory"] == 70
    assert (thresholds["SuccessRate"], thresholds["ErrorRate"]) == (90, 11)
    assert thresholds["Latency"] == 90
    assert (thresholds["FailedRuns"], thresholds["DeadLetters"]) == (9, 4)
    assert found["DeadLetterAge"]["EvaluationPeriods"] == 13
    assert found["Stall"]["EvaluationPeriods"] == 45
    assert found["Latency"]["Period"] == found["FailedRuns"]["Period"] == 1800
    for name, least in (("SuccessRate", ">= 40,"), ("ErrorRate", ">= 200,")):
        periods = {q["MetricStat"]["Period"] for q in found[name]["Metrics"] if "MetricStat" in q}
        assert periods == {1800}
        assert any(least in query.get("Expression", "") for query in found[name]["Metrics"])


def test_a_stall_is_longer_than_a_run_may_take(tmp_path: Path) -> None:
    # WHEN five functions may take 15 minutes each
    found = alarms(synthesised(tmp_path, timeout_s="900"))
    # THEN silence is normal for 75 minutes, and some more for the time between the stages
    assert found["Stall"]["EvaluationPeriods"] == 80


def test_one_undelivered_event_raises_an_alarm(aws_template: Template) -> None:
    alarm = alarms(aws_template)["UndeliveredEvents"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
    )
    assert alarm["Statistic"] == "Maximum"
    (dimension,) = alarm["Dimensions"]
    assert text(dimension["Value"]).startswith("<MessagingUndeliveredEvents")
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (1, 1, 300)
    assert "dead-letters list --region <AWS::Region> --stack <AWS::StackName>" in text(
        alarm["AlarmDescription"]
    )


# --- The way to the topic ------------------------------------------------------------------------


def publishers(template: Template) -> dict[str, dict[str, Any]]:
    """Statements of the topic's policy that admit a service, by service."""
    policy = properties(template, "AWS::SNS::TopicPolicy", "MessagingAlertsPolicy")
    statements = policy["PolicyDocument"]["Statement"]
    return {
        one["Principal"]["Service"]: one
        for one in statements
        if one["Effect"] == "Allow" and "Service" in one["Principal"]
    }


def test_topic_admits_the_accounts_alarms(aws_template: Template) -> None:
    statement = publishers(aws_template)["cloudwatch.amazonaws.com"]
    assert statement["Action"] == "sns:Publish"
    assert text(statement["Resource"]).startswith("<MessagingAlerts")
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_topic_admits_the_rules(aws_template: Template) -> None:
    statement = publishers(aws_template)["events.amazonaws.com"]
    assert statement["Action"] == "sns:Publish"
    assert text(statement["Resource"]).startswith("<MessagingAlerts")


def test_topic_admits_nobody_else(aws_template: Template) -> None:
    assert set(publishers(aws_template)) == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
