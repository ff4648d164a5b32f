"""Types of Athena by the names of Arrow types, as a plan writes them.

Athena has two sets of names: Hive's in the catalogue, Trino's in queries. It has no unsigned
integers (the next wider signed type holds them) and, in the catalogue, no time of day.
"""

from __future__ import annotations

import re
from typing import Final

from pipeline.errors import InvalidPlanError

INTEGERS: Final = {
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
}
_OTHERS: Final = {
    "string": "string",
    "bool": "boolean",
    "float": "float",
    "double": "double",
    "date32[day]": "date",
    "binary": "binary",
    "uint64": "decimal(20,0)",
}
_TRINO: Final = {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary"}
_DECIMAL: Final = re.compile(r"decimal128\((\d+), (\d+)\)")


def has_type(name: str) -> bool:
    """Whether Athena has a type for values of an Arrow type."""
    return not name.startswith("time64")


def athena_type(name: str) -> str:
    """Return the type of a column of the catalogue.

    Raises
    ------
    InvalidPlanError
        If Athena has none for it.
    """
    if name.startswith("timestamp["):
        return "timestamp"  # has no zone: moments are shown in UTC
    if decimal := _DECIMAL.fullmatch(name):
        return f"decimal({decimal[1]},{decimal[2]})"
    found = INTEGERS.get(name) or _OTHERS.get(name)
    if found is None:
        raise InvalidPlanError(f"Athena has no type for columns of the Arrow type {name!r}.")
    return found


def in_query(catalogued: str) -> str:
    """Return a type of the catalogue by its name in queries."""
    return _TRINO.get(catalogued, catalogued)


def trino_type(name: str) -> str:
    """Return the type as a query casts to it."""
    return in_query(athena_type(name))
