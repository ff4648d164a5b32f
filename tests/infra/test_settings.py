from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aws_cdk import RemovalPolicy

from infra.context import settings_from
from infra.context_values import SettingsError
from infra.settings import AlarmLevel, AlarmSettings, Settings, Target
from pipeline.metrics import MetricsDetail
from tests.infra.synthesis import ROOT, app, resources, synthesised

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = "arn:aws:secretsmanager:eu-central-1:111122223333:secret"
KEY_ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_without_context_the_target_is_aws_and_the_names_are_the_default_ones(
    tmp_path: Path,
) -> None:
    settings = settings_from(app(tmp_path).node)
    assert settings.target is Target.AWS
    assert settings.stack_name == "LambdaPipelines"
    assert settings.alert_email is None


def test_context_is_read(tmp_path: Path) -> None:
    context = {"target": "local", "stack": "Mine", "staging_expiry_days": "3"}
    settings = settings_from(app(tmp_path, **context).node)
    assert settings.target is Target.LOCAL
    assert settings.stack_name == "Mine"
    assert settings.staging_expiry_days == 3


def test_environment_chooses_the_defaults_and_the_context_overrides_them(tmp_path: Path) -> None:
    dev = settings_from(app(tmp_path, environment="dev").node)
    assert dev.stack_name == "LambdaPipelines-dev"
    assert dev.data_removal_policy is RemovalPolicy.DESTROY
    assert not dev.termination_protection
    assert dev.alarms is AlarmLevel.FAILURES
    assert dev.metrics is MetricsDetail.RUNS
    prod = settings_from(app(tmp_path, environment="prod").node)
    assert prod == settings_from(app(tmp_path).node)
    assert prod.data_removal_policy is RemovalPolicy.RETAIN
    assert prod.termination_protection
    assert prod.alarms is AlarmLevel.ALL
    assert prod.metrics is MetricsDetail.STAGES
    mine = settings_from(app(tmp_path, environment="dev", alarms="all", stack="Mine").node)
    assert (mine.alarms, mine.stack_name) == (AlarmLevel.ALL, "Mine")


def test_local_cloud_keeps_nothing_whatever_the_environment(tmp_path: Path) -> None:
    local = settings_from(app(tmp_path, target="local", environment="prod").node)
    assert local.data_removal_policy is RemovalPolicy.DESTROY
    assert not local.termination_protection
    assert local.stack_name == "LambdaPipelines"


def test_tags_and_thresholds_are_read(tmp_path: Path) -> None:
    context = {"tag.team": "data", "datasets": "flights, weather", "alarm.latency_s": "60"}
    settings = settings_from(app(tmp_path, **context).node)
    assert settings.thresholds == AlarmSettings(latency_s=60)
    assert settings.all_tags == {
        "project": "lambda-pipelines",
        "environment": "prod",
        "dataset": "flights weather",
        "team": "data",
    }


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("target", "mars", "context 'target' must be aws or local, not 'mars'"),
        ("stack", "1st", "context 'stack' must be a CloudFormation stack name, not '1st'"),
        ("alert_email", "me", "context 'alert_email' must be an e-mail address, not 'me'"),
        ("staging_expiry_days", "0", "must be 1 to 36500, not 0"),
        ("memory_mb", "127", "context 'memory_mb' must be 128 to 10240, not 127"),
        ("memory_mb", "10241", "context 'memory_mb' must be 128 to 10240, not 10241"),
        ("memory_mb", "1.5GB", "context 'memory_mb' must be a whole number, not '1.5GB'"),
        ("clean.timeout_s", "901", "context 'clean.timeout_s' must be 1 to 900, not 901"),
        ("timeout_s", "0", "context 'timeout_s' must be 1 to 900, not 0"),
        ("ephemeral_storage_mb", "511", "must be 512 to 10240, not 511"),
        ("validat.memory_mb", "3008", "did you mean 'validate.memory_mb'?"),
        ("validate.memory", "3008", "context 'validate.memory' is no setting; of validate there"),
        ("encrytion", "customer", "'encrytion' is no setting; did you mean 'encryption'?"),
        ("encryption", "mine", "must be service or customer, not 'mine'"),
        ("metrics", "all", "context 'metrics' must be stages or runs, not 'all'"),
        ("kms_key_arn", KEY_ARN, "context 'kms_key_arn' needs 'encryption=customer'"),
        ("kms_key_arn", "alias/mine", "must be a key's ARN, not 'alias/mine'"),
        ("old_version_days", "13", "context 'old_version_days' must be 14 or more, not 13"),
        ("environment", "test", "context 'environment' must be dev or prod, not 'test'"),
        ("log_retention_days", "31", "must be one of 1, 3, 5,"),
        ("log_execution_data", "perhaps", "must be true or false, not 'perhaps'"),
        ("data_removal_policy", "keep", "must be retain or destroy, not 'keep'"),
        ("permissions_boundary", "a b", "must be a policy's name or ARN, not 'a b'"),
        ("permissions_boundary", "arn:aws:iam::1:role/a", "must be a policy's name or ARN"),
        ("datasets", "Flights", "must be a dataset's name, not 'Flights'"),
        ("subnet_ids", "subnet-1", "must be a subnet's id, not 'subnet-1'"),
        ("subnet_ids", "subnet-0123abcd", "'subnet_ids' and 'security_group_ids' go together"),
        ("openlineage_url", "marquez", "must be a web address, not 'marquez'"),
        ("openlineage_url", "https://[::", "must be a web address, not 'https://[::'"),
        ("openlineage_api_key_secret", f"{SECRETS}:key", "must be a secret's whole ARN"),
        ("openlineage_api_key_secret", f"{SECRETS}:*", "must be a secret's whole ARN"),
        ("openlineage_url", "https://me:pw@ol.example/x", "without user, password or query"),
        ("openlineage_url", "https://ol.example/x?code=pw", "without user, password or query"),
        ("alarm.latency", "9", "of alarm there are errors, throttles,"),
        ("alarm.success_percent", "101", "must be 1 to 100, not 101"),
        ("alarm.rate_minutes", "7", "must be 5 to 1440 in steps of 5, not 7"),
        ("tag.owner", "a;b", "must be a tag's value, not 'a;b'"),
        ("tag.", "a", "'tag.' must end in a tag's name"),
        ("tag.AWS:owner", "a", "not beginning with aws:"),
        ("env", "dev", "context 'env' is no setting; docs/operations.md has them all"),
        ("ENVIRONMENT", "dev", "'ENVIRONMENT' is no setting; did you mean 'environment'?"),
        ("alert-email", "me@example.com", "did you mean 'alert_email'?"),
        ("staging_expiry_days", "soon", "must be a whole number, not 'soon'"),
    ],
)
def test_bad_value_is_told_with_its_key(tmp_path: Path, key: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from(app(tmp_path, **{key: value}).node)
    assert said in str(raised.value)
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize("key", ["@aws-cdk/core:flag", "vpc-provider:account=1", "cli-telemetry"])
def test_context_of_others_is_left_alone(tmp_path: Path, key: str) -> None:
    assert settings_from(app(tmp_path, **{key: "true"}).node) == settings_from(app(tmp_path).node)


def test_functions_have_the_sizes_of_the_context(tmp_path: Path) -> None:
    # WHEN sizes are given for all stages, and others for one
    context = {"memory_mb": "3008", "timeout_s": "600", "ephemeral_storage_mb": "1024"}
    ones_own = {"validate.memory_mb": "10240", "validate.timeout_s": "1"}
    template = synthesised(tmp_path, target="local", **context, **ones_own)
    # THEN the functions have them
    sizes = {
        name.partition("Function")[0]: (
            function["Properties"]["MemorySize"],
            function["Properties"]["Timeout"],
            function["Properties"]["EphemeralStorage"]["Size"],
        )
        for name, function in resources(template, "AWS::Lambda::Function").items()
    }
    others = dict.fromkeys(["Clean", "Transform", "Enrich", "Write"], (3008, 600, 1024))
    assert sizes == {"Validate": (10240, 1, 1024), **others}


def test_without_context_functions_have_the_default_sizes(tmp_path: Path) -> None:
    assert settings_from(app(tmp_path).node).stages == Settings().stages


def test_alert_email_is_subscribed(tmp_path: Path) -> None:
    template = synthesised(tmp_path, target="local", alert_email="someone@example.com")
    (subscription,) = resources(template, "AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Protocol"] == "email"
    assert subscription["Properties"]["Endpoint"] == "someone@example.com"


def test_mistake_on_the_command_line_ends_in_one_line() -> None:
    # GIVEN the app as the CDK starts it, with a value that makes no sense
    context = {"CDK_CONTEXT_JSON": json.dumps({"target": "mars"})}
    # WHEN it runs
    finished = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env=os.environ | context,
        capture_output=True,
        text=True,
        check=False,
    )
    # THEN it fails, and says so without a traceback
    assert finished.returncode == 1
    assert finished.stderr == "error: context 'target' must be aws or local, not 'mars'\n"
