"""Turn a column into another SQL type, without changing a value in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import distinct

if TYPE_CHECKING:
    from pipeline.sql import SqlSteps

_MADE: Final = "_made"
_KEPT: Final = "_kept"


def cast_column(
    column: pa.Array, name: str, cast: dict[str, Any], sql: SqlSteps
) -> tuple[pa.Array, pa.Array]:
    """Return a column in another type, and the mask of values that cannot be cast unchanged.

    Parameters
    ----------
    cast
        `cast` is the SQL of the new value, and `keeps` the condition that it is the old one still;
        both name the column, and the condition the new value as `_made`.
    """
    found = distinct(column)
    values = pa.RecordBatch.from_arrays([found.values], [name])
    expressions = {_MADE: cast["cast"], _KEPT: cast["keeps"]}
    result = sql.evaluate(values, expressions, [name], f"cast of {name} to {cast['type']}")
    made, kept = (result.column(each).combine_chunks() for each in (_MADE, _KEPT))
    unchanged = pc.and_(pc.is_valid(made), pc.fill_null(kept, False))
    refused = found.mask(pc.and_not(pc.is_valid(found.values), unchanged))
    return found.encoded(made) if pa.types.is_string(made.type) else found.rows(made), refused
