"""What is committed: reads the manifests that the pipeline has written (docs/adr/0003)."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from pipeline.constants import MANIFEST_PREFIX
from pipeline.run import Source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from cli.target import Target

NOT_THERE: Final = ("NoSuchKey", "NoSuchVersion", "404")


def committed(target: Target, dataset: str, source: Source) -> dict[str, Any] | None:
    """Return the manifest of a source object, None if nothing of it is committed."""
    key = f"{MANIFEST_PREFIX}{dataset}/{source.source_id}.json"
    return json_object(target.cloud.s3(), target.output_bucket, key)


def json_object(s3: S3Client, bucket: str, key: str) -> dict[str, Any] | None:
    """Return a JSON object of S3, None if there is none."""
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"].get("Code") not in NOT_THERE:
            raise
        return None
    document = json.loads(body)
    return document if isinstance(document, dict) else None


def source_of(document: dict[str, Any]) -> Source:
    """Return the source in a manifest's run or a report; fields that we do not know are left out.

    Raises
    ------
    TypeError
        If the document has no source.
    """
    known = {field.name for field in fields(Source)}
    return Source(**{k: v for k, v in (document.get("source") or {}).items() if k in known})


def is_same_version(one: Source, other: Source) -> bool:
    """Whether both are the same version; by ETag, where one does not name its version."""
    if one.version_id and other.version_id:
        return one.version_id == other.version_id
    return one.etag == other.etag
