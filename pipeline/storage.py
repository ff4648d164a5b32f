"""Objects in S3: streams in, streams out, conditional writes, and what its errors mean.

The one place that talks to S3 and the one place that maps botocore's errors onto ours: by error
code and HTTP status, never by message text.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from zlib import crc32

import botocore.config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from pipeline.errors import (
    ObjectChangedError,
    ObjectNotVisibleError,
    PermissionDeniedError,
    PipelineError,
    StorageRefusedError,
    StorageThrottledError,
    StorageUnavailableError,
)
from pipeline.read_ahead import BLOCK_BYTES, ReadAhead
from pipeline.request_count import count_requests
from pipeline.sdk import new_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3.client import S3Client

SDK_ATTEMPTS: Final = 2
"""Tries per request inside the SDK; Step Functions retries the whole stage on top of that."""
_THROTTLED: Final = frozenset({"SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "Forbidden"})
_ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404", "NotFound"})
_TIMED_OUT: Final = frozenset({"RequestTimeout"})  # comes with status 400
_CONFLICT: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_SERVER_ERROR: Final = 500
_CONNECTION: Final = (HTTPClientError, BotocoreConnectionError, IncompleteReadError)
"""botocore's errors of a connection that was refused, lost or timed out."""


class StoredObject(NamedTuple):
    """An object's identity after a read or a write; `version_id` None where not versioned.

    `last_modified` (ISO 8601, UTC, seconds) is known after a read only.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int
    last_modified: str = ""

    @property
    def address(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@cache
def s3_client() -> S3Client:
    """Return the process's S3 client, whose requests are counted.

    Bodies go with a checksum (`checksum_of`) and over TLS, so their signature does not hash them
    once more.
    """
    config = botocore.config.Config(
        retries={"total_max_attempts": SDK_ATTEMPTS, "mode": "standard"},
        connect_timeout=5,
        read_timeout=30,
        s3={"payload_signing_enabled": False},
    )
    client = cast("S3Client", new_client("s3", config))
    count_requests(client)
    return client


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Map botocore's errors inside the block onto the error tree.

    Parameters
    ----------
    what
        The request in words, for the message: `reading s3://...`.
    """
    try:
        yield
    except ClientError as error:
        raise _mapped(error, what) from error
    except BotoCoreError as error:
        kind = StorageUnavailableError if isinstance(error, _CONNECTION) else StorageRefusedError
        raise kind(f"{type(error).__name__} while {what}: {error}.") from error


def _mapped(error: ClientError, what: str) -> PipelineError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = f"S3 answered {code} ({status}) while {what}."
    if code in _THROTTLED:
        return StorageThrottledError(said)
    if code in _CONFLICT:
        return ObjectChangedError(said)
    if code in _ABSENT:
        return ObjectNotVisibleError(said, remedy="If it was deleted, upload the file again.")
    if code in _DENIED:
        return PermissionDeniedError(
            said, remedy="Give the function's role this action on this prefix, and deploy."
        )
    if status >= _SERVER_ERROR or code in _TIMED_OUT:
        return StorageUnavailableError(said)
    return StorageRefusedError(said)


class ObjectReader:
    """The bytes of an object, read in one streaming request."""

    def __init__(
        self, stored: StoredObject, body: Any, before_read: Callable[[], None] | None = None
    ) -> None:
        self.stored = stored
        self._before_read = before_read
        self.bytes_read = 0
        self.closed = False
        self._body = body

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes (all, if negative), fewer only at the end.

        A body that breaks off gives what has come before it says so: who got less than asked for
        would take it for the end, and a broken connection for a broken file.
        """
        if self._before_read is not None:
            self._before_read()
        with storage_errors(f"reading {self.stored.address}"):
            block: bytes = self._body.read(None if size is None or size < 0 else size)
            while 0 < len(block) < (size or 0) and (more := self._body.read(size - len(block))):
                block += more
        self.bytes_read += len(block)
        return block

    def readable(self) -> bool:
        """Return True: the file protocol that pyarrow asks for."""
        return True

    def seekable(self) -> bool:
        """Return False: the request is not repeated."""
        return False

    def close(self) -> None:
        """Give the connection back."""
        self.closed = True
        self._body.close()


def open_object(
    bucket: str,
    key: str,
    *,
    version_id: str | None = None,
    etag: str | None = None,
    before_read: Callable[[], None] | None = None,
) -> ObjectReader:
    """Return a reader of an object, of one version, or only if it still has this ETag.

    Parameters
    ----------
    before_read
        Called before each read; what it raises stops the reading.

    Raises
    ------
    ObjectChangedError
        If the object has another ETag by now.
    TransientError, PermissionDeniedError
        As S3's answer says.
    """
    wanted: Any = {"VersionId": version_id} if version_id else {}
    if etag and not version_id:
        wanted["IfMatch"] = f'"{etag.strip(chr(34))}"'
    try:
        with storage_errors(f"opening s3://{bucket}/{key}"):
            answer = s3_client().get_object(Bucket=bucket, Key=key, **wanted)
    except PermissionDeniedError:
        if _is_absent(bucket, key):
            raise ObjectNotVisibleError(f"There is no object s3://{bucket}/{key}.") from None
        raise
    stored = StoredObject(
        bucket,
        key,
        version_of(answer),
        answer["ETag"].strip('"'),
        answer["ContentLength"],
        answer["LastModified"].astimezone(UTC).isoformat(timespec="seconds"),
    )
    body: Any = answer["Body"]
    ahead = ReadAhead(body) if stored.size > BLOCK_BYTES else body
    return ObjectReader(stored, ahead, before_read)


def _is_absent(bucket: str, key: str) -> bool:
    """Whether a key that may not be read is simply not there.

    S3 answers a read of a missing key with 403 unless the role may list the bucket, and a
    permission to list that is narrowed to a prefix need not count for it.
    """
    try:
        with storage_errors(f"listing s3://{bucket}/{key}"):
            found = s3_client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except PermissionDeniedError:
        return False
    return all(item["Key"] != key for item in found.get("Contents", []))


def list_objects(bucket: str, prefix: str) -> dict[str, str]:
    """Return the ETags of all objects below a prefix, by key."""
    found: dict[str, str] = {}
    with storage_errors(f"listing s3://{bucket}/{prefix}"):
        for page in (
            s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        ):
            found |= {item["Key"]: item["ETag"].strip('"') for item in page.get("Contents", [])}
    return found


def newest_key(bucket: str, prefix: str, endings: tuple[str, ...]) -> str | None:
    """Return the key below a prefix that was written last, of those with one of these endings.

    Of several that were written in one second, it is the one whose key sorts last; None if there
    are none.
    """
    found = []
    with storage_errors(f"listing s3://{bucket}/{prefix}"):
        for page in (
            s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        ):
            found += [(item["LastModified"], item["Key"]) for item in page.get("Contents", [])]
    return max((each for each in found if each[1].endswith(endings)), default=(None, None))[1]


def read_object(bucket: str, key: str) -> tuple[bytes, StoredObject] | None:
    """Return a small object's bytes and identity, None if there is none."""
    try:
        reader = open_object(bucket, key)
    except ObjectNotVisibleError:
        return None
    try:
        return reader.read(), reader.stored
    finally:
        reader.close()


def put_object(
    bucket: str, key: str, body: bytes, *, replaces: StoredObject | bool | None = True
) -> StoredObject:
    """Write a small object.

    Parameters
    ----------
    replaces
        True: whatever is there; None: only if nothing is there; a StoredObject: only if that is
        still there.

    Raises
    ------
    ObjectChangedError
        If the condition does not hold.
    """
    condition: Any = {}
    if replaces is None:
        condition = {"IfNoneMatch": "*"}
    elif isinstance(replaces, StoredObject):
        condition = {"IfMatch": f'"{replaces.etag}"'}
    with storage_errors(f"writing s3://{bucket}/{key}"):
        answer = s3_client().put_object(
            Bucket=bucket, Key=key, Body=body, ChecksumCRC32=checksum_of(body), **condition
        )
    return StoredObject(bucket, key, version_of(answer), answer["ETag"].strip('"'), len(body))


def checksum_of(body: bytes) -> str:
    """Return the CRC-32 by which S3 checks that a body has arrived as it was sent.

    The SDK would compute it, too, but send it in a trailer, for which it takes the body to pieces:
    22 ms of CPU time for 8 MiB instead of 9.
    """
    return b64encode(crc32(body).to_bytes(4, "big")).decode("ascii")


def delete_object(stored: StoredObject) -> None:
    """Delete one version of an object; without a version id, the object as it is."""
    which: Any = {"VersionId": stored.version_id} if stored.version_id else {}
    with storage_errors(f"deleting {stored.address}"):
        s3_client().delete_object(Bucket=stored.bucket, Key=stored.key, **which)


def version_of(answer: Any) -> str | None:
    """Return the version that an answer of S3 names; None where the bucket has none."""
    version = answer.get("VersionId")
    return None if version in (None, "null") else version
