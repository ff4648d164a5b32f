"""Arrow types by their names, as plans write them."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.errors import InvalidPlanError

if TYPE_CHECKING:
    from pipeline.plan_contract import Column

TEXT: Final = pa.dictionary(pa.int32(), pa.string())
"""How text columns travel between the stages."""

LOGICAL: Final[dict[str, pa.DataType]] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "time": pa.time64("us"),
    "object": pa.string(),
    "array": pa.string(),
}
"""Arrow type of each ODCS logical type; `timezone: false` makes a timestamp zoneless;
objects and arrays are JSON text."""

_NAMED: Final[dict[str, pa.DataType]] = {
    str(kind): kind
    for kind in (
        pa.string(), pa.bool_(), pa.date32(), pa.time64("us"), pa.binary(),
        pa.int8(), pa.int16(), pa.int32(), pa.int64(),
        pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float32(), pa.float64(),
        pa.timestamp("us"), pa.timestamp("us", tz="UTC"), pa.timestamp("ns"),
        pa.timestamp("s"), pa.timestamp("ms"),
    )
}  # fmt: skip
_DECIMAL: Final = re.compile(r"decimal128\((\d+), (\d+)\)")


@cache
def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type that prints as `name`.

    Raises
    ------
    InvalidPlanError
        If no supported type prints like that.
    """
    if name in _NAMED:
        return _NAMED[name]
    if decimal := _DECIMAL.fullmatch(name):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    raise InvalidPlanError(
        f"Columns of the Arrow type {name!r} are not supported.",
        remedy="Cast the expression to a plain type, such as VARCHAR, BIGINT, DOUBLE or DATE.",
    )


def column_type(column: Column) -> pa.DataType:
    """Return the Arrow type that a contract's column is read into."""
    if column.arrow:
        return arrow_type(column.arrow)
    if column.type == "timestamp" and not column.timezone:
        return pa.timestamp("us")
    return LOGICAL[column.type]


def scalar_of(value: Any, kind: pa.DataType) -> pa.Scalar:
    """Return a value of a YAML file as a scalar; moments are written there as ISO 8601 text.

    Raises
    ------
    pyarrow.ArrowInvalid, TypeError
        If the value is none of the type.
    """
    if isinstance(value, str) and pa.types.is_temporal(kind):
        return pa.scalar(value).cast(kind)
    if isinstance(value, float) and pa.types.is_decimal(kind):
        value = Decimal(str(value))
    return pa.scalar(value, kind)
