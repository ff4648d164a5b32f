"""Columns that tell the rows of a sample apart: candidates for the primary key."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.authoring.profile_rules import ENOUGH_VALUES, is_id_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_MOST_PARTS: Final = 3
_MOST_CANDIDATES: Final = 15
_FIRST_ROWS: Final = 5_000
_EXPECTED_REPEATS: Final = 5.0
"""Where chance would leave so many repeats, none is no accident."""
_PREFERENCE: Final = {"timestamp": 1, "date": 1, "string": 2, "integer": 3, "time": 3}
_ID_PREFERENCE: Final = 0


@dataclass(frozen=True)
class KeyColumn:
    """A column without missing values: its type, and each row's value by a number."""

    name: str
    type: str
    codes: npt.NDArray[np.int64]
    distinct: int

    @property
    def is_unique(self) -> bool:
        """Whether no value stands in two rows."""
        return self.distinct == len(self.codes)

    @property
    def preference(self) -> int:
        """How likely such a column is to be part of a key; lower is likelier."""
        return _ID_PREFERENCE if is_id_name(self.name) else _PREFERENCE[self.type]


def can_be_key(kind: str) -> bool:
    """Tell whether columns of a logical type are keys at all; measurements are not."""
    return kind in _PREFERENCE


def key_candidate(columns: Sequence[KeyColumn]) -> tuple[str, ...]:
    """Return the columns that best serve as the primary key; empty if none suggest themselves."""
    if not columns or len(columns[0].codes) < 2:  # noqa: PLR2004 - a single row tells nothing
        return ()
    return _single(columns) or _composite(columns)


def _single(columns: Sequence[KeyColumn]) -> tuple[str, ...]:
    """A unique column whose name, place or values say that it is there to be unique."""
    unique = sorted((one for one in columns if one.is_unique), key=lambda one: one.preference)
    for column in unique:
        if is_id_name(column.name):
            return (column.name,)
        if len(column.codes) >= ENOUGH_VALUES and column is columns[0]:
            return (column.name,)
    return ()


def _composite(columns: Sequence[KeyColumn]) -> tuple[str, ...]:
    """Two or three columns whose values meet once, where that is no accident."""
    rows = len(columns[0].codes)
    varied = [one for one in columns if 1 < one.distinct < rows]
    likely = sorted(varied, key=lambda one: one.preference)[:_MOST_CANDIDATES]
    for size in range(2, _MOST_PARTS + 1):
        tuples = itertools.combinations(likely, size)
        for parts in sorted(tuples, key=lambda them: sum(one.preference for one in them)):
            if _are_unique(parts) and _is_no_accident(parts):
                names = {one.name for one in parts}
                return tuple(one.name for one in columns if one.name in names)
    return ()


def _are_unique(parts: Sequence[KeyColumn]) -> bool:
    """Whether no two rows agree in all parts; most are found out by the first rows."""
    rows = len(parts[0].codes)
    if math.prod(one.distinct for one in parts) < rows:
        return False
    return all(
        len(np.unique(_combined(parts, size))) == min(size, rows) for size in (_FIRST_ROWS, rows)
    )


def _is_no_accident(parts: Sequence[KeyColumn]) -> bool:
    """Whether each part is needed: without it so many rows agree that chance would leave some."""
    for part in parts:
        others = [one for one in parts if one is not part]
        _, alike = np.unique(_combined(others, len(part.codes)), return_counts=True)
        pairs = int((alike * (alike - 1) // 2).sum())
        if pairs / part.distinct < _EXPECTED_REPEATS:
            return False
    return True


def _combined(parts: Sequence[KeyColumn], rows: int) -> npt.NDArray[np.int64]:
    """The first rows' values of all parts as one number, equal where all of them are."""
    combined = parts[0].codes[:rows]
    for one in parts[1:]:
        # Numbered anew before each part: the product of three could leave 64 bits.
        _, combined = np.unique(combined, return_inverse=True)
        combined = combined * one.distinct + one.codes[:rows]
    return combined
