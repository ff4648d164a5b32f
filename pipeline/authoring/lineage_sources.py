"""The arithmetic of column lineage: what comes of a dependency that is taken through another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple


class Field(NamedTuple):
    """A column of an input: of the uploaded file (`dataset` is empty), or of a lookup by name."""

    dataset: str
    column: str


@dataclass(frozen=True, order=True)
class How:
    """One kind of dependency, in OpenLineage's words.

    `masking` says that the value cannot be told from what is made of it, as with a hash.
    """

    type: str
    subtype: str
    masking: bool = False


Sources = dict[Field, frozenset[How]]
"""What something depends on, and in which ways."""

IDENTITY: Final = How("DIRECT", "IDENTITY")
TRANSFORMED: Final = How("DIRECT", "TRANSFORMATION")
HASHED: Final = replace(TRANSFORMED, masking=True)
AGGREGATED: Final = How("DIRECT", "AGGREGATION")
CONDITIONAL: Final = How("INDIRECT", "CONDITIONAL")
FILTER: Final = How("INDIRECT", "FILTER")
GROUP_BY: Final = How("INDIRECT", "GROUP_BY")
JOIN: Final = How("INDIRECT", "JOIN")
SORT: Final = How("INDIRECT", "SORT")

_STRENGTH: Final = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
"""Of two direct dependencies in a row, the later of these is that of both."""


def united(first: Sources, second: Sources) -> Sources:
    """Return what depends on all that either depends on."""
    together = dict(first)
    for field, hows in second.items():
        together[field] = together.get(field, frozenset()) | hows
    return together


def through(sources: Sources, how: How) -> Sources:
    """Return the sources of something that depends in this way on what has these sources."""
    return {
        field: frozenset(_composed(before, how) for before in hows)
        for field, hows in sources.items()
    }


def _composed(before: How, after: How) -> How:
    """One dependency for two in a row; what is decided once is not given any more."""
    masking = before.masking or after.masking
    indirect = next((how for how in (after, before) if how.type == "INDIRECT"), None)
    if indirect is not None:
        return replace(indirect, masking=masking)
    return replace(
        max(before, after, key=lambda how: _STRENGTH.index(how.subtype)), masking=masking
    )
