"""What a stage has seen of its columns: counts over all rows, and statistics of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.arrow_types import arrow_type
from pipeline.buffers import memory_of
from pipeline.distinct import Distinct
from pipeline.masking import hidden_columns
from pipeline.profile_sample import Sample
from pipeline.profile_statistics import statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline.plan import Plan
    from pipeline.typed_columns import TypedColumn

Counted = tuple[Distinct, int, int]
"""A column of a batch: its values, how many rows have none, and how many one that is unreadable."""


_FEW: Final = 4
"""So many words for no value are counted one by one in less time than a mask takes."""


class ColumnProfiles:
    """Counts the columns of a stage's batches, and keeps a sample of their values.

    No run fails for its profile: the first error is kept, nothing is counted any more, and who
    asks for the profile gets it.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._error: Exception | None = None
        self._counts: dict[str, list[int]] = {}
        self._sample = Sample()

    def add_typed(self, columns: Mapping[str, TypedColumn], rows: int) -> None:
        """Count a batch of the contract's columns."""
        self._add(lambda: {name: _typed(column) for name, column in columns.items()}, rows)

    def add_batch(self, batch: pa.RecordBatch) -> None:
        """Count a batch of the output's columns."""
        columns = zip(batch.schema.names, batch.columns, strict=True)
        self._add(lambda: {name: _written(column) for name, column in columns}, batch.num_rows)

    def _add(self, counted: Callable[[], dict[str, Counted]], rows: int) -> None:
        if self._error is not None or not rows:
            return
        try:
            columns = counted()
            for name, (_, *found) in columns.items():
                kept = self._counts.setdefault(name, [0, 0])
                self._counts[name] = [a + b for a, b in zip(kept, found, strict=True)]
            self._sample.add({name: values for name, (values, *_) in columns.items()}, rows)
        except Exception as error:
            self._error = error
        self.rows += rows

    def of_contract(self, plan: Plan) -> dict[str, Any]:
        """Return what is told of the contract's columns.

        Raises
        ------
        Exception
            If something could not be counted: whatever that was.
        """
        hidden = hidden_columns(plan)
        return self._told(
            {
                "name": column.name,
                "type": column.type,
                "masked": hidden.hide(column.name) or hidden.hide(column.source_name),
                "nulls": self._count(column.name, 0),
                "unreadable": self._count(column.name, 1),
            }
            for column in plan.columns
        )

    def of_output(self, plan: Plan) -> dict[str, Any]:
        """Return what is told of the output's columns.

        Raises
        ------
        Exception
            If something could not be counted: whatever that was.
        """
        hidden = hidden_columns(plan)
        return self._told(
            {
                "name": name,
                "type": logical_type(arrow_type(kind)),
                "masked": hidden.hide(name),
                "nulls": self._count(name, 0),
            }
            for name, kind in plan.schemas["enrich"].items()
        )

    def _count(self, column: str, which: int) -> int:
        return self._counts.get(column, (0, 0))[which]

    def _told(self, columns: Iterable[dict[str, Any]]) -> dict[str, Any]:
        if self._error is not None:
            raise self._error
        sampled, rows = self._sample.columns()
        none = pa.nulls(0)
        found = [
            {
                **column,
                "sample": statistics(sampled.get(column["name"], none), masked=column["masked"]),
            }
            for column in columns
        ]
        return {"rows": self.rows, "sampled_rows": rows, "columns": found}


def _typed(column: TypedColumn) -> Counted:
    values = Distinct(column.typed, column.parts.indices)
    return values, _absent(column), column.refused.true_count


def _absent(column: TypedColumn) -> int:
    """Rows without a value; columns that need no mask of them for a rule need none for that."""
    values, indices = column.typed, column.parts.indices
    nulls = int(values.null_count if indices is None else indices.null_count)
    by_value = indices is not None and values.null_count
    if column.column.required or column.refused.true_count or (by_value and nulls):
        return int(column.absent.true_count)
    return _rows_of_nulls(values, indices) if by_value else nulls


def _rows_of_nulls(values: pa.Array, indices: pa.Array) -> int:
    """Rows, none of which is null itself, of values that are: few ones are counted one by one."""
    lacking = pc.is_null(values)
    if values.null_count > _FEW:
        return int(pc.take(lacking, indices).true_count)
    codes = memory_of(indices, indices.type.to_pandas_dtype())
    at = pc.indices_nonzero(lacking).to_pylist()
    return sum(int(np.count_nonzero(codes == code)) for code in at)


def _written(column: pa.Array) -> Counted:
    if pa.types.is_dictionary(column.type):
        return Distinct(column.dictionary, column.indices), column.null_count, 0
    return Distinct(column, None), column.null_count, 0


_LOGICAL: Final[tuple[tuple[str, Callable[[pa.DataType], bool]], ...]] = (
    ("string", pa.types.is_string),
    ("integer", pa.types.is_integer),
    ("number", pa.types.is_floating),
    ("number", pa.types.is_decimal),
    ("boolean", pa.types.is_boolean),
    ("date", pa.types.is_date),
    ("timestamp", pa.types.is_timestamp),
    ("time", pa.types.is_time),
)


def logical_type(kind: pa.DataType) -> str:
    """Return the contract's word for an Arrow type; that of Arrow where there is none."""
    return next((name for name, is_one in _LOGICAL if is_one(kind)), str(kind))
