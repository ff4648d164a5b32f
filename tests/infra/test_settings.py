from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from infra.settings import Settings, SettingsError, Target, settings_from
from tests.infra.synthesis import ROOT, app, resources, synthesised

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("target", "mars", "context 'target' must be aws or local, not 'mars'"),
        ("stack", "1st", "context 'stack' must be a CloudFormation stack name, not '1st'"),
        ("alert_email", "me", "context 'alert_email' must be an e-mail address, not 'me'"),
        ("staging_expiry_days", "0", "must be a number of days from 1, not 0"),
        ("memory_mb", "127", "context 'memory_mb' must be 128 to 10240, not 127"),
        ("memory_mb", "10241", "context 'memory_mb' must be 128 to 10240, not 10241"),
        ("memory_mb", "1.5GB", "context 'memory_mb' must be a whole number, not '1.5GB'"),
        ("clean.timeout_s", "901", "context 'clean.timeout_s' must be 1 to 900, not 901"),
        ("timeout_s", "0", "context 'timeout_s' must be 1 to 900, not 0"),
        ("ephemeral_storage_mb", "511", "must be 512 to 10240, not 511"),
        ("validat.memory_mb", "3008", "context 'validat.memory_mb' is no setting of a stage"),
        ("validate.memory", "3008", "context 'validate.memory' is no setting of a stage"),
        ("staging_expiry_days", "soon", "must be a whole number, not 'soon'"),
    ],
)
def test_bad_value_is_told_with_its_key(tmp_path: Path, key: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from(app(tmp_path, **{key: value}).node)
    assert said in str(raised.value)


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
