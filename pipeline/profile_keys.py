"""The keys that were in no row of a lookup, and how often each came.

Up to a number of different keys all are counted. With more, the rarer ones are dropped from time to
time, and may come again: `exact` is then False, a key came at least as often as is told, and at
least so many different ones were missing. It is False, too, where a key was longer than is
kept of it; those that begin alike are then one.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.buffers import int64_array, memory_of
from pipeline.distinct import combined_codes
from pipeline.profile_sample import shortened
from pipeline.profile_statistics import shown_text
from pipeline.rules import json_ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MOST_KEYS: Final = 8192
"""Different keys that are kept of all lookups together."""
TOP_KEYS: Final = 20
_WAITING: Final = 4
"""Batches' keys are brought together when they are so many times as many as are kept."""


class MissingKeys:
    """Counts the missing keys of one lookup.

    No run fails for it: the first error is kept, nothing is counted any more, and who asks for the
    keys gets it.

    Parameters
    ----------
    most
        Different keys that are kept; between times there are more.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._error: Exception | None = None
        self._most = max(most, TOP_KEYS)
        self._found: list[_Counts] = []
        self._dropped = False
        self._cut = False
        self._distinct = 0

    def told(self) -> dict[str, Any]:
        """Return `exact`, `distinct_missing` and `top_missing`, the most frequent keys' rows.

        Raises
        ------
        Exception
            If something could not be counted: whatever that was.
        """
        if self._error is not None:
            raise self._error
        self._settle()
        return {
            "exact": not (self._dropped or self._cut),
            "distinct_missing": self._distinct,
            "top_missing": [row for counts in self._found for row in counts.told()],
        }

    def add(self, keys: Sequence[pa.Array], rows: pa.Array) -> None:
        """Count a batch's keys.

        Parameters
        ----------
        keys
            One column for each part of the key.
        rows
            The lookup's row of each key, null where there is none. A key that lacks a part is not
            counted.
        """
        if self._error is not None:
            return
        try:
            lacking = [pc.is_valid(key) for key in keys if key.null_count]
            missed = reduce(pc.and_, lacking, pc.is_null(rows))
            self._found.append(self._of_rows([key.filter(missed) for key in keys]))
            if sum(len(counts.rows) for counts in self._found) > _WAITING * self._most:
                self._settle()
        except Exception as error:
            self._error = error

    def _of_rows(self, parts: Sequence[pa.Array]) -> _Counts:
        """The different ones of a batch's missing keys."""
        encoded = [
            part if pa.types.is_dictionary(part.type) else part.dictionary_encode()
            for part in parts
        ]
        codes = combined_codes(encoded)
        counted = codes.value_counts()
        first = pc.index_in(counted.field("values"), codes)
        values = [part.dictionary.take(part.indices.take(first)) for part in encoded]
        return _Counts([self._shortened(part) for part in values], _numbers(counted))

    def _shortened(self, part: pa.Array) -> pa.Array:
        short = shortened(part)
        self._cut = self._cut or short is not part
        return short

    def _settle(self) -> None:
        """Bring the keys of all batches together; if there are too many, forget the rarer ones."""
        if not self._found:
            return
        together = _together(self._found)
        self._distinct = max(self._distinct, len(together.rows))
        if len(together.rows) > self._most:
            self._dropped = True
            together = together.most_frequent(self._most)
        self._found = [together]


class _Counts(NamedTuple):
    """Different keys by their parts, and how many rows have each."""

    parts: list[pa.Array]
    rows: npt.NDArray[np.int64]

    def most_frequent(self, number: int) -> _Counts:
        """The keys of most rows, those first; of equally many, the ones that came first."""
        at = np.argsort(-self.rows, kind="stable")[:number]
        return _Counts([part.take(int64_array(at)) for part in self.parts], self.rows[at])

    def told(self) -> list[list[Any]]:
        """`[[key...], rows]` of the most frequent keys."""
        top = self.most_frequent(TOP_KEYS)
        keys = zip(*(part.to_pylist() for part in top.parts), strict=True)
        return [
            [[shown_text(json_ready(part)) for part in key], rows]
            for key, rows in zip(keys, top.rows.tolist(), strict=True)
        ]


def _together(found: Sequence[_Counts]) -> _Counts:
    """The sums by key, in the order in which they first came."""
    if len(found) == 1:
        return found[0]
    columns = zip(*(counts.parts for counts in found), strict=True)
    parts = [pa.concat_arrays(column) for column in columns]
    codes = combined_codes([part.dictionary_encode() for part in parts])
    different, first, which = np.unique(
        memory_of(codes, np.int32), return_index=True, return_inverse=True
    )
    rows = np.zeros(len(different), np.int64)
    np.add.at(rows, which, np.concatenate([counts.rows for counts in found]))
    return _Counts([part.take(int64_array(first)) for part in parts], rows)


def _numbers(counted: pa.StructArray) -> npt.NDArray[np.int64]:
    return memory_of(counted.field("counts"), np.int64)
