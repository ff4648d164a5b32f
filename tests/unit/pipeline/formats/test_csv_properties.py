from __future__ import annotations

import csv
import io
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats import RawChunk, text
from pipeline.formats import csv as module
from pipeline.formats.readers import read_chunks
from tests.unit.pipeline.support import Drip, good_rows, plan_of, row_numbers

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
