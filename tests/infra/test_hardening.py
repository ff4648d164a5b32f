"""Settings for accounts with rules of their own: boundaries, tags, subnets, versions, datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.assembly import compiler_of
from infra.context import settings_from
from infra.context_values import SettingsError
from infra.settings import Settings
from pipeline.constants import STAGES
from tests.infra.synthesis import (
    Template,
    app,
    composed,
    empty_plans,
    properties,
    resources,
    synthesised,
    text,
)

if TYPE_CHECKING:
    from pathlib import Path

UNTAGGED = {
    "AWS::Athena::NamedQuery",
    "AWS::CloudWatch::Dashboard",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::Policy",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
"""Kinds of which CloudFormation's resource reference knows no property for tags."""

RULES_OF_AN_ACCOUNT = {
    "permissions_boundary": "Developers",
    "subnet_ids": "subnet-0123abcd,subnet-4567cdef",
    "security_group_ids": "sg-0123abcd",
    "clean.reserved_concurrency": "7",
    "old_version_days": "30",
    "openlineage_url": "https://lineage.example.com",
    "encryption": "customer",
    "tag.team": "data",
    "datasets": "flights",
}


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(tmp_path_factory.mktemp("ruled"), **RULES_OF_AN_ACCOUNT)


def test_every_role_is_held_by_the_boundary(ruled: Template) -> None:
    roles = resources(ruled, "AWS::IAM::Role")
    assert len(roles) > len(STAGES)
    assert {text(role["Properties"]["PermissionsBoundary"]) for role in roles.values()} == {
        "arn:aws:iam::<AWS::AccountId>:policy/Developers"
    }


def test_boundary_may_be_an_arn(tmp_path: Path) -> None:
    arn = "arn:aws:iam::111122223333:policy/team/Developers"
    template = synthesised(tmp_path, target="local", permissions_boundary=arn)
    roles = resources(template, "AWS::IAM::Role").values()
    assert {role["Properties"]["PermissionsBoundary"] for role in roles} == {arn}


def test_everything_that_can_be_tagged_says_whose_cost_it_is(ruled: Template) -> None:
    for logical_id, resource in ruled["Resources"].items():
        if resource["Type"] in UNTAGGED:
            continue
        tags = resource["Properties"].get("Tags", {})
        if isinstance(tags, list):
            tags = {tag["Key"]: tag["Value"] for tag in tags}
        assert tags == {
            "project": "lambda-pipelines",
            "environment": "prod",
            "dataset": "flights",
            "team": "data",
        }, logical_id


def test_datasets_that_do_not_fit_into_a_tag_are_not_cut() -> None:
    fitting = ("a" * 128, "b" * 127)
    assert Settings(datasets=fitting).all_tags["dataset"] == " ".join(fitting)
    assert "dataset" not in Settings(datasets=(*fitting, "c")).all_tags


@pytest.mark.parametrize(("environment", "protected"), [("prod", True), ("dev", False)])
def test_production_cannot_be_deleted_by_a_slip(
    tmp_path: Path, environment: str, protected: bool
) -> None:
    stack = composed(tmp_path, environment=environment)
    assert stack.termination_protection is protected


def test_functions_join_the_network_and_their_code_may_not_change_it(ruled: Template) -> None:
    functions = resources(ruled, "AWS::Lambda::Function")
    assert len(functions) == len(STAGES) + 1  # lineage's sender, too
    for function in functions.values():
        assert function["Properties"]["VpcConfig"] == {
            "SubnetIds": ["subnet-0123abcd", "subnet-4567cdef"],
            "SecurityGroupIds": ["sg-0123abcd"],
        }
    policies = resources(ruled, "AWS::IAM::Policy").values()
    statements = [
        one
        for policy in policies
        for one in policy["Properties"]["PolicyDocument"]["Statement"]
        if "ec2:CreateNetworkInterface" in one["Action"]
    ]
    allowed = [one for one in statements if one["Effect"] == "Allow"]
    denied = [one for one in statements if one["Effect"] == "Deny"]
    assert len(allowed) == len(denied) == len(functions)
    # Lambda's developer guide: the key is there in requests of the function's code alone.
    assert all(
        one["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}} for one in denied
    )
    granted = {action for action in allowed[0]["Action"] if action.startswith("ec2:")}
    assert all(set(one["Action"]) == granted for one in denied)


def test_without_a_network_no_role_may_make_interfaces(aws_template: Template) -> None:
    for function in resources(aws_template, "AWS::Lambda::Function").values():
        assert "VpcConfig" not in function["Properties"]
    assert "ec2:" not in str(resources(aws_template, "AWS::IAM::Policy"))


def test_concurrency_is_reserved_for_the_stage_that_asks(ruled: Template) -> None:
    reserved = {
        name.partition("Function")[0]: function["Properties"]["ReservedConcurrentExecutions"]
        for name, function in resources(ruled, "AWS::Lambda::Function").items()
        if "ReservedConcurrentExecutions" in function["Properties"]
    }
    assert reserved == {"Clean": 7}


@pytest.mark.parametrize("name", ["StorageInput", "StorageOutput"])
def test_replaced_objects_go_after_a_while_if_they_shall(
    ruled: Template, aws_template: Template, name: str
) -> None:
    (rule,) = properties(ruled, "AWS::S3::Bucket", name)["LifecycleConfiguration"]["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["ExpiredObjectDeleteMarker"] is True
    assert "ExpirationInDays" not in rule
    (kept,) = properties(aws_template, "AWS::S3::Bucket", name)["LifecycleConfiguration"]["Rules"]
    assert set(kept) == {"AbortIncompleteMultipartUpload", "Status"}


def test_replaced_objects_live_as_long_as_dead_letters_in_every_environment(
    tmp_path: Path,
) -> None:
    for environment in ("dev", "prod"):
        settings = settings_from(app(tmp_path, environment=environment).node)
        days = settings.old_version_days
        assert days is None or days >= settings.dead_letter_days
    assert settings_from(app(tmp_path, old_version_days="14").node).old_version_days == 14


three_datasets = empty_plans("flights", "weather", "airports")


def test_only_chosen_datasets_are_deployed(tmp_path: Path) -> None:
    compiler_of(("weather", "flights"), three_datasets)(tmp_path, tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {"flights", "weather"}


def test_without_a_choice_all_are(tmp_path: Path) -> None:
    compiler_of((), three_datasets)(tmp_path, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_unknown_dataset_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        compiler_of(("flights", "fligths"), three_datasets)(tmp_path, tmp_path)
    assert str(raised.value) == (
        "context 'datasets' names fligths; there are only airports, flights, weather"
    )


def test_access_logs_go_to_a_bucket_that_takes_them_from_ours_alone(
    aws_template: Template,
) -> None:
    # GIVEN the bucket that the three with data name
    logging = {
        name: properties(aws_template, "AWS::S3::Bucket", f"Storage{name}")["LoggingConfiguration"]
        for name in ("Input", "Output", "Staging")
    }
    ends = {text(one["DestinationBucketName"]) for one in logging.values()}
    assert len(ends) == 1
    # THEN its policy, not an ACL, lets S3 deliver each one's log below a prefix of its own
    policy = properties(aws_template, "AWS::S3::BucketPolicy", "StorageAccessLogsPolicy")
    allowed = {
        text(one["Condition"]["ArnLike"]["aws:SourceArn"]): text(one["Resource"])
        for one in policy["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
        and one["Principal"] == {"Service": "logging.s3.amazonaws.com"}
        and text(one["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
    }
    assert sorted(
        resource.rpartition("/")[0].partition("/")[2] for resource in allowed.values()
    ) == [
        "input",
        "output",
        "staging",
    ]
    for arn, resource in allowed.items():
        prefix = resource.rpartition("/")[0].partition("/")[2]
        assert arn.startswith(f"<Storage{prefix.capitalize()}")
    # AND they expire like the other logs
    bucket = properties(aws_template, "AWS::S3::Bucket", "StorageAccessLogs")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 90
    assert "AccessControl" not in bucket


def test_without_access_logs_there_is_no_bucket_for_them(dev_template: Template) -> None:
    assert len(resources(dev_template, "AWS::S3::Bucket")) == 3
