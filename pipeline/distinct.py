"""Do the work once per distinct value.

Most columns of real files have far fewer distinct values than rows. A dictionary-encoded column
is therefore checked, cleaned and cast on its dictionary, and the result is carried to the rows
through the indices. Where a column has nearly as many values as rows that costs more than it
saves, and the same code runs on the plain values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import no_rows, without_nulls

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    @property
    def length(self) -> int:
        """Number of rows."""
        return len(self.values if self.indices is None else self.indices)

    def rows(self, per_value: pa.Array) -> pa.Array:
        """Return one entry per row from an array with one entry per value."""
        if self.indices is None:
            return per_value
        return pc.take(per_value, self.indices, boundscheck=False)  # a dictionary's: they fit

    def mask(self, per_value: pa.Array) -> pa.Array:
        """Return a row mask from a value mask; rows without a value are False."""
        if not per_value.true_count:  # known at once, and what most rules find
            return no_rows(self.length)
        return without_nulls(self.rows(per_value))

    def lacking(self, per_value: pa.Array) -> pa.Array:
        """Return the mask of rows that have no value, or one whose entry is null."""
        if not per_value.null_count:
            return no_rows(self.length) if self.indices is None else pc.is_null(self.indices)
        return pc.fill_null(self.rows(pc.is_null(per_value)), True)

    def encoded(self, per_value: pa.Array) -> pa.Array:
        """Return one entry per row, dictionary-encoded again where the input was.

        Values that have become equal share one entry, values that have become null make their
        rows null, so the dictionary stays free of duplicates and nulls.
        """
        if self.indices is None:
            return per_value
        if per_value.equals(self.values) and not per_value.null_count:
            return pa.DictionaryArray.from_arrays(self.indices, self.values, safe=False)
        merged = per_value.dictionary_encode()
        indices = self.rows(merged.indices)
        return pa.DictionaryArray.from_arrays(indices, merged.dictionary, safe=False)


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


def combined_codes(keys: Sequence[pa.DictionaryArray]) -> pa.Array:
    """Return one code for each row's values of all keys: equal ones are of equal values.

    Those of several keys count the combinations in the order in which these come.
    """
    codes = keys[0].indices
    for key in keys[1:]:
        pairs = pc.multiply(codes.cast(pa.int64()), len(key.dictionary))
        codes = pc.add(pairs, key.indices.cast(pa.int64())).dictionary_encode().indices
    return codes


def filled(column: pa.Array, values: pa.Array | pa.Scalar) -> pa.Array:
    """Return the column with a value, or one per row, where it has none; encoded as it came."""
    if not column.null_count:
        return column
    kind = value_type(column.type)
    if not pa.types.is_dictionary(column.type):
        others = values if isinstance(values, pa.Scalar) else plain(values)
        return pc.coalesce(column, others.cast(kind))
    if isinstance(values, pa.Scalar):
        return _filled_with(column, values.cast(kind))
    return pc.coalesce(plain(column), plain(values).cast(kind)).dictionary_encode()


def _filled_with(column: pa.DictionaryArray, value: pa.Scalar) -> pa.Array:
    """The encoded column with one value where it has none."""
    if not value.is_valid:
        return column
    values = column.dictionary
    at = pc.index(values, value).as_py()
    if at < 0:
        at, values = len(values), pa.concat_arrays([values, pa.repeat(value, 1)])
    return pa.DictionaryArray.from_arrays(column.indices.fill_null(at), values)


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's values, whether dictionary-encoded or not."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
