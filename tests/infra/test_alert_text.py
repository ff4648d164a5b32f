from __future__ import annotations

from typing import Any

import pytest

from infra.machine.alert_text import MESSAGE_VALUES
from pipeline.constants import STATE_ALERT, STATE_DEAD_LETTER
from tests.infra.synthesis import Template, properties, resources, text

VERDICTS = ("FaultOfTheFile", "FaultOfTheStack", "FaultOfThePlatform")


@pytest.mark.parametrize("verdict", VERDICTS)
def test_message_has_as_many_places_as_values(states: dict[str, Any], verdict: str) -> None:
    message = states[STATE_ALERT]["Parameters"]["Message.$"]
    assert message == f"States.Format($.verdict.template, {', '.join(MESSAGE_VALUES)})"
    assert states[verdict]["Parameters"]["template"].count("{}") == len(MESSAGE_VALUES)


def test_message_says_whether_the_queue_has_the_run(states: dict[str, Any]) -> None:
    kept, refused = states[STATE_DEAD_LETTER], states["QueueRefused"]
    assert "letter is in the queue <MessagingDeadLetters" in kept["ResultSelector"]["note"]
    assert "refused the letter" in refused["Parameters"]["note"]
    assert kept["ResultPath"] == refused["ResultPath"]


def test_console_is_that_of_the_partition(aws_template: Template) -> None:
    """Hosts as the AWS General Reference names them."""
    (machine,) = resources(aws_template, "AWS::StepFunctions::StateMachine").values()
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    hosts = [part for part in parts if isinstance(part, dict) and "Fn::If" in part]
    assert hosts
    for host in hosts:
        assert console_host(aws_template, host, "aws") == "console.aws.amazon.com"
        assert console_host(aws_template, host, "aws-cn") == "console.amazonaws.cn"
        assert console_host(aws_template, host, "aws-us-gov") == "console.amazonaws-us-gov.com"
        assert console_host(aws_template, host, "aws-iso") == "console.aws.amazon.com"


def console_host(template: Template, host: Any, partition: str) -> str:
    """Host that CloudFormation makes of the condition in a partition."""
    if isinstance(host, str):
        return host
    name, then, otherwise = host["Fn::If"]
    reference, value = template["Conditions"][name]["Fn::Equals"]
    assert reference == {"Ref": "AWS::Partition"}
    return console_host(template, then if value == partition else otherwise, partition)


OPTIONS = "--region <AWS::Region> --stack <AWS::StackName>"


@pytest.mark.parametrize(
    ("rule", "error"), [("UncaughtEnded", "<detail-status>"), ("UncaughtFailed", "<detail-error>")]
)
def test_alert_of_an_uncaught_failure_has_commands_and_a_page(
    aws_template: Template, rule: str, error: str
) -> None:
    _, topic = properties(aws_template, "AWS::Events::Rule", rule)["Targets"]
    said = text(topic["InputTransformer"]["InputTemplate"])
    assert f"ended with {error} before" in said
    assert f"type: pipeline show <detail-name> {OPTIONS} - " in said
    assert f"type: pipeline dead-letters replay <detail-name> {OPTIONS} - " in said
    assert f"docs/runbook.md, section {error} - " in said
    assert said.endswith(
        "Execution: https://<AWS::Region>.console.aws.amazon.com/states/home"
        '?region=<AWS::Region>#/v2/executions/details/<detail-executionArn>"'
    )
    assert topic["InputTransformer"]["InputPathsMap"]["detail-name"] == "$.detail.name"


def test_local_alert_of_an_uncaught_failure_has_local_commands(local_template: Template) -> None:
    _, topic = properties(local_template, "AWS::Events::Rule", "UncaughtEnded")["Targets"]
    said = text(topic["InputTransformer"]["InputTemplate"])
    assert "type: pipeline show <detail-name> - " in said
    assert "https://" not in said
