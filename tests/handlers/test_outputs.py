"""Output files: a partition's rows in one file, whatever the batches; whole, or not there."""

from __future__ import annotations

import io
import tempfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.write import outputs
from functions.write.outputs import OutputFiles
from pipeline import uploads
from pipeline.errors import UnbalancedBooksError
from pipeline.plan_steps import Write
from tests.handlers.cloud import OUTPUT
from tests.handlers.samples import flight, flights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.handlers.cloud import Cloud


def batch(*numbers: int) -> pa.RecordBatch:
    """Rows of a partition; text as it travels between the stages."""
    text = pa.array([f"text {n}" for n in numbers]).dictionary_encode()
    return pa.RecordBatch.from_pydict({"n": pa.array(numbers), "text": text})


def opened(write: Write) -> OutputFiles:
    """Output files of one source object."""
    return OutputFiles(bucket=OUTPUT, prefix="processed/d/", name="0123", write=write)


def test_partition_has_one_file_with_the_rows_of_all_batches(cloud: Cloud) -> None:
    # WHEN
    with opened(Write()) as files:
        files.add("p=a/", batch(1, 2))
        files.add("p=b/", batch(3))
        files.add("p=a/", batch(4))
        done = files.finish()

    # THEN
    assert [(file.key, file.rows) for file in done] == [
        ("processed/d/p=a/0123.parquet", 3),
        ("processed/d/p=b/0123.parquet", 1),
    ]
    table = pq.read_table(io.BytesIO(cloud.read(done[0].address)))
    assert table.to_pydict() == {"n": [1, 2, 4], "text": ["text 1", "text 2", "text 4"]}
    assert files.bytes_written == sum(len(cloud.read(file.address)) for file in done)


@pytest.mark.parametrize("bound", ["_ROW_GROUP_ROWS", "_ROW_GROUP_BYTES", "_BUFFERED_BYTES"])
@pytest.mark.parametrize("written_as", ["parquet", "csv", "json"])
def test_rows_are_the_same_when_memory_is_short(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, bound: str, written_as: str
) -> None:
    # GIVEN so little room that every batch is encoded at once
    def written() -> list[bytes]:
        with opened(Write(written_as)) as files:
            for n in range(0, 30, 3):
                files.add(f"p={n % 2}/", batch(n, n + 1, n + 2))
            return [cloud.read(file.address) for file in files.finish()]

    plenty = written()
    monkeypatch.setattr(outputs, bound, 2)

    # WHEN
    short = written()

    # THEN
    if written_as != "parquet":
        assert short == plenty
        return
    for one, other in zip(short, plenty, strict=True):
        assert pq.read_table(io.BytesIO(one)) == pq.read_table(io.BytesIO(other))
        assert pq.ParquetFile(io.BytesIO(one)).num_row_groups == (5 if "BYTES" in bound else 8)


@pytest.mark.parametrize("most", [1, 10**9])
def test_rows_of_each_file_are_in_order(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most: int
) -> None:
    # GIVEN room for all rows, or for none, so that they go through the disk
    monkeypatch.setattr(outputs, "_SORTED_BYTES", most)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    # WHEN
    with opened(Write(sort_by=("-n",), row_group_rows=3)) as files:
        for n in range(0, 12, 2):
            files.add(f"p={n % 4}/", batch(n, n + 1))
        done = files.finish()

    # THEN
    tables = [pq.ParquetFile(io.BytesIO(cloud.read(file.address))) for file in done]
    assert [table.read().column("n").to_pylist() for table in tables] == [
        [9, 8, 5, 4, 1, 0],
        [11, 10, 7, 6, 3, 2],
    ]
    assert [table.num_row_groups for table in tables] == [2, 2]
    assert list(tmp_path.iterdir()) == []


def test_error_leaves_no_runs_on_the_disk(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # GIVEN
    monkeypatch.setattr(outputs, "_SORTED_BYTES", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    # WHEN
    with pytest.raises(ZeroDivisionError), opened(Write(sort_by=("n",))) as files:
        files.add("", batch(*range(100)))
        assert list(tmp_path.rglob("*.arrow"))
        _ = 1 / 0

    # THEN
    assert list(tmp_path.iterdir()) == []
    assert cloud.keys("") == []


def test_error_leaves_neither_files_nor_begun_uploads(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN files so large that parts of them are on their way
    monkeypatch.setattr(uploads, "PART_BYTES", 64)
    monkeypatch.setattr(outputs, "_BUFFERED_BYTES", 2)

    # WHEN
    with pytest.raises(ZeroDivisionError), opened(Write("csv")) as files:
        files.add("", batch(*range(100)))
        assert "Uploads" in cloud.s3.list_multipart_uploads(Bucket=OUTPUT)
        _ = 1 / 0

    # THEN
    assert "Uploads" not in cloud.s3.list_multipart_uploads(Bucket=OUTPUT)
    assert cloud.keys("") == []


def test_books_that_do_not_balance_publish_nothing(cloud: Cloud) -> None:
    # GIVEN a row that was read and is nowhere
    event = cloud.upload("input/flights/a.csv", flights(flight(1), flight(2)))
    *_, enriched = cloud.states(event, ["validate", "clean", "transform", "enrich"])
    enriched["rows"]["read"] += 1

    # WHEN
    with pytest.raises(UnbalancedBooksError, match="do not balance"):
        cloud.run_stage("write", event, enriched)

    # THEN
    assert cloud.keys("processed/") == cloud.keys("manifests/") == []


def test_whole_year_goes_through_in_many_batches(
    cloud: Cloud, ask: Callable[..., list[tuple[Any, ...]]], flights_csv: Path
) -> None:
    # WHEN
    run = cloud.run_pipeline("input/flights/2013.csv", flights_csv.read_bytes())

    # THEN
    assert run["rows"]["read"] == run["rows"]["written"] == 336_776
    question = "SELECT month, count(*), sum(distance), sum(arr_delay) FROM {} GROUP BY 1 ORDER BY 1"
    expected = ask(question.format("year"), year=flights_csv)
    assert ask(question.format("published"), published=cloud.table(run["outputs"])) == expected
    assert "CreateMultipartUpload" in {call.operation for call in cloud.calls}
