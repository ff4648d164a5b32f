"""The SDK's clients, made from descriptions that are not looked for."""

from __future__ import annotations

import platform

import botocore
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import DataNotFoundError, UnknownServiceError

from pipeline.sdk import new_client


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, the SDK asks the network for some."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.mark.parametrize("service", ["s3", "secretsmanager"])
def test_client_is_the_one_that_the_sdk_makes_by_itself(service: str) -> None:
    # GIVEN
    plain = botocore.session.get_session().create_client(service, region_name="eu-west-1")

    # WHEN
    made = new_client(service, Config(region_name="eu-west-1"))

    # THEN
    assert made.meta.service_model.operation_names == plain.meta.service_model.operation_names
    assert made.meta.service_model.api_version == plain.meta.service_model.api_version
    assert made.meta.endpoint_url == plain.meta.endpoint_url


def test_no_client_of_a_service_that_there_is_not() -> None:
    with pytest.raises((DataNotFoundError, UnknownServiceError)):
        new_client("s33", Config(region_name="eu-west-1"))


def test_requests_say_which_sdk_and_which_python_sends_them() -> None:
    agent = new_client("s3", Config(region_name="eu-west-1")).meta.config.user_agent
    assert agent.startswith(f"Botocore/{botocore.__version__} Python/{platform.python_version()} ")


def test_settings_of_a_client_are_kept() -> None:
    made = new_client("s3", Config(region_name="eu-west-1", read_timeout=7))
    assert made.meta.config.read_timeout == 7
    assert made.meta.region_name == "eu-west-1"
