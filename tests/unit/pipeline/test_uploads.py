from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse

from pipeline import uploads
from pipeline.errors import StorageRefusedError, StorageUnavailableError
from pipeline.storage import read_object
from pipeline.uploads import PART_BYTES, ObjectWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from types_boto3_s3.client import S3Client


def leftovers(s3: S3Client, bucket: str) -> list[Any]:
    """Objects and unfinished uploads in a bucket."""
    uploads_begun = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [*s3.list_object_versions(Bucket=bucket).get("Versions", []), *uploads_begun]


@pytest.fixture
def broken(s3: S3Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """S3 answers one operation with 500."""
    operation: str = request.param
    event = f"before-call.s3.{operation}"
    answer = AWSResponse("https://s3", 500, {}, None)
    parsed = {"Error": {"Code": "InternalError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}

    def fail(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        return answer, parsed

    s3.meta.events.register(event, fail)
    yield operation
    s3.meta.events.unregister(event, fail)


@pytest.mark.parametrize("parts", [[], [b""], [b"abc"], [b"abc", memoryview(b"def")]])
def test_a_small_object_is_written_in_one_request(bucket: str, parts: list[Any]) -> None:
    expected = b"".join(parts)

    with ObjectWriter(bucket, "k") as writer:
        assert [writer.write(part) for part in parts] == [len(part) for part in parts]
        assert read_object(bucket, "k") is None

    found = read_object(bucket, "k")
    assert found is not None
    assert (found[0], found[1]._replace(last_modified="")) == (expected, writer.stored)
    assert writer.bytes_written == len(expected)


def test_a_large_object_is_written_in_parts(s3: S3Client, bucket: str) -> None:
    block = bytes(range(256)) * 4096 * 3
    with ObjectWriter(bucket, "k") as writer:
        for _ in range(9):
            writer.write(block)

    found = read_object(bucket, "k")

    assert found is not None
    assert (found[0], found[1]._replace(last_modified="")) == (block * 9, writer.stored)
    # S3 appends the number of parts to the ETag of an object that was uploaded in parts.
    assert found[1].etag.endswith("-3")
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_a_part_that_is_exactly_full_is_not_followed_by_an_empty_one(bucket: str) -> None:
    with ObjectWriter(bucket, "k") as writer:
        writer.write(bytes(PART_BYTES))

    assert writer.stored is not None
    assert writer.stored.etag.endswith("-1")
    assert writer.stored.size == PART_BYTES


@pytest.mark.parametrize("size", [10, PART_BYTES, 3 * PART_BYTES + 1])
def test_an_aborted_upload_leaves_nothing(s3: S3Client, bucket: str, size: int) -> None:
    with pytest.raises(ZeroDivisionError), ObjectWriter(bucket, "k") as writer:
        for at in range(0, size, PART_BYTES):
            writer.write(bytes(min(PART_BYTES, size - at)))
        raise ZeroDivisionError

    assert leftovers(s3, bucket) == []


@pytest.mark.parametrize(
    "broken",
    ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
    indirect=True,
)
def test_an_upload_that_s3_fails_leaves_nothing(s3: S3Client, bucket: str, broken: str) -> None:
    with pytest.raises(StorageUnavailableError, match=r"\(500\)"), ObjectWriter(bucket, "k") as w:
        for _ in range(4):
            w.write(bytes(PART_BYTES))

    assert broken
    assert leftovers(s3, bucket) == []


@pytest.mark.parametrize("broken", ["UploadPart"], indirect=True)
def test_a_last_part_that_s3_fails_leaves_nothing(s3: S3Client, bucket: str, broken: str) -> None:
    with (
        pytest.raises(StorageUnavailableError, match="part 1"),
        ObjectWriter(bucket, "k") as writer,
    ):
        writer.write(bytes(PART_BYTES))

    assert broken
    assert leftovers(s3, bucket) == []


@pytest.mark.parametrize("broken", ["PutObject"], indirect=True)
def test_a_small_object_that_s3_fails_is_an_error(s3: S3Client, bucket: str, broken: str) -> None:
    with pytest.raises(StorageUnavailableError), ObjectWriter(bucket, "k") as writer:
        writer.write(b"x")

    assert broken
    assert leftovers(s3, bucket) == []


def test_every_body_goes_whole_and_with_its_checksum(s3: S3Client, bucket: str) -> None:
    # GIVEN what the SDK is about to send, as it would over TLS
    sent: list[tuple[bytes, Any]] = []

    def note(request: Any, **_: Any) -> None:
        if request.method == "PUT":
            sent.append((request.body.read(), request.headers))
            request.body.seek(0)

    s3.meta.events.register_first("before-send.s3", note)
    block = bytes(range(256)) * (PART_BYTES // 256)

    # WHEN an object is written in parts, and one in a single request
    with ObjectWriter(bucket, "large") as writer:
        writer.write(block)
        writer.write(b"rest")
    with ObjectWriter(bucket, "small") as writer:
        writer.write(b"small")
    s3.meta.events.unregister("before-send.s3", note)

    # THEN S3 can check them, and nothing has taken them to pieces or hashed them once more
    assert sorted(body for body, _ in sent) == sorted([block, b"rest", b"small"])
    for body, headers in sent:
        checksum = binascii.crc32(body).to_bytes(4, "big")
        assert base64.b64decode(headers["x-amz-checksum-crc32"]) == checksum
        assert headers["X-Amz-Content-SHA256"] == b"UNSIGNED-PAYLOAD"


def test_an_upload_in_parts_says_first_and_last_how_its_parts_are_checked(
    s3: S3Client, bucket: str
) -> None:
    # S3 refuses a part's checksum of a kind that the upload did not begin with ("Checksum Type
    # mismatch"), and an end that does not name the checksum of each part again.
    asked: dict[str, Any] = {}

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked[model.name] = params

    s3.meta.events.register("before-parameter-build.s3", note)

    with ObjectWriter(bucket, "large") as writer:
        writer.write(bytes(PART_BYTES))
        writer.write(b"rest")
    s3.meta.events.unregister("before-parameter-build.s3", note)

    assert asked["CreateMultipartUpload"]["ChecksumAlgorithm"] == "CRC32"
    ended = asked["CompleteMultipartUpload"]["MultipartUpload"]["Parts"]
    rest = base64.b64encode(binascii.crc32(b"rest").to_bytes(4, "big")).decode()
    assert [part["PartNumber"] for part in ended] == [1, 2]
    assert ended[1]["ChecksumCRC32"] == rest


def test_finishing_twice_writes_once(s3: S3Client, bucket: str) -> None:
    writer = ObjectWriter(bucket, "k")
    writer.write(b"x")

    assert writer.finish() is writer.finish()
    assert len(leftovers(s3, bucket)) == 1


def test_aborting_after_finishing_changes_nothing(bucket: str) -> None:
    writer = ObjectWriter(bucket, "k")
    writer.write(bytes(PART_BYTES))
    writer.finish()
    writer.abort()

    assert read_object(bucket, "k") is not None


def test_parts_in_flight_are_bounded(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = []
    plain = uploads.ObjectWriter._send

    def counted(self: ObjectWriter) -> None:
        plain(self)
        waiting.append(sum(not future.done() for future in self._sent))

    monkeypatch.setattr(uploads.ObjectWriter, "_send", counted)
    with ObjectWriter(bucket, "k") as writer:
        for _ in range(6):
            writer.write(bytes(PART_BYTES))

    assert max(waiting) <= 2


def test_a_bucket_that_is_not_there_is_refused(s3: S3Client) -> None:
    assert s3
    with pytest.raises(StorageRefusedError), ObjectWriter("no-such-bucket", "k") as writer:
        writer.write(b"x")


def test_the_sink_has_the_protocol_that_pyarrow_asks_for() -> None:
    writer = ObjectWriter("b", "k")

    assert (writer.readable(), writer.writable(), writer.seekable()) == (False, True, False)
    writer.flush()
    writer.close()
    assert not writer.closed
