"""Do the work once per distinct value.

Most columns of real files have far fewer distinct values than rows. A dictionary-encoded column
is therefore checked, cleaned and cast on its dictionary, and the result is carried to the rows
through the indices. Where a column has nearly as many values as rows that costs more than it
saves, and the same code runs on the plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

WORTHWHILE_SHARE: Final = 0.5
"""Up to this share of distinct values per row, the detour over the dictionary pays."""


@dataclass(frozen=True)
class Distinct:
    """The values to work on, and the rows that have them.

    `values` is a plain array; `indices` maps rows to it (null for a null row), or is None when
    `values` are the rows themselves.
    """

    values: pa.Array
    indices: pa.Array | None

    def rows(self, per_value: pa.Array) -> pa.Array:
        """Return one entry per row from an array with one entry per value."""
        return per_value if self.indices is None else per_value.take(self.indices)

    def mask(self, per_value: pa.Array) -> pa.Array:
        """Return a row mask from a value mask; rows without a value are False."""
        return pc.fill_null(self.rows(per_value), False)

    def encoded(self, per_value: pa.Array) -> pa.Array:
        """Return one entry per row, dictionary-encoded again where the input was.

        Values that have become equal share one entry, values that have become null make their
        rows null, so the dictionary stays free of duplicates and nulls.
        """
        if self.indices is None:
            return per_value
        merged = per_value.dictionary_encode()
        indices = merged.indices.take(self.indices)
        return pa.DictionaryArray.from_arrays(indices, merged.dictionary)


def distinct(column: pa.Array) -> Distinct:
    """Return the distinct values of a column, or its plain values where that is cheaper."""
    if not pa.types.is_dictionary(column.type):
        return Distinct(column, None)
    if len(column.dictionary) > WORTHWHILE_SHARE * len(column):
        return Distinct(column.dictionary_decode(), None)
    return Distinct(column.dictionary, column.indices)


def plain(column: pa.Array) -> pa.Array:
    """Return the column without dictionary encoding."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def filled(column: pa.Array, values: pa.Array | pa.Scalar) -> pa.Array:
    """Return the column with a value, or one per row, where it has none; encoded as it came."""
    if not column.null_count:
        return column
    kind = value_type(column.type)
    others = values if isinstance(values, pa.Scalar) else plain(values)
    whole = pc.coalesce(plain(column), others.cast(kind))
    return whole.dictionary_encode() if pa.types.is_dictionary(column.type) else whole


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's values, whether dictionary-encoded or not."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
