from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from pipeline.distinct import plain
from pipeline.errors import ObjectNotVisibleError
from pipeline.sealed import PACKED_ROWS, pieces_of
from pipeline.staging import (
    StagedReader,
    StagedWriter,
    frame_batches,
)
from pipeline.storage import read_object
from tests.unit.pipeline.support import batch_with

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


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


# --- The format ---------------------------------------------------------------------------------


def stored(bucket: str) -> bytes:
    """Bytes of the frame."""
    found = read_object(bucket, "k")
    assert found is not None
    return found[0]


def test_a_frame_of_an_earlier_version_is_read(s3: S3Client, bucket: str) -> None:
    # GIVEN a mere stream of batches, as frames, and numbers of rejected rows, were before
    batches = [batch_with(n=[1, 2]), batch_with(n=[2**40])]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as stream:
        for batch in batches:
            stream.write_batch(batch)
    s3.put_object(Bucket=bucket, Key="k", Body=sink.getvalue().to_pybytes())

    assert list(StagedReader(bucket, "k")) == batches


def test_who_opens_a_frame_as_a_mere_stream_finds_no_columns(bucket: str) -> None:
    # GIVEN batches whose columns have other types on the way
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(n=[1] * PACKED_ROWS))
        writer.write(batch_with(n=[300] * PACKED_ROWS))

    # WHEN a version that knows nothing of them, or a person, opens it
    with pa.ipc.open_stream(stored(bucket)) as stream:
        rows = list(stream)

    # THEN each row is a piece of a batch
    assert [batch.schema.names for batch in rows] == [["columns", "batch", "kept"]] * 2
    inner = [piece.unsealed() for batch in rows for piece in pieces_of(batch)]
    assert [batch.schema.field("n").type for batch in inner] == [pa.int8(), pa.int16()]


def test_a_frame_in_a_file_is_read_as_it_was_staged(bucket: str) -> None:
    few = batch_with(n=[1, 2], t=encoded("a", "b"))
    batches = [few, batch_with(n=[300] * PACKED_ROWS, t=encoded(*["c"] * PACKED_ROWS)), few]
    with StagedWriter(bucket, "k") as writer:
        for batch in batches:
            writer.write(batch)

    assert list(frame_batches(io.BytesIO(stored(bucket)))) == batches


def test_a_frame_that_breaks_off_is_an_error(s3: S3Client, bucket: str) -> None:
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(n=[1]))
        writer.write(batch_with(n=[2]))
    whole = stored(bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=whole[: len(whole) // 2])

    with pytest.raises(OSError, match="message body"):
        list(StagedReader(bucket, "k"))


def test_a_frame_takes_a_quarter_of_the_bytes_of_its_columns(bucket: str) -> None:
    # GIVEN numbers that nothing but their size tells to be small: compressing alone does less
    rows = 40_000
    made = np.random.default_rng(1).integers(0, 120, (4, rows))
    batch = batch_with(**{f"n{at}": pa.array(made[at], pa.int64()) for at in range(4)})

    with StagedWriter(bucket, "k") as writer:
        writer.write(batch)

    assert writer.bytes_written < 4 * rows * 1.02  # a byte a number; eight before


def test_few_rows_are_staged_as_they_are(bucket: str) -> None:
    """Packing takes a time for each column, however few its rows are."""
    with StagedWriter(bucket, "k") as writer:
        writer.write(batch_with(n=[1] * (PACKED_ROWS - 1)))

    with pa.ipc.open_stream(stored(bucket)) as stream:
        (piece,) = pieces_of(stream.read_next_batch())
    assert piece.unsealed().schema.field("n").type == pa.int64()
