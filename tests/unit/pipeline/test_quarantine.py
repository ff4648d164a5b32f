from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline import uploads
from pipeline.errors import StorageThrottledError
from pipeline.findings import Findings, Reject, Violation
from pipeline.quarantine import QuarantineWriter, row_numbers_place
from pipeline.rejected_rows import rejected_rows
from pipeline.rules import Reason
from pipeline.staging import StagedReader
from pipeline.storage import read_object
from pipeline.uploads import PART_BYTES

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

VIOLATION = Violation("n", "minimum", "é0", "must be at least 1")


def test_rejects_are_json_lines(bucket: str) -> None:
    with QuarantineWriter(bucket, "q") as quarantine:
        quarantine.write([Reject(3, (VIOLATION,), {"n": "é0"})])
        quarantine.write([])
        quarantine.write([Reject(9, (VIOLATION, VIOLATION), "raw line")])
    stored = quarantine.finish()

    found = read_object(bucket, "q")
    assert stored is not None
    assert found is not None
    lines = [json.loads(line) for line in found[0].decode().splitlines()]
    assert [(line["row_number"], line["raw"]) for line in lines] == [
        (3, {"n": "é0"}),
        (9, "raw line"),
    ]
    assert quarantine.rows == 2
    assert quarantine.rules == {("n", "minimum"): 2}


def test_groups_of_rejects_are_written_in_the_order_of_their_rows(bucket: str) -> None:
    # GIVEN rows 1 and 4 that could not be taken apart, and 2, 3 and 5 that break a rule
    findings = Findings()
    findings.add(("n",), Reason.REQUIRED, None, pa.array([True] * 3))
    numbers = pa.array([2, 3, 5], pa.int64())
    broken = rejected_rows(findings, numbers, {"n": numbers}, {"n": numbers})
    malformed = [Reject(1, (VIOLATION,), "é"), Reject(4, (VIOLATION,), "x")]

    # WHEN
    with QuarantineWriter(bucket, "q.jsonl") as quarantine:
        quarantine.write(malformed, broken)
        quarantine.write([], [])
        quarantine.write([Reject(7, (VIOLATION,), "z"), Reject(6, (VIOLATION,), "y")], [])

    # THEN
    found = read_object(bucket, "q.jsonl")
    assert found is not None
    lines = [json.loads(line) for line in found[0].decode().splitlines()]
    assert [line["raw"] for line in lines] == ["é", {"n": 2}, {"n": 3}, "x", {"n": 5}, "y", "z"]
    batches = list(StagedReader(bucket, row_numbers_place("q.jsonl")))
    assert [number for batch in batches for number in batch[0].to_pylist()] == [1, 2, 3, 4, 5, 6, 7]
    assert quarantine.rows == 7
    assert quarantine.rules == {("n", "minimum"): 4, ("n", "required"): 3}


def test_numbers_of_the_rejected_rows_lie_beside_them(bucket: str) -> None:
    with QuarantineWriter(bucket, "q.jsonl") as quarantine:
        quarantine.write([Reject(3, (VIOLATION,), {}), Reject(2**40, (VIOLATION,), {})])
        quarantine.write([])
        quarantine.write([Reject(9, (VIOLATION,), {})])

    batches = list(StagedReader(bucket, row_numbers_place("q.jsonl")))
    assert [str(batch.schema.types) for batch in batches] == ["[DataType(int64)]"] * 2
    assert [number for batch in batches for number in batch[0].to_pylist()] == [3, 2**40, 9]


def test_place_of_the_row_numbers_is_that_of_the_rows_with_another_ending() -> None:
    key = "quarantine/v1.jsonl/0123/clean"
    assert row_numbers_place(f"s3://b/{key}.jsonl") == f"s3://b/{key}.rows"


def test_without_rejects_there_is_no_quarantine(bucket: str, s3: S3Client) -> None:
    with QuarantineWriter(bucket, "q") as quarantine:
        quarantine.write([])

    assert quarantine.finish() is None
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


@pytest.mark.parametrize("rejects", [[], [Reject(1, (VIOLATION,), None)]])
def test_a_quarantine_is_not_visible_after_an_error(
    bucket: str, s3: S3Client, rejects: list[Reject]
) -> None:
    with pytest.raises(ZeroDivisionError), QuarantineWriter(bucket, "q") as quarantine:
        quarantine.write(rejects)
        raise ZeroDivisionError

    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_rows_whose_numbers_could_not_be_written_are_not_there_either(
    bucket: str, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN rejects beyond one part, so that an upload of theirs is under way
    quarantine = QuarantineWriter(bucket, "q")
    quarantine.write([Reject(1, (VIOLATION,), "x" * PART_BYTES)])

    def refused(*_: object, **__: object) -> None:
        raise StorageThrottledError("no more")

    monkeypatch.setattr(uploads, "put_object", refused)

    # WHEN
    with pytest.raises(StorageThrottledError):
        quarantine.finish()

    # THEN nothing of it is left
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
