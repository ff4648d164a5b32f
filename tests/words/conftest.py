"""The five handlers in this process, with S3 in it, too (moto)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from pipeline import sealed, staging
from pipeline.authoring.build import compile_datasets
from pipeline.constants import ENV_DATASETS_DIR, ENV_OUTPUT_BUCKET, ENV_STAGING_BUCKET
from pipeline.storage import s3_client
from tests.handlers.cloud import OUTPUT, STAGING, Cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _client() -> Iterator[None]:
    """One client for all tests of this folder: making one takes longer than most of them."""
    s3_client.cache_clear()
    yield
    s3_client.cache_clear()


@pytest.fixture(autouse=True)
def _few_rows_are_divided_and_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases' few rows go from stage to stage as many do."""
    monkeypatch.setattr(sealed, "PACKED_ROWS", 1)
    monkeypatch.setattr(staging, "DIVIDED_BYTES", 0)


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Cloud]]:
    """`deployed(folder)` deploys the datasets of a folder into empty buckets."""
    clouds: list[Cloud] = []

    def deploy(datasets: Path) -> Cloud:
        compile_datasets(datasets, tmp_path / "compiled")
        for name, value in {
            ENV_DATASETS_DIR: str(tmp_path / "compiled"),
            ENV_OUTPUT_BUCKET: OUTPUT,
            ENV_STAGING_BUCKET: STAGING,
            "AWS_DEFAULT_REGION": "eu-west-1",
        }.items():
            monkeypatch.setenv(name, value)
        clouds.append(Cloud())
        return clouds[0]

    logging.disable(logging.CRITICAL)
    with mock_aws():
        yield deploy
        for cloud in clouds:
            cloud.close()
    logging.disable(logging.NOTSET)
