from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline import uploads
from pipeline.distinct import plain
from pipeline.errors import ObjectNotVisibleError, StorageThrottledError
from pipeline.findings import Reject, Violation
from pipeline.staging import (
    QuarantineWriter,
    StagedReader,
    StagedWriter,
    conformed,
    row_numbers_place,
)
from pipeline.storage import read_object
from pipeline.uploads import PART_BYTES
from tests.unit.pipeline.support import batch_with

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

VIOLATION = Violation("n", "minimum", "é0", "must be at least 1")


def encoded(*words: str | None) -> pa.Array:
    return pa.array(words, pa.string()).dictionary_encode()


def texts(bucket: str) -> list[list[str | None]]:
    return [plain(batch.column("t")).to_pylist() for batch in StagedReader(bucket, "k")]


def test_dictionaries_may_change_from_batch_to_batch(bucket: str) -> None:
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(t=encoded("a", "b", "a")))
        writer.write(batch_with(t=encoded("c", None)))
        writer.write(batch_with(t=pa.array(["d", "a"])))

    assert texts(bucket) == [["a", "b", "a"], ["c", None], ["d", "a"]]
    assert writer.rows == 7


def test_finishing_twice_changes_nothing(bucket: str) -> None:
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(t=encoded("a")))
        writer.finish()
        written = writer.bytes_written
    writer.finish()

    assert texts(bucket) == [["a"]]
    assert writer.bytes_written == written


def test_text_is_plain_where_the_first_batch_was(bucket: str) -> None:
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(t=pa.array(["a", None])))
        writer.write(batch_with(t=encoded("b", "b")))

    batches = list(StagedReader(bucket, "k"))
    assert [batch.schema.field("t").type for batch in batches] == [pa.string()] * 2
    assert texts(bucket) == [["a", None], ["b", "b"]]


def test_bytes_are_counted_on_both_sides(bucket: str) -> None:
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(n=list(range(1000))))
    reader = StagedReader(bucket, "k")

    rows = [row["n"] for batch in reader for row in batch.to_pylist()]

    found = read_object(bucket, "k")
    assert rows == list(range(1000))
    assert found is not None
    assert writer.bytes_written == reader.bytes_read == len(found[0])


def test_batches_without_rows_leave_the_columns(bucket: str) -> None:
    empty = batch_with(t=encoded("a")).slice(0, 0)
    with StagedWriter(bucket, "k") as writer:
        writer.write(empty)
        writer.write(empty)

    batches = list(StagedReader(bucket, "k"))

    assert writer.rows == sum(batch.num_rows for batch in batches) == 0
    assert batches[0].schema.names == empty.schema.names


def test_batches_without_rows_are_left_out_after_others(bucket: str) -> None:
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(t=encoded("a")))
        writer.write(batch_with(t=encoded("a")).slice(0, 0))

    assert texts(bucket) == [["a"]]


def test_nothing_is_visible_after_an_error(s3: S3Client, bucket: str) -> None:
    with pytest.raises(ZeroDivisionError), StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(n=[1]))
        raise ZeroDivisionError

    with pytest.raises(ObjectNotVisibleError):
        StagedReader(bucket, "k")
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_a_batch_of_the_schema_is_not_copied() -> None:
    batch = batch_with(n=[1])

    assert conformed(batch, batch.schema) is batch


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
