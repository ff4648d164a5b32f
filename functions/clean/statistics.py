"""Statistics of a column over the whole file, for `fill`; registered by name.

A statistic looks at the values of one batch after the other, nulls left out. Its result is a
value of the column's type, null where the column has no value at all.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

_DECIMAL_DIGITS: Final = 60


class Statistic(Protocol):
    """What is kept of the values seen so far, and what comes of it."""

    def observe(self, values: pa.Array) -> None:
        """Take plain values without nulls into account."""

    def result(self) -> Any:
        """Return the statistic as a scalar; None if there were no values."""


class _Mean:
    """Sums are exact for decimals, and correctly rounded from batch to batch for doubles."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._sums: list[Any] = []
        self._count = 0

    def observe(self, values: pa.Array) -> None:
        if len(values):
            self._sums.append(pc.sum(values).as_py())
            self._count += len(values)

    def result(self) -> pa.Scalar | None:
        if not self._count:
            return None
        if not pa.types.is_decimal(self._kind):
            return pa.scalar(math.fsum(self._sums) / self._count, self._kind)
        with localcontext(prec=_DECIMAL_DIGITS):
            mean = sum(self._sums) / self._count
            return pa.scalar(mean.quantize(Decimal(1).scaleb(-self._kind.scale)), self._kind)


class _Median:
    """The middle value; of an even number of doubles the mean of the middle two, else the lower.

    It needs all values: 8 bytes each, 16 for decimals.
    """

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._values: list[pa.Array] = []

    def observe(self, values: pa.Array) -> None:
        self._values.append(values)

    def result(self) -> pa.Scalar | None:
        values = pa.chunked_array(self._values, self._kind)
        if not len(values):
            return None
        if pa.types.is_floating(self._kind):
            return pc.quantile(values, q=0.5, interpolation="midpoint")[0]
        ordered = pc.array_sort_indices(values)
        return values.take(ordered[(len(values) - 1) // 2 :][:1])[0]


class _Extreme:
    """The least or the greatest value."""

    def __init__(self, which: str, kind: pa.DataType) -> None:
        self._which = which
        self._found = pa.array([], kind)

    def observe(self, values: pa.Array) -> None:
        if len(values):
            seen = pa.concat_arrays([self._found, values])
            self._found = pa.repeat(pc.min_max(seen)[self._which], 1)

    def result(self) -> pa.Scalar | None:
        return self._found[0] if len(self._found) else None


class _Mode:
    """The value of most rows; of several, the one that the file has first."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._counts: dict[Any, int] = {}

    def observe(self, values: pa.Array) -> None:
        for value, count in zip(*(part.to_pylist() for part in _counted(values)), strict=True):
            self._counts[value] = self._counts.get(value, 0) + count

    def result(self) -> pa.Scalar | None:
        if not self._counts:
            return None
        return pa.scalar(max(self._counts, key=self._counts.__getitem__), self._kind)


def _counted(values: pa.Array) -> list[pa.Array]:
    """Distinct values in the order of their first rows, and how many rows have each."""
    return list(pc.value_counts(values).flatten())


STATISTICS: Final[dict[str, Callable[[pa.DataType], Statistic]]] = {
    "mean": _Mean,
    "median": _Median,
    "min": lambda kind: _Extreme("min", kind),
    "max": lambda kind: _Extreme("max", kind),
    "mode": _Mode,
}
