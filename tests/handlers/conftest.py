"""The handlers in this process, against an S3 that lives in it, too (moto)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from pipeline.constants import ENV_DATASETS_DIR, ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET, STAGES
from pipeline.observability import stage_logger
from pipeline.storage import s3_client
from tests.handlers.cloud import OUTPUT, STAGING, Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOGGERS = [stage_logger(stage) for stage in STAGES]  # before any test has its own stdout


@pytest.fixture
def cloud(compiled_datasets: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Buckets, and the functions' environment."""
    for name, value in {
        ENV_DATASETS_DIR: str(compiled_datasets),
        ENV_OUTPUT_BUCKET: OUTPUT,
        ENV_STAGING_BUCKET: STAGING,
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3_client.cache_clear()
        yield Cloud()
    s3_client.cache_clear()


@pytest.fixture
def printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[dict[str, Any]]]:
    """What the functions have printed so far, a JSON document a line, as CloudWatch gets it."""
    for logger in LOGGERS:
        monkeypatch.setattr(logger.registered_handler, "stream", sys.stdout)
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
