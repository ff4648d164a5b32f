"""Put a file where the pipeline takes it from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from boto3.s3.transfer import TransferConfig

from pipeline.constants import INPUT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from types_boto3_s3 import S3Client

PART_BYTES: Final = 8 * 1024 * 1024
"""A single large PUT is slow on the local cloud, and cannot be resumed anywhere."""


@dataclass(frozen=True)
class Uploaded:
    """One version of one object."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int

    @property
    def source(self) -> dict[str, str | None]:
        """Bucket, key and version, as a run's record has them."""
        return {"bucket": self.bucket, "key": self.key, "version_id": self.version_id}


def object_key(dataset: str, file_name: str) -> str:
    """Key of an input file: `input/<dataset>/<name>`."""
    return f"{INPUT_PREFIX}{dataset}/{file_name}"


def upload(
    s3: S3Client, bucket: str, dataset: str, file: Path, on_bytes: Callable[[int], None]
) -> Uploaded:
    """Upload a file in parts; `on_bytes` hears how many bytes went through since the last call."""
    key = object_key(dataset, file.name)
    s3.upload_file(str(file), bucket, key, Config=_in_parts(), Callback=on_bytes)
    return _uploaded(s3, bucket, key)


def upload_open(
    s3: S3Client, bucket: str, key: str, file: IO[bytes], on_bytes: Callable[[int], None]
) -> Uploaded:
    """Upload what an open file holds, as `upload` does; a few parts of it are in memory."""
    s3.upload_fileobj(file, bucket, key, Config=_in_parts(), Callback=on_bytes)
    return _uploaded(s3, bucket, key)


def _in_parts() -> TransferConfig:
    return TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)


def _uploaded(s3: S3Client, bucket: str, key: str) -> Uploaded:
    """Return the version that is there now."""
    head = s3.head_object(Bucket=bucket, Key=key)
    return Uploaded(
        bucket=bucket,
        key=key,
        version_id=head.get("VersionId"),
        etag=head["ETag"].strip('"'),
        size=head["ContentLength"],
    )
