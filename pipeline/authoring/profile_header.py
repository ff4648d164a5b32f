"""Names of columns: whether the first line of a CSV file has them, and what to call them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipeline.authoring.profile_sample import Spellings
from pipeline.authoring.profile_types import typed
from pipeline.formats.json_paths import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMERIC: Final = ("integer", "number")
_SERIES: Final = 3


def contract_names(sources: list[str], *, paths: bool) -> dict[str, str]:
    """Return names for the contract: the file's own, but for paths and names that begin with _.

    `paths` says whether names may be paths, as in JSON.
    """
    taken = {source.lower() for source in sources}
    names: dict[str, str] = {}
    for source in sources:
        name = _plain(source, paths=paths)
        while name != source and name.lower() in taken:
            name = f"{name}_"
        taken.add(name.lower())
        names[source] = name
    return names


def _plain(source: str, *, paths: bool) -> str:
    is_path = paths and path_of(source) is not None
    name = re.sub(r"[^\w]+", "_", source).strip("_") if is_path else source.lstrip("_")
    return name if name.strip() else source


def looks_like_a_row(types: Mapping[str, str]) -> bool:
    """Tell whether the names are values of their columns rather than names.

    Parameters
    ----------
    types
        Logical type of the values below each name.
    """
    alike = names_like_values(types)
    if not alike:
        return False
    named = [name for name in types if _own_type(name) == "string" != types[name]]
    return not named and not _is_series(alike, alone=len(alike) == len(types))


def names_like_values(types: Mapping[str, str]) -> list[str]:
    """Return the names that could be values of their columns: numbers above numbers."""
    own = {name: _own_type(name) for name in types}
    return [name for name in types if own[name] != "string" and _alike(own[name], types[name])]


def _own_type(name: str) -> str:
    return typed("", Spellings(pa.array([name], pa.string()), np.zeros(1, np.int64))).type


def _alike(one: str, other: str) -> bool:
    return one == other or (one in _NUMERIC and other in _NUMERIC)


def _is_series(names: list[str], *, alone: bool) -> bool:
    """Whether names count up, as years and positions do.

    `alone` says that there are no other names: they are believed from 0 or 1 on only.
    """
    if any(_own_type(name) != "integer" for name in names):
        return False
    numbers = [int(name) for name in names]
    steps = {after - before for before, after in pairwise(numbers)}
    if alone:
        return steps == {1} and numbers[0] in (0, 1) and len(numbers) >= _SERIES
    return steps == {1} or (len(steps) == 1 and min(steps) > 0 and len(numbers) >= _SERIES)
