"""Statistics of sampled values, as JSON.

    {"values": 8001, "distinct": 412, "min": -43, "max": 1301,
     "histogram": {"edges": [-43, 25, ...], "counts": [...]}}
    {"values": 8192, "distinct": 3, "min": "EWR", "max": "LGA", "top": [["EWR", 2934], ...]}

`values` are those that are there (no nulls), `distinct` how many different ones. Numbers, dates,
times and timestamps have a histogram, unless there are none that are finite: at most 20 bins, the
first edge is where the first one begins; a bin has its lower edge in it, and the last one its
upper edge, too. Bins of integers and moments are whole numbers of units wide (1, a day, a
microsecond); their edges are written as values are, those of decimals as numbers. Text and booleans
have their ten most frequent values, and text its extremes (by its bytes). Text is told, and
compared, by its first 100 characters; what was longer ends in an ellipsis.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import int64_array, memory_of
from pipeline.profile_sample import TEXT_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

BINS: Final = 20
TOP_VALUES: Final = 10
_FRACTIONS: Final = np.arange(BINS + 1) / BINS
_EPOCH: Final = dt.datetime(1970, 1, 1)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_DAY_MS: Final = 86_400_000
_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}


def statistics(column: pa.Array, *, masked: bool) -> dict[str, Any]:
    """Return the statistics of a column's values; of masked ones the numbers of them alone.

    Parameters
    ----------
    column
        Sampled values, plain.
    """
    values = column.drop_null() if column.null_count else column
    if not len(values):
        return {"values": 0, "distinct": 0}
    of_kind = None if masked else _of_kind(values.type)
    if of_kind is None:
        return {"values": len(values), "distinct": pc.count_distinct(values).as_py()}
    return of_kind(values)


def _of_kind(kind: pa.DataType) -> Callable[[pa.Array], dict[str, Any]] | None:
    """What tells of values of a type more than their number; None: nothing does."""
    kinds = (
        (pa.types.is_integer, _of_integers),
        (pa.types.is_floating, _of_floats),
        (pa.types.is_decimal, _of_decimals),
        (pa.types.is_temporal, _of_moments),
        (pa.types.is_string, _of_words),
        (pa.types.is_boolean, _of_words),
    )
    return next((of_kind for is_one, of_kind in kinds if is_one(kind)), None)


# --- Numbers and moments ---------------------------------------------------------------------


def _of_integers(values: pa.Array) -> dict[str, Any]:
    return _of_whole_numbers(memory_of(values, values.type.to_pandas_dtype()), int)


def _of_moments(values: pa.Array) -> dict[str, Any]:
    numbers = memory_of(values, f"i{values.type.bit_width // 8}")
    return _of_whole_numbers(numbers, _moment(values.type))


def _of_whole_numbers(numbers: npt.NDArray[Any], written: Callable[[int], Any]) -> dict[str, Any]:
    """Statistics of integers, and of moments, which are numbers of units."""
    ordered = np.sort(numbers)
    low, high = int(ordered[0]), int(ordered[-1])
    width = -(-(high - low + 1) // BINS)
    edges = [*range(low, high + 1, width)]
    counts = _counts(ordered, np.array(edges[1:], ordered.dtype))
    edges.append(edges[-1] + width)
    return {
        "values": len(ordered),
        "distinct": _distinct(ordered),
        "min": written(low),
        "max": written(high),
        "histogram": {"edges": [written(edge) for edge in edges], "counts": counts},
    }


def _of_floats(values: pa.Array) -> dict[str, Any]:
    """Statistics of floating-point numbers; only finite ones can be told in JSON."""
    numbers = memory_of(values, values.type.to_pandas_dtype())
    ordered = np.sort(numbers.astype(np.float64))  # NaNs come last
    real = ordered[: np.searchsorted(ordered, np.nan)]
    distinct = _distinct(real) + (len(real) < len(ordered))
    found = {"values": len(ordered), "distinct": distinct}
    finite = real[np.isfinite(real)]
    if not len(finite):
        return found
    extremes = {"min": float(finite[0]), "max": float(finite[-1])}
    return {**found, **extremes, "histogram": _histogram(finite)}


def _of_decimals(numbers: pa.Array) -> dict[str, Any]:
    extremes = pc.min_max(numbers)
    return {
        "values": len(numbers),
        "distinct": pc.count_distinct(numbers).as_py(),
        "min": str(extremes["min"]),
        "max": str(extremes["max"]),
        "histogram": _histogram(np.sort(memory_of(numbers.cast(pa.float64()), np.float64))),
    }


def _histogram(ordered: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Bins of equal width from the least to the greatest number; one bin around equal numbers."""
    low, high = ordered[0], ordered[-1]
    if low == high:
        return {"edges": [float(low) - 0.5, float(low) + 0.5], "counts": [len(ordered)]}
    edges = low * (1 - _FRACTIONS) + high * _FRACTIONS  # their distance may be beyond a double
    edges = np.maximum.accumulate(np.clip(edges, low, high))
    return {"edges": edges.tolist(), "counts": _counts(ordered, edges[1:-1])}


def _counts(ordered: npt.NDArray[Any], inner: npt.NDArray[Any]) -> list[int]:
    """How many ordered numbers lie before, between and from the inner edges on."""
    below = np.searchsorted(ordered, inner).tolist()
    return [end - start for start, end in pairwise([0, *below, len(ordered)])]


def _distinct(ordered: npt.NDArray[Any]) -> int:
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1 if len(ordered) else 0


# --- Moments as text -------------------------------------------------------------------------


def _moment(kind: pa.DataType) -> Callable[[int], str]:
    """What writes a number of the type's units since its epoch in ISO 8601."""
    if pa.types.is_date(kind):
        return _date if pa.types.is_date32(kind) else lambda units: _date(units // _DAY_MS)
    if pa.types.is_time(kind):
        return lambda units: _time(_microseconds(units, kind.unit))
    epoch = _EPOCH.replace(tzinfo=dt.UTC) if kind.tz else _EPOCH
    return lambda units: _timestamp(_microseconds(units, kind.unit), epoch)


def _microseconds(units: int, unit: str) -> int:
    return units // 1000 if unit == "ns" else units * _MICROSECONDS[unit]


def _date(days: int) -> str:
    try:
        return dt.date.fromordinal(_EPOCH_DAY + days).isoformat()
    except (OverflowError, ValueError):  # beyond the years that Python knows
        return str(np.datetime64(days, "D"))


def _timestamp(microseconds: int, epoch: dt.datetime) -> str:
    try:
        return (epoch + dt.timedelta(microseconds=microseconds)).isoformat()
    except OverflowError:  # beyond the years that Python knows
        return str(np.datetime64(microseconds, "us")) + ("+00:00" if epoch.tzinfo else "")


def _time(microseconds: int) -> str:
    """The time of day; an edge may lie beyond the day, and is its last microsecond."""
    last = min(microseconds, _DAY_MS * 1000 - 1)
    return (_EPOCH + dt.timedelta(microseconds=last)).time().isoformat()


# --- Texts and booleans ----------------------------------------------------------------------


def _of_words(values: pa.Array) -> dict[str, Any]:
    counted = values.value_counts()
    words, counts = counted.field("values"), memory_of(counted.field("counts"), np.int64)
    most = _most_frequent(counts)
    said = words.take(int64_array(most)).to_pylist()
    top = [[shown_text(word), rows] for word, rows in zip(said, counts[most].tolist(), strict=True)]
    found = {"values": len(values), "distinct": len(words), "top": top}
    if not pa.types.is_string(values.type):
        return found
    few = len(said) == len(words)
    extremes = {"min": min(said), "max": max(said)} if few else pc.min_max(words).as_py()
    return {**found, **{name: shown_text(text) for name, text in extremes.items()}}


def _most_frequent(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Positions of the greatest counts, those first; of equal ones, the first."""
    if len(counts) > TOP_VALUES:
        least = np.partition(counts, -TOP_VALUES)[-TOP_VALUES]
        more, equal = np.flatnonzero(counts > least), np.flatnonzero(counts == least)
        found = np.concatenate([more, equal[: TOP_VALUES - len(more)]])
    else:
        found = np.arange(len(counts))
    return found[np.argsort(-counts[found], kind="stable")]


def shown_text(value: Any) -> Any:
    """Return a value as a profile shows it: of long texts the beginning."""
    if isinstance(value, str) and len(value) >= TEXT_CHARACTERS:
        return f"{value[: TEXT_CHARACTERS - 1]}…"
    return value
