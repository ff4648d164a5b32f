"""The shape of JSON rows that have the same names in the same order, and lines split by it.

Such a line is fixed text with values in between: `{"a":1,"b":"x"}`. A CSV parser splits it at its
commas in half the time that a JSON parser needs, and gives each column's distinct parts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow.csv as pacsv

    from pipeline.formats.json_blocks import Block

    Mask = npt.NDArray[np.bool_]

_MOST_ODD: Final = 0.1
"""Share of lines of another shape beyond which reading them one by one takes most of the time."""
_HEAD_BYTES: Final = 64 * 1024
_CACHED_BYTES: Final = 1024 * 1024
"""Text that the parser takes at a time: what it makes of it stays in the processor's cache."""
_LINES_TRIED: Final = 8
_NAME: Final = r'[ \t]*"(?P<name>[^"\\\x00-\x1f]*)"[ \t]*:[ \t]*'
_FIRST_NAME: Final = re.compile(r"\{" + _NAME)
_NEXT_NAME: Final = re.compile(_NAME)
_END: Final = re.compile(r"[ \t]*\}\Z")


class Part(NamedTuple):
    """What a line has of one name between two commas: text before and after the value."""

    name: str
    before: str
    after: str = ""


def shape_of(body: bytes) -> tuple[Part, ...] | None:
    """Return the parts of the first of some lines whose commas show them.

    None if that is none of the first ones, or line and row may not agree.
    """
    if b"\r" in body and body.count(b"\r") != body.count(b"\r\n"):
        return None  # to the CSV parser, either ends a line
    lines = body[:_HEAD_BYTES].split(b"\n")[:_LINES_TRIED]
    return next(
        filter(None, (_parts(line.decode("utf-8", "ignore").strip()) for line in lines)), None
    )


def _parts(line: str) -> tuple[Part, ...] | None:
    first, *others = line.split(",")
    names = [_FIRST_NAME.match(first), *map(_NEXT_NAME.match, others)]
    end = _END.search(line)
    parts = [Part(name["name"], name[0]) for name in names if name is not None]
    if end is None or len({part.name for part in parts}) < len(names):
        return None
    return (*parts[:-1], parts[-1]._replace(after=end[0]))


def split_lines(
    block: Block, shape: tuple[Part, ...], plain: set[str]
) -> tuple[pa.Table, Mask] | None:
    """Return the parts of a block's lines by name, and the mask of lines that have not as many.

    None if those are too many, or blank ones are among the lines. Parts are dictionary-encoded, but
    for those of the names in `plain`.
    """
    odd = _OddLines(block.body_lines)
    try:
        table = _read(block.body, {part.name: _kind(part.name, plain) for part in shape}, odd)
    except pa.ArrowInvalid:  # as `odd` says, or a line is longer than what is taken at a time
        return None
    return (table, odd.mask) if table.num_rows + odd.count == len(odd.mask) else None


def _kind(name: str, plain: set[str]) -> pa.DataType:
    return pa.string() if name in plain else pa.dictionary(pa.int32(), pa.string())


class _OddLines:
    """Lines that a parser refuses."""

    def __init__(self, lines: int) -> None:
        self.mask = np.zeros(lines, np.bool_)
        self.count = 0

    def refuse(self, row: pacsv.InvalidRow) -> str:
        """Note a line; stop the parser if there are too many."""
        self.count += 1
        if self.count > _MOST_ODD * len(self.mask):
            return "error"
        self.mask[row.number - 1] = True
        return "skip"


def _read(body: bytes, kinds: dict[str, pa.DataType], odd: _OddLines) -> pa.Table:
    from pyarrow import csv as pacsv  # noqa: PLC0415 - large files only

    return pacsv.read_csv(
        pa.BufferReader(body),
        read_options=pacsv.ReadOptions(
            use_threads=False, block_size=_CACHED_BYTES, column_names=list(kinds)
        ),
        parse_options=pacsv.ParseOptions(quote_char=False, invalid_row_handler=odd.refuse),
        convert_options=pacsv.ConvertOptions(
            column_types=kinds,
            strings_can_be_null=False,
            check_utf8=False,  # the text stream has done that
        ),
    )
