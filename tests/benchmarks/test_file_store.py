"""The store of the benchmarks answers as S3 does: moto is asked the same."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, FlexibleChecksumError
from moto import mock_aws

from benchmarks.file_store import FileStore, etag_of
from benchmarks.network import Line
from pipeline.uploads import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Ask = tuple[str, dict[str, Any]]
BUCKET = "bucket"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client that files answer, with a bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    (tmp_path / BUCKET).mkdir()
    client = _client()
    FileStore(tmp_path).answer(client)
    return client


def _client() -> Any:
    config = Config(retries={"total_max_attempts": 1})
    return botocore.session.get_session().create_client("s3", config=config)


def answered(client: Any, *asked: Ask) -> list[Any]:
    """What a client says to requests: of each what a stage would look at, or the error.

    In their arguments `ETAG` stands for the ETag of the last object that was written, `UPLOAD` for
    the last upload.
    """
    known: dict[str, Any] = {"UPLOAD": "none", "ETAG": None, "PARTS": []}
    said: list[Any] = []
    for operation, arguments in asked:
        wanted = {
            name: known.get(value, value) if isinstance(value, str) else value
            for name, value in arguments.items()
        }
        if operation == "complete_multipart_upload":
            wanted["MultipartUpload"] = {"Parts": list(known["PARTS"])}
        try:
            answer = getattr(client, operation)(Bucket=BUCKET, **wanted)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            said.append((status, error.response["Error"]["Code"]))
            continue
        known["UPLOAD"] = answer.get("UploadId", known["UPLOAD"])
        known["ETAG"] = answer.get("ETag", known["ETAG"])
        if "PartNumber" in wanted:
            part = {"PartNumber": wanted["PartNumber"], "ETag": answer["ETag"]}
            known["PARTS"].append(part)
        said.append(_seen(answer))
    return said


def _seen(answer: dict[str, Any]) -> tuple[Any, ...]:
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    keys = [item["Key"] for item in answer.get("Contents", [])]
    body = answer["Body"].read() if "Body" in answer else None
    return status, keys, answer.get("ContentLength"), body, "ETag" in answer


def put(key: str, body: bytes = b"abc", **more: Any) -> Ask:
    return "put_object", {"Key": key, "Body": body, **more}


def get(key: str, **more: Any) -> Ask:
    return "get_object", {"Key": key, **more}


def part(number: int, body: bytes) -> Ask:
    named = {"Key": "k", "UploadId": "UPLOAD", "PartNumber": number, "Body": body}
    return "upload_part", named


BEGIN: Ask = ("create_multipart_upload", {"Key": "k"})
COMPLETE: Ask = ("complete_multipart_upload", {"Key": "k", "UploadId": "UPLOAD"})
ABORT: Ask = ("abort_multipart_upload", {"Key": "k", "UploadId": "UPLOAD"})
FULL = bytes(PART_BYTES)
CASES = {
    "written and read": [put("a b/é=1.csv", "ä".encode()), get("a b/é=1.csv")],
    "empty": [put("k", b""), get("k")],
    "replaced": [put("k"), put("k", b"defg"), get("k")],
    "missing": [get("k")],
    "looked at": [put("k"), ("head_object", {"Key": "k"}), ("head_object", {"Key": "x"})],
    "read if unchanged": [put("k"), get("k", IfMatch="ETAG"), get("k", IfMatch='"other"')],
    "new": [put("k", IfNoneMatch="*"), put("k", b"x", IfNoneMatch="*"), get("k")],
    "replaced if unchanged": [put("k"), put("k", b"x", IfMatch="ETAG"), get("k")],
    "not replaced": [put("k"), put("k", b"x", IfMatch='"other"'), get("k")],
    "replaced but not there": [put("k", IfMatch='"other"')],
    "deleted": [put("k"), ("delete_object", {"Key": "k"}), get("k")],
    "deleted but not there": [("delete_object", {"Key": "k"})],
    "listed": [
        *(put(key) for key in ("p/b", "p/a", "q/a", "p&/<a>", "p/é")),
        ("list_objects_v2", {"Prefix": "p"}),
        ("list_objects_v2", {"Prefix": "none"}),
    ],
    "in parts": [BEGIN, part(1, FULL), part(2, b"end"), get("k"), COMPLETE, get("k")],
    "aborted": [BEGIN, part(1, FULL), ABORT, get("k")],
}


@pytest.mark.parametrize("asked", CASES.values(), ids=CASES)
def test_files_answer_as_moto_does(files: Any, asked: list[Ask]) -> None:
    ours = answered(files, *asked)

    with mock_aws():
        moto = _client()
        moto.create_bucket(Bucket=BUCKET)
        assert ours == answered(moto, *asked)


def test_upload_that_was_never_begun_is_none(files: Any) -> None:
    """The code is that of S3's documentation; moto fails."""
    assert answered(files, part(1, b"x"), COMPLETE, ABORT) == [(404, "NoSuchUpload")] * 3


def test_etag_tells_one_state_of_an_object_from_another(files: Any, tmp_path: Path) -> None:
    seen = [files.put_object(Bucket=BUCKET, Key="k", Body=body)["ETag"] for body in (b"a", b"bc")]

    listed = files.list_objects_v2(Bucket=BUCKET, Prefix="")

    assert len(set(seen)) == 2
    assert [item["ETag"] for item in listed["Contents"]] == seen[1:]
    assert etag_of(tmp_path / BUCKET / "k") == seen[1]


def test_a_broken_object_does_not_pass_the_check_of_the_sdk(files: Any, tmp_path: Path) -> None:
    crc = (0x352441C2).to_bytes(4, "big")  # CRC-32 of abc
    checksum = base64.b64encode(crc).decode()
    files.put_object(Bucket=BUCKET, Key="k", Body=b"abc", ChecksumCRC32=checksum)
    whole = files.get_object(Bucket=BUCKET, Key="k")
    assert (whole["ChecksumCRC32"], whole["Body"].read()) == (checksum, b"abc")
    (tmp_path / BUCKET / "k").write_bytes(b"abd")

    with pytest.raises(FlexibleChecksumError):
        files.get_object(Bucket=BUCKET, Key="k")["Body"].read()


def test_requests_of_a_slow_store_take_their_time(files: Any, tmp_path: Path) -> None:
    # GIVEN a store that answers after 30 ms, and takes a second for 2 MB beyond those of its window
    assert files
    slow = _client()
    FileStore(tmp_path, latency=0.03, bytes_per_second=2e6).answer(slow)

    # WHEN, THEN
    assert seconds(lambda: slow.list_objects_v2(Bucket=BUCKET, Prefix="")) >= 0.03
    slow.put_object(Bucket=BUCKET, Key="k", Body=bytes(4 * 1024 * 1024))
    assert seconds(lambda: slow.put_object(Bucket=BUCKET, Key="k", Body=bytes(200_000))) >= 0.08


def test_what_arrives_while_nobody_waits_is_there_at_once() -> None:
    line = Line(1e6, window=50_000)
    line.wait(50_000)
    assert seconds(lambda: line.wait(60_000)) >= 0.05

    time.sleep(0.06)

    assert seconds(lambda: line.wait(40_000)) < 0.04


def test_a_line_without_a_rate_takes_no_time() -> None:
    assert seconds(lambda: Line(None).wait(10**12)) < 0.1


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began
