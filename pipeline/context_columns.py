"""Columns of one value: constants, and facts about the run that a row comes from.

The facts are those of the source object and the run's identity, so that a run that is retried or
replayed writes them again as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.plan import ROW_NUMBER

if TYPE_CHECKING:
    from pipeline.run import Run

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MOMENT: Final = pa.timestamp("us", tz="UTC")
CONTEXT_TYPES: Final[dict[str, pa.DataType]] = {
    "dataset": pa.string(),
    "run_id": pa.string(),
    "source_bucket": pa.string(),
    "source_key": pa.string(),
    "source_file": pa.string(),
    "source_version": pa.string(),
    "uploaded_at": _MOMENT,
    "row_number": pa.int64(),
}
"""Arrow type of each fact, by its name in `pipeline.yaml`."""


@dataclass(frozen=True)
class RunFacts:
    """What rows can be told of where they come from; without a run (tests, notebooks) nothing.

    `source_version` is the object's version, or its ETag in a bucket without versions;
    `source_file` the end of its key.
    """

    dataset: str = ""
    run_id: str = ""
    source_bucket: str = ""
    source_key: str = ""
    source_file: str = ""
    source_version: str = ""
    uploaded_at: datetime | None = _EPOCH


def facts_of(run: Run) -> RunFacts:
    """Return the facts about a run."""
    source = run.source
    return RunFacts(
        dataset=run.dataset,
        run_id=run.run_id,
        source_bucket=source.bucket,
        source_key=source.key,
        source_file=source.key.rpartition("/")[2],
        source_version=source.version_id or source.etag,
        uploaded_at=datetime.fromisoformat(source.last_modified) if source.last_modified else None,
    )


def constant_type(value: Any) -> pa.DataType:
    """Return the Arrow type of a constant.

    Raises
    ------
    OverflowError
        If it is an integer beyond 64 bits.
    """
    return pa.scalar(value).type


def repeated(value: Any, kind: pa.DataType, rows: int) -> pa.Array:
    """Return a column of one value; text is dictionary-encoded."""
    if not pa.types.is_string(kind):
        return pa.repeat(pa.scalar(value, kind), rows)
    codes = pa.repeat(pa.scalar(0, pa.int32()), rows)
    return pa.DictionaryArray.from_arrays(codes, pa.array([value], kind))


def context_column(fact: str, facts: RunFacts, batch: pa.RecordBatch) -> pa.Array:
    """Return the column of a fact for the rows of a batch."""
    if fact == "row_number":
        return batch.column(ROW_NUMBER)
    return repeated(getattr(facts, fact), CONTEXT_TYPES[fact], batch.num_rows)
