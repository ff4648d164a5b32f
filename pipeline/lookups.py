"""Lookup tables: small, loaded once per process, joined by position.

A lookup's key is unique (the build sees to that of the Arrow file that it compiles, and
`lookup_objects.py` of a table in the bucket), so a join is "find the one row that has this key": it
can never multiply rows.
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

    from pipeline.plan_steps import Lookup

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
        self._keys = keys[0]
        self._more: list[tuple[pa.Array, pa.Array]] = []
        codes = pc.index_in(keys[0], keys[0])
        for key in keys[1:]:
            known = key.unique()
            codes = _paired(codes, known, key)
            self._more.append((known, codes.unique()))
            codes = pc.index_in(codes, self._more[-1][1])
        self.values = {
            name: _compact(table.column(source).combine_chunks())
            for name, source in lookup.add.items()
        }

    def rows_of(self, keys: list[pa.Array]) -> pa.Array:
        """Return the lookup's row for each row of the frame, null where there is none."""
        rows = _positions(keys[0], self._keys)
        for key, (known, pairs) in zip(keys[1:], self._more, strict=True):
            rows = pc.index_in(_paired(rows, known, key), pairs, skip_nulls=True)
        return rows

    def columns(self, rows: pa.Array) -> dict[str, pa.Array]:
        """Return the value columns for the rows found; null where none was."""
        somewhere = rows.fill_null(0)
        return {name: _of_rows(values, rows, somewhere) for name, values in self.values.items()}


def _of_rows(values: pa.Array, rows: pa.Array, somewhere: pa.Array) -> pa.Array:
    """Values of the rows; `somewhere` has a place, whichever it is, for each null of theirs."""
    if pa.types.is_dictionary(values.type):
        codes = _of_rows(values.indices, rows, somewhere)
        return pa.DictionaryArray.from_arrays(codes, values.dictionary, safe=False)
    fixed = pa.types.is_primitive(values.type) and len(values)
    if not fixed or values.null_count or not rows.null_count or rows.offset:
        return pc.take(values, rows, boundscheck=False)
    # Where nothing may be null, taking is four times as fast; what is null, the rows know.
    data = pc.take(values, somewhere, boundscheck=False).buffers()[1]
    valid = rows.buffers()[0]
    return pa.Array.from_buffers(values.type, len(rows), [valid, data], rows.null_count)


def _positions(keys: pa.Array, known: pa.Array) -> pa.Array:
    """Where each key stands among the known ones; null where it does not, or there is none."""
    parts = distinct(keys)
    return parts.rows(pc.index_in(parts.values, known, skip_nulls=True))


def _paired(codes: pa.Array, known: pa.Array, key: pa.Array) -> pa.Array:
    """One number for the beginning of a key, which a code stands for, and its next part.

    Codes are places among the lookup's rows, so that no pair of them is beyond 64 bits.
    """
    part = _positions(key, known).cast(pa.int64())
    return pc.add(pc.multiply(codes.cast(pa.int64()), len(known)), part)


def _compact(values: pa.Array) -> pa.Array:
    """Text dictionary-encoded: rows then share one copy of each value.

    Not where a long lookup has a value of its own in most rows: every batch would carry them all.
    """
    if not pa.types.is_string(values.type):
        return values
    encoded = values.dictionary_encode()
    small = len(encoded.dictionary) <= _SMALL_DICTIONARY
    return encoded if small or len(encoded.dictionary) < len(values) / 2 else values


_KEPT: Final[dict[Path, tuple[Lookup, LookupTable]]] = {}
"""Tables by their files, which change with a deployment: then the process is another."""


@cache
def opened(path: Path) -> pa.Table:
    """Return a compiled table; read once per process."""
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
    kept = _KEPT.get(path)
    if kept is None or kept[0] != lookup:
        kept = _KEPT[path] = lookup, LookupTable(opened(path), lookup)
    return kept[1]
