"""The handlers in this process, against an S3 that lives in it, too (moto)."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from functions.write import commit
from pipeline.constants import ENV_DATASETS_DIR, ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET, STAGES
from pipeline.observability import stage_logger
from pipeline.storage import s3_client
from tests.handlers.cloud import OTHER_EXECUTION, OUTPUT, STAGING, Cloud
from tests.handlers.faults import Faults
from tests.handlers.orders import Deployments
from tests.handlers.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class CurrentStdout:
    """Whatever `sys.stdout` is at the moment: pytest has another one for each test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture(autouse=True, scope="session")
def _loggers_print_to_the_current_stdout() -> None:
    for stage in STAGES:
        for handler in logging.getLogger(stage_logger(stage).service).handlers:
            assert isinstance(handler, logging.StreamHandler)
            handler.stream = CurrentStdout()


@pytest.fixture(scope="session")
def _client() -> Iterator[None]:
    """One client for all tests of this folder: making one takes longer than most of them."""
    s3_client.cache_clear()
    yield
    s3_client.cache_clear()


@pytest.fixture
def cloud(
    _client: None, compiled_datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    """Buckets, and the functions' environment."""
    for name, value in {
        ENV_DATASETS_DIR: str(compiled_datasets),
        ENV_OUTPUT_BUCKET: OUTPUT,
        ENV_STAGING_BUCKET: STAGING,
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        cloud = Cloud()
        yield cloud
        cloud.close()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """What the functions have printed so far, a JSON document a line, as CloudWatch gets it."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def deploy(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployments:
    """`deploy(Orders(...))` deploys the dataset `orders`, in a form of the test's own."""
    assert cloud
    return Deployments(tmp_path, monkeypatch)


@pytest.fixture
def faults(cloud: Cloud) -> Iterator[Faults]:
    """Breaks requests to S3 by their number."""
    faults = Faults(cloud.s3)
    yield faults
    faults.close()


@pytest.fixture(params=SCENARIOS)
def scenario(
    cloud: Cloud,
    deploy: Deployments,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Scenario:
    """A last stage that is about to begin."""
    deploy()
    scenario = Scenario(cloud, deploy, monkeypatch)
    request.param(scenario)
    return scenario


class Race:
    """Lets another run commit between a write's reading of the manifest and its own commit."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.winner: dict[str, Any] = {}
        self._cloud = cloud
        self._monkeypatch = monkeypatch

    def between(self, event: dict[str, Any], enriched: dict[str, Any]) -> None:
        """Let the next commit be preceded by the one of this run."""
        write_manifest = commit.write_manifest

        def overtaken(*arguments: Any, **named: Any) -> Any:
            self._monkeypatch.setattr(commit, "write_manifest", write_manifest)
            self.winner = self._cloud.run_stage("write", event, enriched, execution=OTHER_EXECUTION)
            self._cloud.stage = "write"
            return write_manifest(*arguments, **named)

        self._monkeypatch.setattr(commit, "write_manifest", overtaken)


@pytest.fixture
def race(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Race:
    """Two executions at once, in an order that can be relied on."""
    return Race(cloud, monkeypatch)
