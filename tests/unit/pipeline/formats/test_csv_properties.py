from __future__ import annotations

import bz2
import csv
import gzip
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.formats import RawChunk, text
from pipeline.formats import csv as module
from pipeline.formats.readers import read_chunks
from pipeline.plan_contract import Source
from tests.unit.pipeline.formats.test_compression import one_zipped, zstd
from tests.unit.pipeline.support import Drip, good_rows, plan_of, row_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = st.text(
    st.sampled_from(',;"\n\r\t \\') | st.characters(codec="utf-8", exclude_categories=["Cc"]),
    max_size=6,
)
BLOCKS = st.sampled_from([64, 100, 257, 1 << 22])


def tables(cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=25
        )
    )


def read(data: bytes, width: int, block: int, size: int = 1 << 22) -> list[RawChunk]:
    plan = plan_of({f"c{at}": "string" for at in range(width)})
    with (
        mock.patch.multiple(module, BLOCK_BYTES=block),
        mock.patch.multiple(text, BLOCK_BYTES=block),
    ):
        return list(read_chunks(Drip(data, size), plan))


def written(header: list[str], rows: list[list[str]], ending: str) -> bytes:
    sink = io.StringIO(newline="")
    csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator=ending).writerows([header, *rows])
    return sink.getvalue().encode()


@given(tables(CELLS), st.sampled_from(["\n", "\r\n"]), BLOCKS, st.integers(1, 50))
def test_what_the_csv_module_writes_is_read_back(
    rows: list[list[str]], ending: str, block: int, size: int
) -> None:
    header = [f"c{at}" for at in range(len(rows[0]))]
    longest = max(len(written([], [row], ending)) for row in [header, *rows])

    chunks = read(written(header, rows, ending), len(header), max(block, 3 * longest), size)

    assert [[row[name] for name in header] for row in good_rows(chunks)] == rows
    assert row_numbers(chunks) == list(range(1, len(rows) + 1))


@given(
    st.lists(st.lists(st.sampled_from(["1", "", "é", "x y"]), min_size=2, max_size=5), min_size=1),
    BLOCKS,
)
def test_ragged_rows_are_findings_and_none_is_lost(rows: list[list[str]], block: int) -> None:
    header = ["c0", "c1", "c2"]
    lines = [",".join(row) for row in [header, *rows]]

    chunks = read("\n".join(lines).encode() + b"\n", 3, block)

    good = [row for row in rows if len(row) == 3]
    assert [[row[name] for name in header] for row in good_rows(chunks)] == good
    assert row_numbers(chunks) == list(range(1, len(rows) + 1))
    bad = {reject.row_number: reject.raw for chunk in chunks for reject in chunk.malformed}
    assert bad == {n: lines[n] for n, row in enumerate(rows, start=1) if len(row) != 3}
    assert sum(chunk.rows for chunk in chunks) == len(rows)


@pytest.mark.parametrize("block", [64, 1000])
def test_malformed_rows_come_with_the_rows_around_them(block: int) -> None:
    lines = ["c0,c1"] + [f"{n}" if n % 7 == 0 else f"{n},{n}" for n in range(1, 500)]

    chunks = read("\n".join(lines).encode(), 2, block)

    passed = 0
    for chunk in chunks:
        assert row_numbers([chunk]) == list(range(passed + 1, passed + chunk.rows + 1))
        passed += chunk.rows
    assert passed == 499
    assert [row["_row_number"] for row in good_rows(chunks)] == [n for n in range(1, 500) if n % 7]


PLAIN = st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1, max_size=5)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "zstd": zstd,
    "zip": one_zipped,
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1", "cp1252"]


@dataclass(frozen=True)
class Written:
    """How a table is written; `source` is what the contract says of it."""

    source: Source
    every_quote: bool
    preamble: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        return self.source.line_terminator or "\n"

    def text(self, header: list[str], lines: list[str]) -> str:
        """The whole file; `lines` are its rows as `line` writes them."""
        above = [*self.preamble, self.line(header)] if self.source.header_rows else []
        below = ["the end"] * self.source.footer_rows
        return "".join(line + self.ending for line in [*above, *lines, *below])

    def line(self, cells: list[str]) -> str:
        said = [self.cell(cell, first=not at) for at, cell in enumerate(cells)]
        line = (self.source.delimiter or ",").join(said)
        return line if line or not self.source.quote else self.source.quote * 2

    def cell(self, cell: str, *, first: bool) -> str:
        source = self.source
        marks = [source.delimiter or ",", "\n", "\r", source.quote, source.escape, self.ending]
        begins = [source.comment if first else "", " " if source.skip_initial_space else ""]
        odd = any(mark and mark in cell for mark in marks)
        odd = odd or any(mark and cell.startswith(mark) for mark in begins)
        if source.quote and (odd or self.every_quote):
            inside = cell.replace(source.escape, source.escape * 2) if source.escape else cell
            doubled = source.quote if source.double_quote else source.escape
            return (
                source.quote + inside.replace(source.quote, doubled + source.quote) + source.quote
            )
        if not odd:
            return cell
        assume(source.escape)
        return "".join(source.escape + character for character in cell)


@st.composite
def written_somehow(draw: st.DrawFn) -> Written:
    """Every word of a dialect, in any combination that means something."""
    quote = draw(st.sampled_from(['"', '"', "'", ""]))
    escape = draw(st.sampled_from(["", "", "\\"]))
    preamble = draw(st.lists(PLAIN, max_size=3))
    header = draw(st.booleans())
    source = Source(
        "csv",
        delimiter=draw(st.sampled_from([",", ";", "\t", "|", "\x01"])),
        quote=quote,
        double_quote=bool(quote) and not escape,
        escape=escape,
        line_terminator=draw(st.sampled_from([None, "\n", "\r\n", "\r", "\x1e", "§"])),
        skip_initial_space=draw(st.booleans()),
        header_rows=(len(preamble) + 1,) if header else (),
        footer_rows=draw(st.integers(0, 2)),
        comment=draw(st.sampled_from(["", "#", "¤"])),
        encoding=draw(st.sampled_from(ENCODINGS)),
        compression=draw(st.sampled_from([None, *PACKERS])),
    )
    return Written(source, draw(st.booleans()), tuple(preamble) if header else ())


def read_back(how: Written, text: str, width: int, block: int) -> list[RawChunk]:
    try:
        data = text.encode(how.source.encoding or "utf-8")
    except UnicodeEncodeError:
        assume(False)
    data = PACKERS[how.source.compression or "none"](data)
    plan = replace(plan_of({f"c{at}": "string" for at in range(width)}), source=how.source)
    with mock.patch.multiple(module, BLOCK_BYTES=block):
        return list(read_chunks(Drip(data, 1 << 22), plan))


@settings(max_examples=200, deadline=None)
@given(tables(CELLS), written_somehow(), BLOCKS)
def test_any_table_in_any_dialect_is_read_back(
    rows: list[list[str]], how: Written, block: int
) -> None:
    header = [f"c{at}" for at in range(len(rows[0]))]
    lines = [how.line(row) for row in rows]
    assume(all(lines))  # a blank line is no row, and cannot be told from one without quotes
    text = how.text(header, lines)
    assume(not text.startswith("\ufeff") and text.encode().strip())

    chunks = read_back(how, text, len(header), block)

    assert [[row[name] for name in header] for row in good_rows(chunks)] == rows
    assert row_numbers(chunks) == list(range(1, len(rows) + 1))


@settings(max_examples=200, deadline=None)
@given(tables(PLAIN), written_somehow(), BLOCKS, st.data())
def test_noise_costs_its_own_line_in_any_dialect(
    rows: list[list[str]], how: Written, block: int, data: st.DataObject
) -> None:
    header = [f"c{at}" for at in range(len(rows[0]))]
    ragged = (how.source.delimiter or ",").join(["x"] * (len(header) + 1))
    noise = [ragged, f"{how.source.quote}noise"] if how.source.quote else [ragged]
    lines: list[tuple[str, list[str] | None]] = []
    for row in rows:
        lines += [(said, None) for said in data.draw(st.lists(st.sampled_from(noise), max_size=2))]
        lines.append((how.line(row), row))
    text = how.text(header, [said for said, _ in lines])

    chunks = read_back(how, text, len(header), block)

    assert [[row[name] for name in header] for row in good_rows(chunks)] == rows
    assert row_numbers(chunks) == list(range(1, len(lines) + 1))
    first = len(how.preamble) + (2 if how.source.header_rows else 1)
    bad = [(reject.line, reject.raw) for chunk in chunks for reject in chunk.malformed]
    assert bad == [(first + at, said) for at, (said, row) in enumerate(lines) if row is None]
