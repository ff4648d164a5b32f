"""With a key of the customer's: all that holds data uses it, and all that must may use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from pipeline.constants import STAGES, state_name
from tests.infra.synthesis import ROOT, Template, properties, resources, synthesised, text
from tests.permissions.policies import listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PUBLISH = {"kms:Decrypt", "kms:GenerateDataKey"}
"""SNS and SQS developer guides: what whoever sends to an encrypted topic or queue needs."""
LOGS = {"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:DescribeKey"} | {
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
}
"""CloudWatch Logs user guide, "Encrypt log data": Encrypt*, Decrypt*, ReEncrypt*, and so on."""
ACCOUNT = {"aws:SourceAccount": "<AWS::AccountId>"}

Statement = dict[str, Any]


@dataclass(frozen=True)
class Use:
    """A use of the key that the stack cannot do without."""

    who: str
    """Service, or logical id of a role."""
    actions: frozenset[str]
    context: tuple[tuple[str, str], ...] = ()
    """What AWS tells of the request: `aws:SourceAccount`, encryption context and so on."""


def key_statements(template: Template) -> list[Statement]:
    (key,) = resources(template, "AWS::KMS::Key").values()
    return list(key["Properties"]["KeyPolicy"]["Statement"])


def role_statements(template: Template, role: str) -> list[Statement]:
    return [
        statement
        for policy in resources(template, "AWS::IAM::Policy").values()
        if {"Ref": role} in policy["Properties"]["Roles"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def is_met(conditions: dict[str, Any], context: dict[str, str]) -> bool:
    """Whether a request with this context meets the conditions; what it lacks meets none."""
    kinds = {"StringEquals", "ArnLike", "StringLike", "ArnEquals"}
    assert set(conditions) <= kinds
    return all(
        any(fnmatchcase(context.get(key, ""), text(pattern)) for pattern in listed(wanted))
        for condition in conditions.values()
        for key, wanted in condition.items()
    )


def may(template: Template, use: Use, statements: list[Statement]) -> bool:
    """Whether key policy (a service) or role policy (a role) allows the use."""
    granted: set[str] = set()
    of_role = use.who in template["Resources"]
    for statement in role_statements(template, use.who) if of_role else statements:
        principal = text(statement.get("Principal", {}).get("Service", ""))
        mine = "<DataKey" in text_of(statement["Resource"]) if of_role else principal == use.who
        if mine and is_met(statement.get("Condition", {}), dict(use.context)):
            granted |= set(listed(statement["Action"]))
    return use.actions <= granted


def text_of(value: Any) -> str:
    return " ".join(text(one) for one in listed(value))


def arn_reference(value: Any) -> str:
    """Logical id that a reference to an ARN is about."""
    return text(value).strip("<>").removesuffix(".Arn")


def encrypted(template: Template) -> set[str]:
    """Logical ids of the topics and queues that a key encrypts."""
    return {
        logical_id
        for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue")
        for logical_id, resource in resources(template, kind).items()
        if "KmsMasterKeyId" in resource["Properties"]
    }


def senders(template: Template) -> Iterator[Use]:
    """All that sends to an encrypted topic or queue, read off the template."""
    targets = encrypted(template)
    for alarm in resources(template, "AWS::CloudWatch::Alarm").values():
        for action in [*alarm["Properties"]["AlarmActions"], *alarm["Properties"]["OKActions"]]:
            assert arn_reference(action) in targets
            yield Use("cloudwatch.amazonaws.com", frozenset(PUBLISH), tuple(ACCOUNT.items()))
    for rule in resources(template, "AWS::Events::Rule").values():
        for target in rule["Properties"]["Targets"]:
            ends = [target["Arn"], target.get("DeadLetterConfig", {}).get("Arn", "")]
            if targets & {arn_reference(end) for end in ends}:
                # SNS's developer guide: EventBridge brings no SourceAccount to a topic's key.
                yield Use("events.amazonaws.com", frozenset(PUBLISH))
    (machine,) = resources(template, "AWS::StepFunctions::StateMachine").values()
    role = arn_reference(machine["Properties"]["RoleArn"])
    for service in ("sqs", "sns"):
        via = ("kms:ViaService", f"{service}.<AWS::Region>.<AWS::URLSuffix>")
        yield Use(role, frozenset(PUBLISH), (via,))


def log_keepers(template: Template) -> Iterator[Use]:
    """CloudWatch Logs, for every log group under its own name.

    CloudFormation begins a name that it makes up with the stack's.
    """
    for logical_id, group in resources(template, "AWS::Logs::LogGroup").items():
        made_up = f"<AWS::StackName>-{logical_id}-A1B2C3"
        name = text(group["Properties"].get("LogGroupName", made_up))
        arn = f"arn:aws:logs:<AWS::Region>:<AWS::AccountId>:log-group:{name}"
        yield Use(
            "logs.<AWS::Region>.<AWS::URLSuffix>",
            frozenset(LOGS),
            (("kms:EncryptionContext:aws:logs:arn", arn),),
        )


def object_users(template: Template) -> Iterator[Use]:
    """Roles that read and write objects, with what S3 tells of a bucket's own key."""
    via = ("kms:ViaService", "s3.<AWS::Region>.<AWS::URLSuffix>")
    for role in resources(template, "AWS::IAM::Role"):
        for statement in role_statements(template, role):
            needed = {"kms:Decrypt"} if "s3:GetObject" in statement["Action"] else set()
            needed |= PUBLISH if "s3:PutObject" in statement["Action"] else set()
            for objects in listed(statement["Resource"]) if needed else []:
                bucket = text(objects).partition("/")[0]
                context = ("kms:EncryptionContext:aws:s3:arn", bucket)
                yield Use(role, frozenset(needed), (via, context))


def refused(template: Template, statements: list[Statement] | None = None) -> set[str]:
    """Whoever may not use the key as it must."""
    given = key_statements(template) if statements is None else statements
    uses = [*senders(template), *log_keepers(template), *object_users(template)]
    return {use.who for use in uses if not may(template, use, given)}


def test_everybody_who_needs_the_key_may_use_it(customer_template: Template) -> None:
    who = {use.who for use in senders(customer_template)}
    assert {"cloudwatch.amazonaws.com", "events.amazonaws.com"} < who
    assert len(list(object_users(customer_template))) > 2 * len(STAGES)
    assert refused(customer_template) == set()


@pytest.mark.parametrize(
    ("missing", "silenced"),
    [
        ("AlarmsPublish", {"cloudwatch.amazonaws.com"}),
        ("EventsPublishAndSend", {"events.amazonaws.com"}),
        ("LogGroupsEncrypt", {"logs.<AWS::Region>.<AWS::URLSuffix>"}),
    ],
)
def test_a_missing_statement_would_be_seen(
    customer_template: Template, missing: str, silenced: set[str]
) -> None:
    left = [one for one in key_statements(customer_template) if one.get("Sid") != missing]
    assert refused(customer_template, left) == silenced


def test_a_condition_that_eventbridge_cannot_meet_would_be_seen(
    customer_template: Template,
) -> None:
    # GIVEN a key whose every statement asks for the account that a request comes from
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}}
    strict = [{**one, **condition} for one in key_statements(customer_template)]
    # THEN EventBridge is silenced
    assert "events.amazonaws.com" in refused(customer_template, strict)


def test_services_may_do_no_more_than_they_need(customer_template: Template) -> None:
    (own, *services) = key_statements(customer_template)
    assert text(own["Principal"]["AWS"]) == "arn:aws:iam::<AWS::AccountId>:root"
    needs = {"AlarmsPublish": PUBLISH, "EventsPublishAndSend": PUBLISH, "LogGroupsEncrypt": LOGS}
    assert {one["Sid"]: set(one["Action"]) for one in services} == needs


def test_roles_use_the_key_through_their_services_alone(customer_template: Template) -> None:
    for role in resources(customer_template, "AWS::IAM::Role"):
        for statement in role_statements(customer_template, role):
            if any(action.startswith("kms:") for action in listed(statement["Action"])):
                assert text_of(statement["Resource"]).startswith("<DataKey")
                keys = {key for kind in statement["Condition"].values() for key in kind}
                assert keys & {"kms:ViaService", "kms:EncryptionContext:aws:lambda:FunctionArn"}
                may_write = "kms:GenerateDataKey" in statement["Action"]
                assert not (may_write and "<StorageInput" in json.dumps(statement["Condition"]))


@pytest.mark.parametrize("stage", STAGES)
def test_stage_decrypts_its_variables(customer_template: Template, stage: str) -> None:
    name = state_name(stage)
    function = properties(customer_template, "AWS::Lambda::Function", f"{name}Function")
    assert text(function["KmsKeyArn"]).startswith("<DataKey")
    (role,) = (one for one in resources(customer_template, "AWS::IAM::Role") if name in one)
    arn = "arn:aws:lambda:<AWS::Region>:<AWS::AccountId>:function:any"
    context = (("kms:EncryptionContext:aws:lambda:FunctionArn", arn),)
    assert may(customer_template, Use(role, frozenset({"kms:Decrypt"}), context), [])


def test_key_is_rotated_named_and_goes_with_the_data_alone(
    customer_template: Template, tmp_path: Path
) -> None:
    (key,) = resources(customer_template, "AWS::KMS::Key").values()
    assert key["Properties"]["EnableKeyRotation"] is True
    assert key["DeletionPolicy"] == "Retain"
    (alias,) = resources(customer_template, "AWS::KMS::Alias").values()
    assert alias["Properties"]["AliasName"] == "alias/LambdaPipelines"
    dev = synthesised(tmp_path, encryption="customer", environment="dev")
    (key,) = resources(dev, "AWS::KMS::Key").values()
    assert key["DeletionPolicy"] == "Delete"


def test_all_that_holds_data_uses_the_key(customer_template: Template) -> None:
    used: dict[str, list[str]] = {
        kind: [
            text(one["Properties"][field]) for one in resources(customer_template, kind).values()
        ]
        for kind, field in {
            "AWS::SQS::Queue": "KmsMasterKeyId",
            "AWS::SNS::Topic": "KmsMasterKeyId",
            "AWS::Logs::LogGroup": "KmsKeyId",
            "AWS::Lambda::Function": "KmsKeyArn",
        }.items()
    }
    for name in ("StorageInput", "StorageOutput", "StorageStaging"):
        bucket = properties(customer_template, "AWS::S3::Bucket", name)
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BucketKeyEnabled"] is True
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        used[name] = [text(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])]
    workgroup = properties(customer_template, "AWS::Athena::WorkGroup", "Catalog")
    results = workgroup["WorkGroupConfiguration"]["ResultConfiguration"]["EncryptionConfiguration"]
    assert results["EncryptionOption"] == "SSE_KMS"
    used["results"] = [text(results["KmsKey"])]
    assert {name for name, arns in used.items() if not arns} == set()
    (key,) = resources(customer_template, "AWS::KMS::Key")
    assert {arn for arns in used.values() for arn in arns} == {f"<{key}.Arn>"}


def test_access_logs_are_where_s3_can_deliver_them(customer_template: Template) -> None:
    bucket = properties(customer_template, "AWS::S3::Bucket", "StorageAccessLogs")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_template_has_no_findings(customer_template: Template) -> None:
    config = ManualArgs(regions=["us-east-1", "eu-central-1"])
    assert lint(json.dumps(customer_template), config=config) == []


def test_existing_key_is_used_and_none_made(tmp_path: Path) -> None:
    template = synthesised(tmp_path, encryption="customer", kms_key_arn=KEY_ARN)
    assert not resources(template, "AWS::KMS::Key")
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        for resource in resources(template, kind).values():
            assert resource["Properties"]["KmsMasterKeyId"] == KEY_ARN


def test_document_for_existing_keys_is_the_policy_of_a_new_one(
    customer_template: Template,
) -> None:
    # GIVEN the policy that the documentation offers for a stack's place to be filled in
    document = json.loads((ROOT / "docs" / "key-policy.json").read_text("utf-8"))
    # THEN it says what the stack's own key says
    (key,) = resources(customer_template, "AWS::KMS::Key").values()
    assert plain(document) == plain(key["Properties"]["KeyPolicy"])


def plain(policy: Any) -> Any:
    """Policy with words for references, in no order."""
    words = {"<AWS::AccountId>": "ACCOUNT", "<AWS::Region>": "REGION", "<AWS::StackName>": "STACK"}
    match policy:
        case {"Fn::Join": _} | {"Ref": _} | str():
            said = text(policy).replace("<AWS::URLSuffix>", "amazonaws.com")
            for reference, word in words.items():
                said = said.replace(reference, word)
            return said
        case dict():
            return {name: plain(value) for name, value in policy.items()}
        case list():
            return sorted(
                (plain(value) for value in policy), key=lambda one: json.dumps(one, sort_keys=True)
            )
    return policy
