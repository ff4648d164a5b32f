"""Rows of JSON text with numbers whose digits a double may not keep, found without parsing them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.formats.json_blocks import WINDOW_BYTES, windows
from pipeline.formats.json_paths import path_of
from pipeline.formats.json_values import keeps_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from pipeline.formats.json_columns import JsonColumns

_DIGITS_AT_LEAST: Final = 16
"""A number of fewer digits is kept by a double."""
_WORD: Final = 8
_ALL_OF_A_WORD: Final = int.from_bytes(bytes([1]) * _WORD, "little")
_POINT: Final = np.uint8(ord("."))
_POINT_TO_NINE: Final = np.uint8(12)
_LOWER: Final = np.uint8(32)
_NUMBER: Final = re.compile(rb"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_KEY: Final = re.compile(rb'"([^"\\]*)"[ \t]*:[ \t]*-?$')
_KEY_BYTES: Final = 256
_TINY: Final = re.compile(rb"[0-9][eE]-[0-9]{3}")


def rows_near_zero(batch: pa.RecordBatch, body: bytes) -> list[int]:
    """Lines, from 0, with a number too near to zero to keep as many digits as others.

    Zero may be one of them, so the exponents tell.
    """
    doubles = [column for column in batch.columns if pa.types.is_floating(column.type)]
    least = [pc.min(pc.abs(column)).as_py() for column in doubles]
    if all(value is None or value >= sys.float_info.min for value in least):
        return []
    if not any(map(_has_negative_exponent, windows(body, overlap=1))):
        return []
    return [body.count(b"\n", 0, found.start()) for found in _TINY.finditer(body)]


def _has_negative_exponent(data: npt.NDArray[np.uint8]) -> bool:
    return bool(np.any(((data[:-1] | _LOWER) == ord("e")) & (data[1:] == ord("-"))))


def rows_with_lost_digits(body: bytes, columns: JsonColumns) -> Iterator[int]:
    """Lines, from 0, with a number that may be a double's and has digits that none keeps."""
    runs = _long_runs(body) if columns.doubles else []
    written = {body[begin:end] for begin, end in runs}
    lost = {number for number in written if not _keeps(number)}
    names = [column.source_name for column in columns.doubles]
    keys = {str((path_of(name) or (name,))[-1]).encode() for name in names}
    row = counted = 0
    for begin, end in runs if lost else []:
        if body[begin:end] in lost and _may_be_of(body, begin, keys):
            row += body.count(b"\n", counted, begin)
            counted = begin
            yield row


def _keeps(written: bytes) -> bool:
    return not _NUMBER.fullmatch(written) or keeps_digits(written.decode())


def _may_be_of(body: bytes, begin: int, keys: set[bytes]) -> bool:
    """Whether digits may begin a value of these names: it has another name, or stands in a text."""
    if body[begin - 1] not in b":,[- \t":
        return False
    key = _KEY.search(body, max(begin - _KEY_BYTES, 0), begin)
    return key is None or key[1] in keys


def _long_runs(text: bytes) -> list[tuple[int, int]]:
    """Where digits and points stand together that are at least as many as a double may lose.

    So many of them fill an aligned word of eight bytes, and only those words are looked at that
    do.
    """
    digits = np.zeros((len(text) // _WORD + 2) * _WORD, np.bool_)
    data = np.frombuffer(text, np.uint8)
    for at, part in enumerate(windows(text)):
        window = slice(at * WINDOW_BYTES, at * WINDOW_BYTES + len(part))
        np.less(part - _POINT, _POINT_TO_NINE, out=digits[window])
    words = np.flatnonzero(digits.view(np.uint64) == _ALL_OF_A_WORD) * _WORD
    first = words[np.diff(words, prepend=-2 * _WORD) != _WORD]
    last = words[np.diff(words, append=len(digits) + _WORD) != _WORD] + _WORD
    begin, end = _reached(digits, first - 1, -1) + 1, _reached(digits, last, 1)
    long = end - begin >= _DIGITS_AT_LEAST
    with_exponent = (data[np.minimum(end, len(data) - 1)] | _LOWER) == ord("e")
    runs = list(zip(begin[long].tolist(), end[long].tolist(), strict=True))
    if np.any(with_exponent):
        runs = [(begin, _end_of_number(text, begin, end)) for begin, end in runs]
    return runs


def _end_of_number(text: bytes, begin: int, end: int) -> int:
    number = _NUMBER.match(text, begin)
    return max(number.end(), end) if number else end


def _reached(
    digits: npt.NDArray[np.bool_], start: npt.NDArray[np.int64], step: int
) -> npt.NDArray[np.int64]:
    """The next position from each start that is none of a digit, less than a word away."""
    at = start.copy()
    going = np.ones(len(at), bool)
    for _ in range(_WORD):
        going &= digits[at] & (at >= 0)
        at += step * going
    return at
