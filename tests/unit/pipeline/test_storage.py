from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from pipeline.errors import (
    ObjectChangedError,
    ObjectNotVisibleError,
    PermissionDeniedError,
    PipelineError,
    StorageRefusedError,
    StorageThrottledError,
    StorageUnavailableError,
)
from pipeline.storage import (
    StoredObject,
    delete_object,
    open_object,
    put_object,
    read_object,
    storage_errors,
)

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# code, status, class: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
ANSWERS: list[tuple[str, int, type[PipelineError]]] = [
    ("SlowDown", 503, StorageThrottledError),
    ("ThrottlingException", 400, StorageThrottledError),
    ("InternalError", 500, StorageUnavailableError),
    ("ServiceUnavailable", 503, StorageUnavailableError),
    ("", 502, StorageUnavailableError),
    ("RequestTimeout", 400, StorageUnavailableError),
    ("NoSuchKey", 404, ObjectNotVisibleError),
    ("NoSuchVersion", 404, ObjectNotVisibleError),
    ("404", 404, ObjectNotVisibleError),
    ("PreconditionFailed", 412, ObjectChangedError),
    ("ConditionalRequestConflict", 409, ObjectChangedError),
    ("AccessDenied", 403, PermissionDeniedError),
    ("NoSuchBucket", 404, StorageRefusedError),
    ("InvalidArgument", 400, StorageRefusedError),
    ("", 0, StorageRefusedError),
]


@pytest.mark.parametrize(("code", "status", "expected"), ANSWERS)
def test_answers_of_s3_are_told_apart_by_code_and_status(
    code: str, status: int, expected: type[PipelineError]
) -> None:
    answer = ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "GetObject",
    )

    with pytest.raises(PipelineError) as raised, storage_errors("reading s3://b/k"):
        raise answer

    assert type(raised.value) is expected
    assert str(raised.value).startswith(f"S3 answered {code} ({status}) while reading s3://b/k.")
    assert raised.value.__cause__ is answer


def test_an_answer_without_an_error_is_refused() -> None:
    with pytest.raises(StorageRefusedError), storage_errors("reading"):
        raise ClientError({}, "GetObject")


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://s3"),
        ConnectTimeoutError(endpoint_url="https://s3"),
        ReadTimeoutError(endpoint_url="https://s3"),
    ],
)
def test_lost_connections_are_transient(error: Exception) -> None:
    with pytest.raises(StorageUnavailableError, match=type(error).__name__), storage_errors("x"):
        raise error


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(KeyError), storage_errors("reading"):
        raise KeyError


def test_what_is_put_can_be_read(bucket: str) -> None:
    stored = put_object(bucket, "folder/k", b"content")

    found = read_object(bucket, "folder/k")

    assert found is not None
    assert (found[0], found[1]._replace(last_modified="")) == (b"content", stored)
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(found[1].last_modified)
    assert abs(age.total_seconds()) < 60
    assert stored.size == 7
    assert stored.version_id
    assert '"' not in stored.etag
    assert stored.address == f"s3://{bucket}/folder/k"


def test_nothing_is_read_where_nothing_is(bucket: str) -> None:
    assert read_object(bucket, "k") is None


def test_objects_without_versions_have_no_version_id(s3: S3Client, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    put_object(bucket, "k", b"x")

    found = read_object(bucket, "k")

    assert found is not None
    assert found[1].version_id is None


def test_an_object_is_read_in_pieces_and_counted(bucket: str) -> None:
    put_object(bucket, "k", b"0123456789")

    reader = open_object(bucket, "k")

    assert (reader.readable(), reader.seekable(), reader.closed) == (True, False, False)
    assert [reader.read(4), reader.read(4), reader.read(4), reader.read(4)] == [
        b"0123",
        b"4567",
        b"89",
        b"",
    ]
    assert reader.bytes_read == 10
    reader.close()
    assert reader.closed


def test_a_version_can_be_read_after_it_was_replaced(bucket: str) -> None:
    old = put_object(bucket, "k", b"old")
    new = put_object(bucket, "k", b"new")

    assert open_object(bucket, "k", version_id=old.version_id).read() == b"old"
    assert open_object(bucket, "k", etag=new.etag).read() == b"new"
    assert open_object(bucket, "k", version_id=old.version_id, etag=new.etag).read() == b"old"


def test_an_object_with_another_etag_has_changed(bucket: str) -> None:
    old = put_object(bucket, "k", b"old")
    put_object(bucket, "k", b"new")

    with pytest.raises(ObjectChangedError):
        open_object(bucket, "k", etag=f'"{old.etag}"')


@pytest.mark.parametrize("version", [None, "unknown"])
def test_a_missing_object_or_version_is_not_visible(bucket: str, version: str | None) -> None:
    with pytest.raises(ObjectNotVisibleError, match="upload the file again"):
        open_object(bucket, "missing", version_id=version)


def test_a_first_write_succeeds_once(bucket: str) -> None:
    put_object(bucket, "k", b"one", replaces=None)

    with pytest.raises(ObjectChangedError):
        put_object(bucket, "k", b"two", replaces=None)

    assert open_object(bucket, "k").read() == b"one"


def test_a_write_replaces_only_what_it_has_seen(bucket: str) -> None:
    first = put_object(bucket, "k", b"one")
    second = put_object(bucket, "k", b"two", replaces=first)

    with pytest.raises(ObjectChangedError):
        put_object(bucket, "k", b"three", replaces=first)

    found = read_object(bucket, "k")
    assert found is not None
    assert (found[0], found[1].version_id) == (b"two", second.version_id)


def test_deleting_a_version_brings_the_one_before_back(bucket: str) -> None:
    put_object(bucket, "k", b"old")
    new = put_object(bucket, "k", b"new")

    delete_object(new)

    assert open_object(bucket, "k").read() == b"old"


def test_deleting_without_version_hides_the_object_and_keeps_its_versions(bucket: str) -> None:
    stored = put_object(bucket, "k", b"x")

    delete_object(stored._replace(version_id=None))

    assert read_object(bucket, "k") is None
    assert open_object(bucket, "k", version_id=stored.version_id).read() == b"x"


def test_a_bucket_that_is_not_there_is_refused(s3: S3Client) -> None:
    assert s3
    with pytest.raises(StorageRefusedError, match="NoSuchBucket"):
        delete_object(StoredObject("no-such-bucket", "k", None, "", 0))
