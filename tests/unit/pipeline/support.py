"""Builders that the tests of the `pipeline` package share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.plan import ROW_NUMBER, Plan
from pipeline.plan_contract import Column, Source
from pipeline.run import Run, new_run
from pipeline.run import Source as Uploaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.formats import RawChunk

CONTRACT_HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: things
version: 1.0.0
status: active
servers: [{server: landing, type: s3, location: 's3://b/k', format: csv}]
schema:
  - name: things
    properties:
"""
CONTRACT = (
    CONTRACT_HEAD
    + """\
      - {name: a, logicalType: string}
      - {name: n, logicalType: integer}
"""
)


def with_property(text: str) -> str:
    """Contract with this one property."""
    return f"{CONTRACT_HEAD}      - {text}\n"


def with_custom(name: str, value: str) -> str:
    """Contract with this custom property."""
    return f"{CONTRACT}customProperties:\n  - {{property: {name}, value: {value}}}\n"


def plan_of(columns: dict[str, str], **source: Any) -> Plan:
    """Plan of a dataset that is nothing but columns with logical types."""
    described = tuple(Column(name, kind) for name, kind in columns.items())
    return Plan("things", "0" * 16, "1", Source(**{"format": "csv", **source}), described)


def batch_with(**columns: Any) -> pa.RecordBatch:
    """Record batch with row numbers from 1."""
    arrays = {
        name: values if isinstance(values, pa.Array) else pa.array(values)
        for name, values in columns.items()
    }
    rows = len(next(iter(arrays.values())))
    return pa.RecordBatch.from_pydict(
        {**arrays, ROW_NUMBER: pa.array(range(1, rows + 1), pa.int64())}
    )


class Drip:
    """Byte stream that hands out at most `size` bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(self._size if size < 0 else min(size, self._size))


def good_rows(chunks: list[RawChunk]) -> Iterator[dict[str, Any]]:
    """Rows that could be taken apart, each with its row number."""
    for chunk in chunks:
        yield from chunk.batch.to_pylist()


def row_numbers(chunks: list[RawChunk]) -> list[int]:
    """All row numbers, of good rows and of malformed ones, sorted."""
    good = [n for chunk in chunks for n in chunk.batch.column(ROW_NUMBER).to_pylist()]
    return sorted(good + [bad.row_number for chunk in chunks for bad in chunk.malformed])


def uploaded(**changes: Any) -> Uploaded:
    """An uploaded object of the dataset `things`."""
    usual = {
        "bucket": "landing",
        "key": "input/things/one.csv",
        "version_id": "v1",
        "etag": "e1",
        "size": 10,
        "sequencer": "0A",
    }
    return Uploaded(**{**usual, **changes})


def run_of(plan_hash: str = "0" * 16, **source: Any) -> Run:
    """Run of such an object at its beginning."""
    return new_run(uploaded(**source), dataset="things", plan_hash=plan_hash)


def event_of(**source: Any) -> dict[str, Any]:
    """EventBridge's `Object Created` event of such an object."""
    found = uploaded(**source)
    return {
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": found.bucket},
            "object": {
                "key": found.key,
                "size": found.size,
                "etag": found.etag,
                "version-id": found.version_id,
                "sequencer": found.sequencer,
            },
        },
    }
