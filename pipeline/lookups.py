"""Lookup tables: small, loaded once per process, joined by position.

A compiled lookup is an Arrow IPC file of the needed columns whose key is unique (the build sees to
that), so a join is "find the one row that has this key": it can never multiply rows.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.distinct import distinct
from pipeline.errors import InvalidPlanError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.plan import Lookup

LOOKUPS_FOLDER: Final = "lookups"
_SMALL_DICTIONARY: Final = 4096


class LookupTable:
    """One lookup, ready to be joined.

    Parameters
    ----------
    table
        Key and value columns; each key stands in one row.
    lookup
        Which columns are the key and what the values are called in the frame.
    """

    def __init__(self, table: pa.Table, lookup: Lookup) -> None:
        keys = [table.column(name).combine_chunks() for name in lookup.on.values()]
        self._known = [key.unique() for key in keys]
        self._keys = keys[0] if len(keys) == 1 else self._codes(keys)
        self.values = {
            name: _compact(table.column(source).combine_chunks())
            for name, source in lookup.add.items()
        }

    def rows_of(self, keys: list[pa.Array]) -> pa.Array:
        """Return the lookup's row for each row of the frame, null where there is none."""
        if len(keys) == 1:
            parts = distinct(keys[0])
            return parts.rows(pc.index_in(parts.values, self._keys, skip_nulls=True))
        return pc.index_in(self._codes(keys), self._keys, skip_nulls=True)

    def column(self, name: str, rows: pa.Array) -> pa.Array:
        """Return a value column for the rows found; null where none was."""
        values = self.values[name]
        if not pa.types.is_dictionary(values.type):
            return values.take(rows)
        return pa.DictionaryArray.from_arrays(values.indices.take(rows), values.dictionary)

    def _codes(self, keys: list[pa.Array]) -> pa.Array:
        """One number per row that stands for its key; null where a part is unknown or null."""
        codes = None
        for key, known in zip(keys, self._known, strict=True):
            parts = distinct(key)
            found = pc.index_in(parts.values, known, skip_nulls=True)
            part = parts.rows(found).cast(pa.int64())
            codes = part if codes is None else pc.add(pc.multiply(codes, len(known)), part)
        return codes


def _compact(values: pa.Array) -> pa.Array:
    """Text dictionary-encoded: rows then share one copy of each value.

    Not where a long lookup has a value of its own in most rows: every batch would carry them all.
    """
    if not pa.types.is_string(values.type):
        return values
    encoded = values.dictionary_encode()
    small = len(encoded.dictionary) <= _SMALL_DICTIONARY
    return encoded if small or len(encoded.dictionary) < len(values) / 2 else values


@cache
def _opened(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def load_lookup(lookup: Lookup, folder: Path | None) -> LookupTable:
    """Return a compiled lookup of the dataset in `folder`.

    Raises
    ------
    InvalidPlanError
        If the build left it out.
    """
    path = folder / LOOKUPS_FOLDER / f"{lookup.name}.arrow" if folder else None
    if path is None or not path.is_file():
        raise InvalidPlanError(
            f"The lookup {lookup.name} is missing from the deployed dataset.",
            remedy="Deploy again; `pipeline check` says what is wrong with a lookup.",
        )
    return LookupTable(_opened(path), lookup)
