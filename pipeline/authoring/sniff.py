"""How a file is written: format, encoding, delimiter and quote, guessed from its bytes.

The guesses are checked against the readers of the pipeline itself: whoever takes a sample with them
sees what validate will see.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pipeline.authoring.profile_records import ESCAPE, rows_of
from pipeline.errors import DataError
from pipeline.formats.compression import unpacked
from pipeline.formats.csv_dialect import DELIMITERS
from pipeline.formats.readers import ending
from pipeline.formats.text import TextStream, marked_encoding
from pipeline.plan_contract import Limits, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_JSON_ENDINGS: Final = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_CSV_ENDINGS: Final = (".csv", ".tsv")
_HEAD_BYTES: Final = 256 * 1024
_BLOCK_BYTES: Final = 1024 * 1024
_MOST_BYTES: Final = 256 * 1024**2
"""As far as a file is searched for bytes that are not UTF-8; beyond, its reader will tell."""
_FOREIGN_BYTES: Final = 64 * 1024
_LEGACY: Final = ("cp1252", "cp1251", "shift_jis", "euc_jp", "euc_kr", "gb18030", "big5")
"""Encodings whose texts can be told apart; of those that write Latin letters, the usual one."""
_FOREIGN_RUN: Final = re.compile(rb"[\x80-\xff]+")
_LONG_RUN: Final = 1.5
"""In Latin texts letters with accents stand between others; elsewhere every letter is foreign."""
_MOSTLY: Final = 0.5


@dataclass(frozen=True)
class Sniffed:
    """How a file is written.

    `format` is `csv`, `json` (an array) or `jsonl`; `source` is what a plan says of it; `notes`
    are sentences about guesses that a person should look at.
    """

    format: str
    source: Source
    notes: tuple[str, ...] = ()

    def without_quotes(self) -> Sniffed:
        """Return the same dialect where a quote is a character like any other."""
        note = "quotes do not pair up: they are taken as characters of the text"
        return replace(self, source=replace(self.source, quote=""), notes=(*self.notes, note))


def sniffed(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Sniffed:
    """Return how a file is written, as far as its bytes and its name tell.

    Parameters
    ----------
    encoding, delimiter
        What is known already, and not to be guessed.

    Raises
    ------
    UnreadableFileError
        If the file is empty, binary, not in the encoding, or its compression is corrupt.
    """
    found, note = (encoding, "") if encoding else _encoding(path)
    with path.open("rb") as file:
        head = TextStream(file, encoding=found).head(_HEAD_BYTES)
    text = head.decode("utf-8", errors="ignore")
    kind = _format(path, text)
    notes = (note,) if note else ()
    if kind != "csv":
        return Sniffed(kind, Source(format="json", encoding=found), notes)
    if delimiter is None and ending(path.name) == ".tsv":
        delimiter = "\t"
    chosen, quote = _dialect(text, cut=len(head) == _HEAD_BYTES, delimiter=delimiter)
    return Sniffed("csv", Source("csv", chosen, quote, encoding=found), notes)


def _format(path: Path, text: str) -> str:
    """By the file's ending; where it has none that is known, by its first character."""
    suffix, first = ending(path.name), text.lstrip()[:1]
    if suffix in _JSON_ENDINGS:
        return "json" if first == "[" else "jsonl"
    return {"{": "jsonl", "[": "json"}.get(first, "csv") if suffix not in _CSV_ENDINGS else "csv"


def _encoding(path: Path) -> tuple[str, str]:
    """The encoding, and a sentence about the guess if there is anything to say."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    foreign = b""
    for at, block in enumerate(_blocks(path)):
        if at == 0 and (marked := _marked(block)):
            return marked
        if b"\0" in block:  # binary: the reader says so in better words
            return "utf-8", ""
        if not foreign:
            try:
                decoder.decode(block)
                continue
            except UnicodeDecodeError:
                pass
        foreign += _foreign_lines(block)[: _FOREIGN_BYTES - len(foreign)]
        if len(foreign) >= _FOREIGN_BYTES:
            break
    return _legacy(foreign) if foreign else ("utf-8", "")


def _marked(head: bytes) -> tuple[str, str] | None:
    """Encoding that the first bytes give away: by a mark, or by where the zero bytes stand."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", "the file begins with a byte-order mark, which is passed over"
    if marked := marked_encoding(head):
        return marked, f"the file begins with the byte-order mark of {marked.upper()}"
    start = head[:_HEAD_BYTES]
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = start[first::2].count(0), start[1 - first :: 2].count(0)
        if zeros > _MOSTLY * len(start) / 2 and not others:
            return name, "every other byte is zero, as in UTF-16 without its byte-order mark"
    return None


def _blocks(path: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked, as far as they can be and are looked at."""
    with path.open("rb") as file:
        try:
            source = unpacked(file, Limits())
            for _ in range(0, _MOST_BYTES, _BLOCK_BYTES):
                if not (block := source.read(_BLOCK_BYTES)):
                    return
                yield block
        except DataError:  # corrupt: the reader says so in better words
            return


def _foreign_lines(block: bytes) -> bytes:
    """Lines that hold anything but ASCII."""
    return b"".join(line for line in block.splitlines(keepends=True) if not line.isascii())


def _legacy(text: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - hardly any file needs it

    runs = _FOREIGN_RUN.findall(text)
    accents = sum(map(len, runs)) < _LONG_RUN * len(runs)
    best = None if accents else from_bytes(text, cp_isolation=list(_LEGACY)).best()
    name = best.encoding if best is not None else _LEGACY[0]
    return name, (
        f"the text is not UTF-8; {name} is a guess: look whether names with accents are right"
    )


def _dialect(text: str, *, cut: bool, delimiter: str | None) -> tuple[str, str]:
    """The delimiter and the quote that take the text apart into the most regular rows.

    A quote that the first line begins and ends with is preferred.
    """
    first = text.lstrip().partition("\n")[0].rstrip()
    quotes = ("'", '"') if first[:1] == "'" and first[-1:] == "'" else ('"',)
    candidates = DELIMITERS if delimiter is None else (delimiter,)

    def fitness(dialect: tuple[str, str]) -> tuple[float, ...]:
        one, quote = dialect
        source = Source("csv", one, quote)
        found = [_regularity(text, source, cut=cut)]
        if f"{ESCAPE}{quote}" in text:
            escaped = replace(source, escape=ESCAPE, double_quote=False)
            found.append(_regularity(text, escaped, cut=cut))
        several, regular, *rest = max(found)
        return (several, regular, quote == quotes[0], *rest)

    return max(((one, quote) for quote in quotes for one in candidates), key=fitness)


def _regularity(text: str, source: Source, *, cut: bool) -> tuple[float, ...]:
    """How well a dialect fits: several columns in most rows, then few odd rows, then columns."""
    found = rows_of(text, source, final=not cut)
    rows = [len(row.cells) for row in found]
    if not rows:
        return (0, 0, 0, 0)
    ((width, times),) = Counter(rows).most_common(1)
    regular = times / len(rows)
    return (float(width > 1 and regular > _MOSTLY), round(regular, 1), width, regular)
