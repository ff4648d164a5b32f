from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from pipeline.constants import STAGES, state_name
from tests.infra.synthesis import Template, properties, resources, text

INPUT, OUTPUT, STAGING = "<input>", "<output>", "<staging>"
READ = {"s3:GetObject", "s3:GetObjectVersion"}
WRITE = {"s3:PutObject", "s3:AbortMultipartUpload"}
DELETE = {"s3:DeleteObject", "s3:DeleteObjectVersion"}

EXPECTED: dict[str, dict[str, set[str]]] = {
    "validate": {
        f"{INPUT}/input/*": READ,
        f"{INPUT} input/*": {"s3:ListBucket"},
        f"{OUTPUT}/manifests/*": READ,
        f"{OUTPUT}/quarantine/*": READ,
        f"{OUTPUT} manifests/* pending/* quarantine/*": {"s3:ListBucket"},
        f"{OUTPUT}/quarantine/*/validate.jsonl": WRITE,
        f"{OUTPUT}/repairs/*/validate.jsonl": WRITE,
        f"{STAGING} runs/*": {"s3:ListBucket"},
        f"{STAGING}/runs/*/validate.arrows": WRITE,
        f"{STAGING}/runs/*/settled.arrows": WRITE,
    },
    "clean": {
        f"{STAGING}/runs/*/validate.arrows": READ,
        f"{STAGING}/runs/*/settled.arrows": READ,
        f"{STAGING} runs/*": {"s3:ListBucket"},
        f"{OUTPUT}/quarantine/*/clean.jsonl": WRITE,
        f"{OUTPUT}/repairs/*/clean.jsonl": WRITE,
        f"{STAGING}/runs/*/clean.arrows": WRITE,
    },
    "transform": {
        f"{STAGING}/runs/*/clean.arrows": READ,
        f"{STAGING} runs/*": {"s3:ListBucket"},
        f"{OUTPUT}/quarantine/*/transform.jsonl": WRITE,
        f"{STAGING}/runs/*/transform.arrows": WRITE,
    },
    "enrich": {
        f"{STAGING}/runs/*/transform.arrows": READ,
        f"{STAGING} runs/*": {"s3:ListBucket"},
        f"{OUTPUT}/quarantine/*/enrich.jsonl": WRITE,
        f"{STAGING}/runs/*/enrich.arrows": WRITE,
        f"{INPUT}/lookups/*": READ,
        f"{INPUT} lookups/*": {"s3:ListBucket"},
    },
    "write": {
        f"{STAGING}/runs/*/enrich.arrows": READ,
        f"{STAGING} runs/*": {"s3:ListBucket"},
        f"{OUTPUT}/processed/*": READ | WRITE | DELETE,
        f"{OUTPUT}/manifests/*": READ | WRITE,
        f"{OUTPUT}/pending/*": READ | WRITE | {"s3:DeleteObject"},
        f"{OUTPUT}/reports/*": WRITE,
        f"{OUTPUT} manifests/* pending/* processed/*": {"s3:ListBucket"},
    },
}

ADMIT_NO_RESOURCE = {
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
"""Actions of tracing and of log delivery, for which IAM takes no narrower resource than all."""


def statements(template: Template, name: str) -> list[dict[str, Any]]:
    policy = properties(template, "AWS::IAM::Policy", name)
    return list(policy["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def place(resource: Any, condition: dict[str, Any]) -> str:
    where = text(resource)
    for kind in ("Input", "Output", "Staging"):
        if where.startswith(f"<Storage{kind}"):
            where = f"<{kind.lower()}>{where.partition('>')[2]}"
    prefixes = condition.get("StringLike", {}).get("s3:prefix", [])
    return " ".join([where, *listed(prefixes)])


@pytest.mark.parametrize("stage", STAGES)
def test_stage_may_do_with_s3_what_it_must_and_nothing_else(
    aws_template: Template, stage: str
) -> None:
    granted: defaultdict[str, set[str]] = defaultdict(set)
    for statement in statements(aws_template, f"{state_name(stage)}Role"):
        actions = {action for action in listed(statement["Action"]) if action.startswith("s3:")}
        for resource in listed(statement["Resource"]) if actions else ():
            granted[place(resource, statement.get("Condition", {}))] |= actions
    assert granted == EXPECTED[stage]


@pytest.mark.parametrize("stage", STAGES)
def test_stage_may_write_its_own_log_and_traces(aws_template: Template, stage: str) -> None:
    name = state_name(stage)
    rest = {
        action: text(resource)
        for statement in statements(aws_template, f"{name}Role")
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if not action.startswith("s3:")
    }
    (log_group,) = {where for what, where in rest.items() if what.startswith("logs:")}
    assert log_group.startswith(f"<{name}Logs")
    assert set(rest) == {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
    }


def test_every_function_has_a_role_and_a_log_group_of_its_own(aws_template: Template) -> None:
    functions = resources(aws_template, "AWS::Lambda::Function").values()
    roles = {text(function["Properties"]["Role"]) for function in functions}
    groups = {text(function["Properties"]["LoggingConfig"]["LogGroup"]) for function in functions}
    assert len(roles) == len(groups) == len(functions) == len(STAGES)
    assert not [
        role
        for role in resources(aws_template, "AWS::IAM::Role").values()
        if "ManagedPolicyArns" in role["Properties"] or "Policies" in role["Properties"]
    ]


def test_no_role_may_do_anything_to_everything_where_iam_can_be_narrower(
    aws_template: Template,
) -> None:
    for policy in resources(aws_template, "AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = set(listed(statement["Action"]))
            assert not any(action.endswith("*") for action in actions)
            if "*" in listed(statement["Resource"]):
                assert actions <= ADMIT_NO_RESOURCE


def test_machine_may_invoke_its_functions_and_reach_its_queue_and_topic(
    aws_template: Template,
) -> None:
    granted: defaultdict[str, set[str]] = defaultdict(set)
    for statement in statements(aws_template, "PipelineMachineRole"):
        for action in set(listed(statement["Action"])) - ADMIT_NO_RESOURCE:
            granted[action] |= {text(resource) for resource in listed(statement["Resource"])}
    assert set(granted) == {"lambda:InvokeFunction", "sqs:SendMessage", "sns:Publish"}
    functions = {f"<{name}.Arn>" for name in resources(aws_template, "AWS::Lambda::Function")}
    invoked = granted["lambda:InvokeFunction"]
    assert invoked == functions | {f"{arn}:*" for arn in functions}
    (queue,), (topic,) = granted["sqs:SendMessage"], granted["sns:Publish"]
    assert queue.startswith("<MessagingDeadLetters")
    assert topic.startswith("<MessagingAlerts")


def test_rule_may_start_executions_and_nothing_else(aws_template: Template) -> None:
    (statement,) = statements(aws_template, "TriggerRole")
    assert statement["Action"] == "states:StartExecution"
    assert text(statement["Resource"]).startswith("<PipelineMachine")
