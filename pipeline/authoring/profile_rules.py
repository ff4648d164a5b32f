"""Rules that a column's values suggest: a range, a list of values, a pattern.

What is not seen is not impossible: ranges leave room on both sides, and lists and patterns are
suggested only where many rows show few values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.authoring.profile_types import snake
from pipeline.lexical import parsed
from pipeline.rules import json_ready

if TYPE_CHECKING:
    from pipeline.authoring.profile_sample import Spellings
    from pipeline.authoring.profile_types import Typed

ENOUGH_VALUES: Final = 30
"""With fewer values nothing is said about those that are not there."""
_MOST_LISTED: Final = 25
_ROWS_PER_LISTED: Final = 10
_LONGEST_LISTED: Final = 40
_MOST_RUNS: Final = 7
_LONGEST_CODE: Final = 40
_DIGITS_KEPT: Final = 2
_INT64: Final = 2**63 - 1
_EXACT: Final = 2**53
"""Whole numbers up to here are floating-point numbers, too."""
_KNOWN_RANGES: Final[dict[str, tuple[int, int]]] = {
    "year": (1900, 2100),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
    "lat": (-90, 90),
    "latitude": (-90, 90),
    "lon": (-180, 180),
    "lng": (-180, 180),
    "longitude": (-180, 180),
}
_ID_NAME: Final = re.compile(r"(^|_)(id|ids|uuid|guid|key|number|no|nr)$")
_SIGNED_NAME: Final = re.compile(r"temp|dew|degree|delta|diff|change|balance|profit|growth|delay")
"""Quantities that may well be negative where none of those seen is."""
_EMAIL: Final = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
_RUN: Final = re.compile(r"([0-9]+)|([A-Z]+)|([-_/.: #])")
_NO_CLASS: Final = re.compile(r"[^0-9A-Z\-_/.: #]")
_CLASSES: Final = ("[0-9]", "[A-Z]")


@dataclass(frozen=True)
class Rules:
    """Suggested rules, by the words of the contract, and what was seen that suggests them.

    `options` are ODCS logicalTypeOptions without format and timezone; `valid_values` the list of
    allowed values, None if none is suggested.
    """

    options: dict[str, Any] = field(default_factory=dict)
    valid_values: tuple[str, ...] | None = None
    observed: str = ""


def is_id_name(name: str) -> bool:
    """Tell whether a column's name says that it numbers or names things."""
    return bool(_ID_NAME.search(snake(name)))


def suggested_rules(name: str, kind: Typed, spellings: Spellings) -> Rules:
    """Return the rules for a column without its missing values."""
    if not len(spellings.values):
        return Rules()
    if kind.type == "string":
        return _text_rules(spellings)
    if kind.type in ("object", "array"):
        return Rules(observed=f"{len(spellings.values):,} distinct")
    values = parsed(spellings.values, kind.column(name)).values
    if kind.type == "boolean":
        return Rules(observed=_shares(spellings))
    low, high = pc.min_max(values).as_py().values()
    observed = f"{json_ready(low)} to {json_ready(high)}"
    if kind.type not in ("integer", "number") or int(spellings.counts.sum()) < ENOUGH_VALUES:
        return Rules(observed=observed)
    return Rules(_range(name, low, high), observed=observed)


def _shares(spellings: Spellings) -> str:
    pairs = zip(spellings.values.to_pylist(), spellings.counts.tolist(), strict=True)
    return ", ".join(f"{rows:,} {word}" for word, rows in pairs)


def _range(name: str, low: float, high: float) -> dict[str, Any]:
    """Bounds with room for half of the observed span on either side, rounded outwards."""
    known = _KNOWN_RANGES.get(snake(name))
    if known and known[0] <= low and high <= known[1]:
        return {"minimum": known[0], "maximum": known[1]}
    room = (high - low) / 2 or max(abs(high), 1)
    signed = low < 0 or _SIGNED_NAME.search(snake(name))
    bounds = {"minimum": _outwards(low - room, ROUND_FLOOR) if signed else 0}
    if not is_id_name(name):
        bounds["maximum"] = 0 if high <= 0 < -low else _outwards(high + room, ROUND_CEILING)
    most = _INT64 if isinstance(low, int) else _EXACT
    return {
        word: bound if abs(bound) <= most else float(bound)
        for word, bound in bounds.items()
        if abs(bound) <= most or (most == _EXACT and math.isfinite(bound))
    }


def _outwards(bound: float, rounding: str) -> float:
    """The bound with two digits, as a whole number where it is one."""
    if not math.isfinite(bound) or not bound:
        return bound
    exact = Decimal(str(bound))
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - _DIGITS_KEPT + 1), rounding)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def _text_rules(spellings: Spellings) -> Rules:
    values, counts = spellings.values, spellings.counts
    lengths = pc.min_max(pc.utf8_length(values)).as_py()
    observed = f"{len(values):,} distinct, {lengths['min']} to {lengths['max']} characters"
    rows = int(counts.sum())
    if rows < ENOUGH_VALUES or padded(values):
        return Rules(observed=observed)
    if _is_list(values, counts, rows, lengths["max"]):
        listed = tuple(sorted(values.to_pylist()))
        rarest = f"{len(values)} distinct, each in {int(counts.min()):,} rows or more"
        return Rules(valid_values=listed, observed=rarest)
    pattern = _pattern(values) if lengths["max"] <= _LONGEST_CODE else None
    return Rules({"pattern": pattern} if pattern else {}, observed=observed)


def padded(values: pa.Array) -> int:
    """Return how many values have white space around them."""
    return int(pc.sum(pc.not_equal(pc.utf8_trim_whitespace(values), values)).as_py() or 0)


def _is_list(values: pa.Array, counts: Any, rows: int, longest: int) -> bool:
    """Few values, short, and none of them so rare that another one is to be expected."""
    few = len(values) <= min(_MOST_LISTED, rows // _ROWS_PER_LISTED)
    return bool(few and longest <= _LONGEST_LISTED and np.min(counts) > 1)


def _pattern(values: pa.Array) -> str | None:
    """Pattern of codes: the same runs of capitals, digits and marks in each value."""
    if pc.all(pc.match_substring_regex(values, _EMAIL)).as_py():
        return _EMAIL
    texts = values.to_pylist()
    if any(_NO_CLASS.search(text) for text in texts):
        return None
    shapes = [[_run(run) for run in _RUN.finditer(text)] for text in texts]
    kinds = {tuple(kind for kind, _ in shape) for shape in shapes}
    if len(kinds) == 1:
        return _of_runs(shapes)
    lengths = {len(text) for text in texts}
    plain = all(kind in _CLASSES for shape in kinds for kind in shape)
    return f"^[0-9A-Z]{_times(lengths)}$" if plain and max(lengths) - min(lengths) <= 1 else None


def _run(run: re.Match[str]) -> tuple[str, int]:
    """Kind of a run of characters, and its length; marks are their own kind."""
    digits, capitals, mark = run.groups()
    if mark:
        return re.escape(mark), 1
    return (_CLASSES[0], len(digits)) if digits else (_CLASSES[1], len(capitals))


def _of_runs(shapes: list[list[tuple[str, int]]]) -> str | None:
    if len(shapes[0]) > _MOST_RUNS:
        return None
    runs = [(kinds[0][0], {length for _, length in kinds}) for kinds in zip(*shapes, strict=True)]
    parts = [kind if kind not in _CLASSES else f"{kind}{_times(spread)}" for kind, spread in runs]
    return f"^{''.join(parts)}$"


def _times(lengths: set[int]) -> str:
    low, high = min(lengths), max(lengths)
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"
