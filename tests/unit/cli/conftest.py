"""A target whose queues and buckets are in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.moto_target import MotoCloud, moto_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoCloud]:
    from moto import mock_aws

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr("cli.queues.LONG_POLL_SECONDS", 0)
    monkeypatch.setattr("cli.follow.time.sleep", lambda _seconds: None)
    with mock_aws():
        yield MotoCloud()


@pytest.fixture
def target(cloud: MotoCloud, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The target that every verb finds, whatever its options say."""
    made = moto_target(cloud)
    for verb in ("dead_letters", "quarantine", "report"):
        monkeypatch.setattr(f"cli.verbs.{verb}.open_target", lambda _where: made)
    return made


@pytest.fixture
def service(cloud: MotoCloud) -> FakeStepFunctions:
    return cloud.client


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command's own folder, an empty one."""
    monkeypatch.setenv("LAMBDA_PIPELINES_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Exit status, stdout and stderr of `pipeline report`."""
    from cli.main import exit_status

    def answer(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = exit_status(["report", *arguments])
        return status, *capsys.readouterr()

    return answer
