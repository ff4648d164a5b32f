"""Writing an object as a stream: parts go up while the next ones are being made."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from pipeline.all_or_nothing import AllOrNothing
from pipeline.errors import ObjectNotVisibleError
from pipeline.storage import (
    StoredObject,
    checksum_of,
    put_object,
    s3_client,
    storage_errors,
    version_of,
)

PART_BYTES: Final = 8 * 1024 * 1024
_PARTS_IN_FLIGHT: Final = 2


class ObjectWriter(AllOrNothing):
    """A file-like sink that becomes an object when it is closed, and nothing when it is aborted.

    Up to one part the object is written in a single request; beyond it, as a multipart upload
    with at most two parts in flight, so memory stays at a few parts whatever the size.
    """

    def __init__(self, bucket: str, key: str) -> None:
        self.bucket = bucket
        self.key = key
        self.bytes_written = 0
        self.stored: StoredObject | None = None
        self.closed = False
        self._parts: list[bytes] = []
        self._buffered = 0
        self._upload_id: str | None = None
        self._sent: list[Future[Any]] = []
        self._pool: ThreadPoolExecutor | None = None

    def write(self, data: Any, /) -> int:
        """Take bytes (or a buffer of them); may wait for earlier parts to be sent."""
        block = bytes(data)
        self._parts.append(block)
        self._buffered += len(block)
        self.bytes_written += len(block)
        if self._buffered >= PART_BYTES:
            self._send()
        return len(block)

    def finish(self) -> StoredObject:
        """Make the object visible and return its identity; a second call changes nothing."""
        if self.stored is None:
            try:
                self.stored = self._completed() if self._upload_id else self._put()
            except BaseException:
                self.abort()
                raise
        return self.stored

    def abort(self) -> None:
        """Leave no object and no parts behind."""
        if self._upload_id is not None and self.stored is None:
            self._drained()
            with (
                suppress(ObjectNotVisibleError),  # it was completed after all: the answer was lost
                storage_errors(f"aborting the upload of s3://{self.bucket}/{self.key}"),
            ):
                s3_client().abort_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=self._upload_id
                )
        self._shut()

    def flush(self) -> None:
        """Do nothing: parts are sent as they fill up."""

    def close(self) -> None:
        """Do nothing: pyarrow closes its sinks, but only `finish` makes the object visible."""

    def readable(self) -> bool:
        """Return False: the file protocol that pyarrow asks for."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False."""
        return False

    def _put(self) -> StoredObject:
        return put_object(self.bucket, self.key, b"".join(self._parts))

    def _completed(self) -> StoredObject:
        if self._buffered:
            self._send()
        parts = [future.result() for future in self._sent]
        with storage_errors(f"completing s3://{self.bucket}/{self.key}"):
            answer = s3_client().complete_multipart_upload(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=str(self._upload_id),
                MultipartUpload={"Parts": parts},
            )
        self._shut()
        etag = answer["ETag"].strip('"')
        return StoredObject(self.bucket, self.key, version_of(answer), etag, self.bytes_written)

    def _send(self) -> None:
        body = b"".join(self._parts)
        self._parts, self._buffered = [], 0
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_PARTS_IN_FLIGHT)
            with storage_errors(f"starting the upload of s3://{self.bucket}/{self.key}"):
                # S3 refuses a checksum of a kind that the upload did not begin with.
                answer = s3_client().create_multipart_upload(
                    Bucket=self.bucket, Key=self.key, ChecksumAlgorithm="CRC32"
                )
            self._upload_id = answer["UploadId"]
        if len(self._sent) >= _PARTS_IN_FLIGHT:
            self._sent[-_PARTS_IN_FLIGHT].result()
        self._sent.append(self._pool.submit(self._send_part, body, len(self._sent) + 1))

    def _send_part(self, body: bytes, number: int) -> dict[str, Any]:
        checksum = checksum_of(body)
        with storage_errors(f"writing part {number} of s3://{self.bucket}/{self.key}"):
            answer = s3_client().upload_part(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=str(self._upload_id),
                PartNumber=number,
                Body=body,
                ChecksumCRC32=checksum,
            )
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": checksum}

    def _drained(self) -> None:
        for future in self._sent:
            future.exception()

    def _shut(self) -> None:
        self._parts = []
        if self._pool is not None:
            self._pool.shutdown()
