"""Foreign keys: values that must stand together in a row of a lookup."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InvalidPlanError
from pipeline.lookups import LookupTable, opened
from pipeline.plan_steps import Lookup

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.plan_contract import Relationship

REFERENCES_FOLDER: Final = "references"


class KnownKeys:
    """The keys that a relationship's columns may have."""

    def __init__(self, relationship: Relationship, table: pa.Table) -> None:
        on = dict(zip(relationship.columns, relationship.to, strict=True))
        self._table = LookupTable(table, Lookup(relationship.lookup, on=on, add={}))

    def lacks(self, keys: list[pa.Array]) -> pa.Array:
        """Return the mask of rows whose key is unknown; with a null in any part it is no key."""
        present = reduce(pc.and_, (pc.is_valid(key) for key in keys))
        return pc.and_(present, pc.is_null(self._table.rows_of(keys)))


def load_keys(relationship: Relationship, folder: Path | None) -> KnownKeys:
    """Return the keys that a relationship of the dataset in `folder` points to.

    Raises
    ------
    InvalidPlanError
        If the build left them out.
    """
    path = folder / REFERENCES_FOLDER / f"{relationship.lookup}.arrow" if folder else None
    if path is None or not path.is_file():
        raise InvalidPlanError(
            f"The keys of the lookup {relationship.lookup}, which the contract's relationships "
            "name, are missing from the deployed dataset.",
            remedy="Deploy again; `pipeline check` says what is wrong with a relationship.",
        )
    return KnownKeys(relationship, opened(path))
