from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from pipeline import constants as names
from tests.infra.synthesis import Template, resources, synthesised, text

if TYPE_CHECKING:
    from pathlib import Path

BY_FUNCTION = ("Runtime", "Architectures", "Layers", "Code")


POINTERS = re.compile(
    r" --region <AWS::Region> --stack <AWS::StackName>"
    r"|https://<AWS::Region>\.console\.aws\.amazon\.com/states/home\?[^#]*#/v2/executions/details/"
)
"""What a person needs in AWS alone to get from an alert to an execution."""

LISTED_ALARM = re.compile(r'"<Alarms\w+\.Arn>",?')
LINKS = re.compile(r"\[([^\]]+)\]\(https://[^)]+\)")
"""Links of the dashboard to the console's pages."""


def without_pointers(value: Any) -> Any:
    """Value with texts for references, in which nothing points to a person's way in AWS."""
    match value:
        case {"Fn::Join": _}:
            return LINKS.sub(r"\1", POINTERS.sub("", text(value)))
        case str():
            return POINTERS.sub("", value)
        case dict():
            return {name: without_pointers(inner) for name, inner in value.items()}
        case list():
            return [without_pointers(inner) for inner in value]
    return value


def is_on_expression(resource: dict[str, Any]) -> bool:
    """Whether it is an alarm on metric math, of which the local cloud knows nothing."""
    metrics = resource.get("Properties", {}).get("Metrics", [])
    alarm = resource["Type"] == "AWS::CloudWatch::Alarm"
    return alarm and any("Expression" in metric for metric in metrics)


def without_alarms(rest: Template) -> Template:
    """Template whose dashboard does not list the alarms, which stand in it themselves."""
    for dashboard in resources(rest, "AWS::CloudWatch::Dashboard").values():
        properties = dashboard["Properties"]
        properties["DashboardBody"] = LISTED_ALARM.sub("", properties["DashboardBody"])
    return rest


def refuses_plain_http(statement: dict[str, Any]) -> bool:
    return statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}


def common(template: Template) -> Template:
    """What is left of a template without that in which the targets may differ."""
    rest = copy.deepcopy(template)
    for key in ("Parameters", "Rules", "Conditions"):  # the synthesizer's, and the pointers'
        rest.pop(key, None)
    for logical_id, resource in list(rest["Resources"].items()):
        resource.pop("DeletionPolicy", None)
        resource.pop("UpdateReplacePolicy", None)
        if resource["Type"] == "AWS::Lambda::LayerVersion" or is_on_expression(resource):
            del rest["Resources"][logical_id]
        if resource["Type"] == "AWS::Lambda::Function":
            for key in BY_FUNCTION:
                resource["Properties"].pop(key, None)
        if resource["Type"].endswith(("BucketPolicy", "QueuePolicy", "TopicPolicy")):
            document = resource["Properties"]["PolicyDocument"]
            statements = [one for one in document["Statement"] if not refuses_plain_http(one)]
            document["Statement"] = statements
            for statement in statements:
                statement.pop("Sid", None)  # numbers that the library counts up
            if not statements:
                del rest["Resources"][logical_id]
    return dict(without_alarms(without_pointers(rest)))


def test_targets_differ_in_code_synthesizer_transport_removal_pointers_and_expressions_alone(
    tmp_path: Path, local_template: Template
) -> None:
    # GIVEN a stack for AWS with a setting whose default is another one on a laptop
    aws_template = synthesised(tmp_path, access_logs="false")
    assert common(aws_template) == common(local_template)


def test_functions_run_on_arm_with_layers_in_aws(aws_template: Template) -> None:
    for logical_id, function in resources(aws_template, "AWS::Lambda::Function").items():
        properties = function["Properties"]
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        transform = logical_id.startswith("Transform")
        assert len(properties["Layers"]) == (3 if transform else 1)


def test_functions_bring_their_own_runtime_locally(local_template: Template) -> None:
    for function in resources(local_template, "AWS::Lambda::Function").values():
        assert function["Properties"]["Runtime"] == "provided.al2023"
        assert not {"Layers", "Architectures"} & set(function["Properties"])


def test_handler_is_the_import_path(local_template: Template) -> None:
    functions = resources(local_template, "AWS::Lambda::Function").values()
    assert {function["Properties"]["Handler"] for function in functions} == {
        f"functions.{stage}.handler.lambda_handler" for stage in names.STAGES
    }


def test_functions_know_their_buckets_and_are_traced(aws_template: Template) -> None:
    for function in resources(aws_template, "AWS::Lambda::Function").values():
        variables = function["Properties"]["Environment"]["Variables"]
        assert set(variables) == {
            names.ENV_OUTPUT_BUCKET,
            names.ENV_STAGING_BUCKET,
            names.ENV_STACK_NAME,
            names.ENV_METRICS_DETAIL,
            "POWERTOOLS_SERVICE_NAME",
            "POWERTOOLS_METRICS_NAMESPACE",
            "POWERTOOLS_LOG_LEVEL",
        }
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}


def test_outputs_are_those_that_the_command_line_reads(aws_template: Template) -> None:
    wanted = {value for name, value in vars(names).items() if name.startswith("OUTPUT_")}
    assert set(aws_template["Outputs"]) == wanted


def test_template_names_no_account_and_no_region(
    aws_template: Template, local_template: Template
) -> None:
    for template in (aws_template, local_template):
        assert "000000000000" not in json.dumps(template)
        assert "us-east-1" not in json.dumps(template)
