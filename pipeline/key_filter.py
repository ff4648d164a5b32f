"""A filter of keys: says of most new ones that none was there that begins with the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pipeline.runs import Mask, Numbers, Words

_BITS: Final = 27
_IN_BYTE: Final = np.uint64(3)
_MASKS: Final = np.array([1 << bit for bit in range(8)], dtype=np.uint8)


class KeyFilter:
    """The first bits of random keys, one bit for each that they may begin with: 16 MB.

    Of a million keys, fewer than 1 % are new and taken for known ones; of ten million, 7 %.
    """

    def __init__(self) -> None:
        self._begun = np.zeros(2**_BITS // 8, dtype=np.uint8)

    def add(self, words: Words) -> None:
        """Remember keys by their first words."""
        byte, mask = _places(words)
        while len(byte):  # once, but for keys of one byte: only the last of them is kept
            self._begun[byte] |= mask
            left = np.flatnonzero((self._begun[byte] & mask) == 0)
            byte, mask = byte[left], mask[left]

    def may_have(self, words: Words) -> Mask:
        """Return which keys may be known, by their first words; the others are new."""
        byte, mask = _places(words)
        found: Mask = (self._begun[byte] & mask) != 0
        return found


def _places(words: Words) -> tuple[Numbers, np.ndarray[tuple[int], np.dtype[np.uint8]]]:
    """The byte of each key's bit, and the bit in it."""
    first = words >> np.uint64(64 - _BITS)
    byte = (first >> _IN_BYTE).view(np.int64)
    return byte, _MASKS[(first & np.uint64(7)).view(np.int64)]
