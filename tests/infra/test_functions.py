"""What the stack tells the functions, and what of them is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.constants import STAGES, state_name
from tests.infra.synthesis import Template, properties, resources, text

if TYPE_CHECKING:
    from tests.infra.synthesis import Resource


def function_of(template: Template, stage: str) -> Resource:
    return properties(template, "AWS::Lambda::Function", f"{state_name(stage)}Function")


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_knows_the_names_that_it_reports_under(
    aws_template: Template, local_template: Template, stage: str
) -> None:
    for template in (aws_template, local_template):
        variables = function_of(template, stage)["Environment"]["Variables"]
        # THEN the stack's name is the deployed one's, as that of the alarms' metrics is
        assert variables["STACK_NAME"] == {"Ref": "AWS::StackName"}
        assert variables["POWERTOOLS_LOG_LEVEL"] == "INFO"
        assert variables["METRICS_DETAIL"] == "stages"


def test_functions_and_the_command_line_know_which_metrics_there_are(
    aws_template: Template, dev_template: Template
) -> None:
    for template, detail in ((aws_template, "stages"), (dev_template, "runs")):
        known = {
            function_of(template, stage)["Environment"]["Variables"]["METRICS_DETAIL"]
            for stage in STAGES
        }
        assert known == {template["Outputs"]["MetricsDetail"]["Value"]} == {detail}


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_takes_part_in_the_execution_s_trace(aws_template: Template, stage: str) -> None:
    # GIVEN tracing, and the right to send what is traced, which admits no narrower resource
    function = function_of(aws_template, stage)
    assert function["TracingConfig"] == {"Mode": "Active"}
    role = text(function["Role"]).removeprefix("<").partition(".")[0]
    allowed = [
        (action, statement["Resource"])
        for policy in resources(aws_template, "AWS::IAM::Policy").values()
        if {"Ref": role} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in [*statement["Action"]]
        if "xray" in action
    ]
    assert sorted(allowed) == [("xray:PutTelemetryRecords", "*"), ("xray:PutTraceSegments", "*")]


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_logs_json_into_a_group_of_its_own(aws_template: Template, stage: str) -> None:
    logging = function_of(aws_template, stage)["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    # THEN at the level at which Lambda lets lines without a level pass, which metrics are
    assert logging.get("ApplicationLogLevel", "INFO") == "INFO"
    assert logging["LogGroup"]["Ref"].startswith(f"{state_name(stage)}Logs")
