from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from pipeline.authoring.dataset import CompiledDataset, compiled_dataset
from pipeline.storage import s3_client
from tests.unit.pipeline.support import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from types_boto3_s3.client import S3Client

    from pipeline.authoring.yaml_source import Finding

settings.register_profile(
    "quick",
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("quick")

_numbers = itertools.count()


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Client]:
    """The package's own S3 client, answered by moto in this process."""
    from moto import mock_aws

    s3_client.cache_clear()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.delenv("AWS_PROFILE", raising=False)
        yield s3_client()
    s3_client.cache_clear()


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """A new bucket with versioning, as the stack's output bucket has."""
    name = f"bucket-{next(_numbers)}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def write_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Write a dataset's folder: contract, steps, and other files by name."""

    def write(
        steps: str = "{}\n",
        *,
        contract: str = CONTRACT,
        files: dict[str, str] | None = None,
        name: str = "things",
    ) -> Path:
        folder = tmp_path / "datasets" / name
        texts = {"contract.odcs.yaml": contract, "pipeline.yaml": steps, **(files or {})}
        for file, text in texts.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder

    return write


@pytest.fixture
def compile_dataset(write_dataset: Callable[..., Path]) -> Callable[..., CompiledDataset]:
    """Write a dataset and compile it."""
    return lambda *steps, **more: compiled_dataset(write_dataset(*steps, **more))


@pytest.fixture
def findings(
    compile_dataset: Callable[..., CompiledDataset],
) -> Callable[..., list[tuple[str, int, int, str]]]:
    """Write a dataset, compile it, and return its findings as (severity, line, column, message)."""

    def place(found: Finding) -> tuple[str, int, int, str]:
        return found.severity, found.line, found.column, found.message

    return lambda *steps, **more: [
        place(found) for found in compile_dataset(*steps, **more).findings
    ]
