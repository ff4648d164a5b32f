"""Reads a poison file in a process of its own, and prints what became of it and of memory.

`python poison.py KIND`: the file is made piece by piece as it is read, and is never held.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.formats.readers import read_chunks
from pipeline.plan import Plan
from pipeline.plan_contract import Column, Limits, Source
from pipeline.process import peak_memory_mb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MB = 1024 * 1024


class Stream:
    """Byte stream of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        block = self._rest or next(self._pieces, b"")
        taken, self._rest = block[:size], block[size:]
        return taken


def times(piece: bytes, size: int) -> Iterator[bytes]:
    """Piece after piece, `size` bytes in all or a little less."""
    block = piece * max(1, MB // 4 // len(piece))
    return itertools.repeat(block, size // len(block))


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def chained(*parts: bytes | Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield from [part] if isinstance(part, bytes) else part


GOOD = b"a,b\n1,2\n"
DEEP = b"[" * 100_000 + b"]" * 100_000
# kind: format, pieces
POISON = {
    "bomb": ("csv", lambda: gzipped(chained(GOOD, times(b"0,0\n", 300 * MB)))),
    "blank bomb": ("csv", lambda: gzipped(times(b"\n", 300 * MB))),
    "long line": ("csv", lambda: chained(GOOD, times(b"x", 200 * MB), b",2\n")),
    "long quoted line": ("csv", lambda: chained(GOOD, b'"', times(b"x", 200 * MB), b'",2\n')),
    "long row of short lines": (
        "csv",
        lambda: chained(GOOD, b'"', times(b"x" * 98 + b"\n", 5 * MB), b'",'),
    ),
    "long json line": ("json", lambda: chained(b'{"a":1}\n{"a":"', times(b"x", 200 * MB), b'"}')),
    "long json element": ("json", lambda: chained(b'[{"a":"', times(b"x", 200 * MB), b'"}]')),
    "json without an end": ("json", lambda: chained(b'[{"a":1}', times(b" ", 200 * MB))),
    "long header": ("csv", lambda: chained(b"a,b", times(b"x", 300 * MB))),
    "wide header": ("csv", lambda: chained(b"a,b", times(b",x", 300 * MB))),
    "blank lines": ("csv", lambda: times(b"\n", 200 * MB)),
    "blank lines below": ("csv", lambda: chained(GOOD, times(b"\n", 100 * MB))),
    "blank json lines": ("json", lambda: chained(b'{"a":1}\n', times(b"\r\n", 100 * MB))),
    "nul bytes": ("csv", lambda: times(b"\0", 400 * MB)),
    "malformed rows": ("csv", lambda: chained(b"a,b\n", b"1\n" * 32_768)),
    "long malformed rows": (
        "csv",
        lambda: chained(b"a,b\n", times(b"1,2,3," * 99 + b"\n", 20 * MB)),
    ),
    "malformed lines": ("json", lambda: chained(b'{"a":"1"}\n', b"1\n" * 32_768)),
    "wide rows": ("csv", lambda: chained(GOOD, times(b"," * 100_000 + b"\n", 20 * MB))),
    "many keys": (
        "json",
        lambda: times(
            ('{"a":"x",' + ",".join(f'"k{n}":{n}' for n in range(100_000)) + "}\n").encode(), 8 * MB
        ),
    ),
    "deep lines": ("json", lambda: chained(b'{"a":"x"}\n', times(b'{"z":' + DEEP + b"}\n", MB))),
    "deep elements": (
        "json",
        lambda: chained(b'[{"a":"x"}', times(b',{"z":' + DEEP + b"}", MB), b"]"),
    ),
    "empty gzip members": ("csv", lambda: times(zlib.compress(b"", wbits=31), 50 * MB)),
}


def outcome(kind: str) -> dict[str, object]:
    """Read the file; say what was raised, how many rows came, and what it took."""
    declared, pieces = POISON[kind]
    limits = replace(Limits(), max_row_bytes=4 * MB)
    columns = (Column("a", "string"), Column("b", "string"))
    plan = Plan("things", "0", "1", Source(declared), columns[: 1 + (declared == "csv")])
    plan = replace(plan, limits=limits)
    good = bad = 0
    error: PipelineError | None = None
    begun = time.process_time()
    try:
        for chunk in read_chunks(Stream(pieces()), plan):
            good += chunk.batch.num_rows
            bad += len(chunk.malformed)
    except PipelineError as raised:
        error = raised
    return {
        "error": type(error).__name__ if error else None,
        "message": str(error or ""),
        "good": good,
        "bad": bad,
        "seconds": time.process_time() - begun,
        "peak_mb": peak_memory_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(outcome(sys.argv[1])))
