"""Every statement of every policy in the template, and who may assume the roles."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import STAGES
from tests.infra.synthesis import Template, resources, synthesised, text
from tests.permissions.grants import GRANTS
from tests.permissions.matrix import ROLES
from tests.permissions.policies import listed
from tests.permissions.template import identity_statements, named, role_id, trust_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.permissions.policies import Statement

TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
SAMPLING = {"xray:GetSamplingRules", "xray:GetSamplingTargets"}
DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
"""What the delivery of a state machine's log takes (Step Functions' developer guide)."""

WILDCARDS = (
    # (what the statement says, what it says it of), and why no more can be said
    (TRACING | SAMPLING | DELIVERY, r"\*", "IAM knows no narrower resource for these actions"),
    (
        {action for grants in GRANTS.values() for actions in grants.values() for action in actions},
        r"<(input|output|staging)>/\w+/.*",
        "names of datasets, runs and partitions are not known before; each ends at its prefix",
    ),
    (
        {"lambda:InvokeFunction"},
        rf"<({'|'.join(STAGES)})>:\*",
        "the versions and aliases of one function that is named",
    ),
    (
        {"s3:PutObject"},
        r"<StorageAccessLogs\w+\.Arn>/(input|output|staging)/\*",
        "S3's log delivery names its files by date, in a bucket of its own",
    ),
)
KEY_WILDCARDS = {"kms:*": "arn:aws:iam::<AWS::AccountId>:root"}
"""A key's policy speaks of the key that it belongs to, as `*`; IAM's policies count through it."""


@pytest.fixture(scope="module")
def full_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A deployment with everything in it that settings can bring."""
    return synthesised(
        tmp_path_factory.mktemp("full"),
        encryption="customer",
        openlineage_url="https://lineage.example.com",
        openlineage_api_key_secret="arn:aws:secretsmanager:eu-west-1:123456789012:secret:k-AbCdEf",
        alert_email="a@example.com",
    )


def all_statements(template: Template) -> Iterator[tuple[str, Statement]]:
    """Every statement of whatever has a policy, with the type of resource that has it."""
    for resource in template["Resources"].values():
        for name, value in resource["Properties"].items():
            if isinstance(value, dict) and "Statement" in value and name != "DefinitionString":
                for statement in value["Statement"]:
                    yield resource["Type"], statement


def actions_of(statement: Statement) -> set[str]:
    return set(listed(statement["Action"]))


# --- The buckets ---------------------------------------------------------------------------


def granted(statements: list[Statement]) -> dict[str, set[str]]:
    """Actions on the buckets by place, as `tests/permissions/grants.py` writes them."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for statement in statements:
        actions = {action for action in actions_of(statement) if action.startswith("s3:")}
        prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", [])
        listing = f"?{' '.join(listed(prefixes))}" if prefixes else ""
        for resource in statement["Resource"] if actions else ():
            found[f"{resource}{listing}"] |= actions
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_stage_may_do_with_s3_what_it_must_and_nothing_else(
    aws_template: Template, stage: str
) -> None:
    assert granted(identity_statements(aws_template, stage)) == GRANTS[stage]


# --- Everything else -----------------------------------------------------------------------


def others(statements: list[Statement]) -> dict[str, set[str]]:
    """Resources by action, of all actions but S3's."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for statement in statements:
        for action in actions_of(statement):
            if not action.startswith("s3:"):
                found[action] |= set(statement["Resource"])
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_stage_may_write_its_own_log_and_traces(aws_template: Template, stage: str) -> None:
    own_log = {f"<{stage}.logs>"}
    assert others(identity_statements(aws_template, stage)) == {
        "logs:CreateLogStream": own_log,
        "logs:PutLogEvents": own_log,
        **{action: {"*"} for action in TRACING},
    }


def test_machine_may_invoke_its_functions_and_reach_its_queue_and_topic(
    aws_template: Template,
) -> None:
    functions = {f"<{stage}>" for stage in STAGES}
    assert others(identity_statements(aws_template, "machine")) == {
        "lambda:InvokeFunction": functions | {f"{function}:*" for function in functions},
        "sqs:SendMessage": {"<dead_letters>"},
        "sns:Publish": {"<alerts>"},
        **{action: {"*"} for action in TRACING | SAMPLING | DELIVERY},
    }
    assert not granted(identity_statements(aws_template, "machine"))


def test_rule_may_start_executions_and_nothing_else(aws_template: Template) -> None:
    statements = identity_statements(aws_template, "trigger")
    assert others(statements) == {"states:StartExecution": {"<machine>"}}
    assert not granted(statements)


def test_every_function_has_a_role_and_a_log_group_of_its_own(full_template: Template) -> None:
    functions = resources(full_template, "AWS::Lambda::Function").values()
    roles = {text(function["Properties"]["Role"]) for function in functions}
    groups = {text(function["Properties"]["LoggingConfig"]["LogGroup"]) for function in functions}
    assert len(roles) == len(groups) == len(functions) == len(STAGES) + 1


def test_there_are_no_roles_but_those_of_the_matrix(full_template: Template) -> None:
    found = set(resources(full_template, "AWS::IAM::Role"))
    assert found == {role_id(full_template, role) for role in ROLES}


def test_nobody_has_permissions_but_by_a_policy_of_a_role(full_template: Template) -> None:
    kinds = {resource["Type"] for resource in full_template["Resources"].values()}
    assert {kind for kind in kinds if kind.startswith("AWS::IAM::")} == {
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
    }
    for policy in resources(full_template, "AWS::IAM::Policy").values():
        assert set(policy["Properties"]) == {"PolicyDocument", "PolicyName", "Roles"}


# --- Wildcards, and policies of resources --------------------------------------------------


def test_every_wildcard_stands_where_no_name_can(full_template: Template) -> None:
    unexplained = []
    for kind, statement in all_statements(full_template):
        if statement["Effect"] == "Deny" or kind == "AWS::KMS::Key":
            continue
        wide = {named(each) for each in listed(statement.get("Resource", [])) if "*" in named(each)}
        actions = actions_of(statement)
        unexplained += [action for action in actions if "*" in action]
        unexplained += [
            f"{sorted(actions)} on {place}"
            for place in wide
            if not any(
                actions <= of and re.fullmatch(pattern, place) for of, pattern, _ in WILDCARDS
            )
        ]
    assert unexplained == []


def test_only_the_account_may_do_everything_with_the_key(full_template: Template) -> None:
    found = {
        action: text(statement["Principal"].get("AWS", ""))
        for kind, statement in all_statements(full_template)
        if kind == "AWS::KMS::Key"
        for action in actions_of(statement)
        if "*" in action
    }
    assert found == KEY_WILDCARDS


def test_policies_of_resources_let_services_in_and_deny_plain_http(
    full_template: Template,
) -> None:
    allowed = []
    for kind, statement in all_statements(full_template):
        if kind in {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::KMS::Key"}:
            continue
        if statement["Effect"] == "Deny":
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            continue
        services = listed(statement["Principal"]["Service"])
        condition = json.dumps(statement.get("Condition", {}))
        told = "aws:SourceArn" in condition or "aws:SourceAccount" in condition
        allowed.append((kind.split("::")[1], *services, told))
    assert set(allowed) == {
        ("S3", "logging.s3.amazonaws.com", True),
        ("SQS", "events.amazonaws.com", True),
        ("SNS", "cloudwatch.amazonaws.com", True),
        # The service's own documentation leaves the rule out: see `infra/keys.py`.
        ("SNS", "events.amazonaws.com", False),
    }


# --- Trust ---------------------------------------------------------------------------------

SOURCES = {
    "machine": "arn:aws:states:<AWS::Region>:<AWS::AccountId>:stateMachine:*",
    "trigger": "arn:aws:events:<AWS::Region>:<AWS::AccountId>:rule/*",
}
SERVICES = {"machine": "states.amazonaws.com", "trigger": "events.amazonaws.com"}


@pytest.mark.parametrize("role", ROLES)
def test_role_is_assumed_by_its_service_for_this_account_alone(
    full_template: Template, role: str
) -> None:
    (statement,) = trust_statements(full_template, role)

    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"] == {"Service": SERVICES.get(role, "lambda.amazonaws.com")}
    condition: dict[str, Any] = dict(statement["Condition"])
    assert condition.pop("StringEquals") == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    sources = {key: text(value) for key, value in condition.get("ArnLike", {}).items()}
    assert sources == ({"aws:SourceArn": SOURCES[role]} if role in SOURCES else {})
