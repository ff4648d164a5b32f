"""A target whose queues and buckets are in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.moto_target import MotoCloud, moto_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.target import Target


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
