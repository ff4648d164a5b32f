"""The reader finds the same as the simplest one, in every dialect and wherever blocks end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import NoRowsError
from pipeline.formats import RawChunk, text
from pipeline.formats import csv as module
from pipeline.formats.readers import read_chunks
from pipeline.plan import ROW_NUMBER
from pipeline.plan_contract import Limits, Source
from tests.unit.pipeline.formats.csv_reference import Reference, Row
from tests.unit.pipeline.support import Drip, plan_of

HEADER = {"c0": "string", "c1": "string"}
DIALECTS: list[dict[str, Any]] = [
    {},
    {},
    {},
    {"delimiter": ";"},
    {"quote": ""},
    {"quote": "'"},
    {"double_quote": False},
    {"escape": "\\", "double_quote": False},
    {"comment": "#"},
    {"skip_initial_space": True},
    {"skip_initial_space": True, "comment": "#", "quote": ""},
    {"line_terminator": "\n"},
    {"line_terminator": "\r\n"},
    {"line_terminator": "\r"},
    {"line_terminator": "b"},
    {"escape": "\\", "double_quote": False, "comment": "#", "skip_initial_space": True},
]
PIECES = st.sampled_from(
    [*'ab,,;""\n\n\r \\#\'', "é", '""', "\r\n", "a,b\n", '"a","b"\n', '"a\nb",c\n', '",', ',"']
)
BODIES = st.lists(PIECES, max_size=40).map("".join)


def read(data: str, source: dict[str, Any], limit: int, block: int, size: int) -> list[RawChunk]:
    plan = replace(plan_of(HEADER, **source), limits=Limits(max_row_bytes=limit))
    with (
        mock.patch.multiple(module, BLOCK_BYTES=block),
        mock.patch.multiple(text, BLOCK_BYTES=block),
    ):
        try:
            return list(read_chunks(Drip(data.encode(), size), plan))
        except NoRowsError:
            return []


def rows_of(chunks: list[RawChunk]) -> list[Row]:
    found: dict[int, Row] = {}
    for chunk in chunks:
        assert chunk.line_of is not None
        for row in chunk.batch.to_pylist():
            number = row.pop(ROW_NUMBER)
            found[number] = Row(chunk.line_of(number) or 0, list(row.values()))
        for bad in chunk.malformed:
            found[bad.row_number] = Row(bad.line or 0, None, bad.raw, bad.violations[0].rule)
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[number] for number in sorted(found)]


@settings(max_examples=400, deadline=None)
@given(
    BODIES,
    st.sampled_from(DIALECTS),
    st.sampled_from([24, 1000]),
    st.sampled_from([1, 5, 16, 31, 1 << 16]),
    st.integers(1, 40),
)
@example('"\n' + "a,b\n" * 3 + 'c"\n', {}, 1000, 16, 40)
def test_the_reader_finds_what_the_simplest_one_finds(
    body: str, dialect: dict[str, Any], limit: int, block: int, size: int
) -> None:
    words = {"delimiter": ",", **dialect}
    source = Source("csv", **words)
    reference = Reference(body, source, len(HEADER), limit)
    header = ",".join(HEADER) if dialect.get("delimiter") is None else ";".join(HEADER)
    header += source.line_terminator or "\n"
    assume(max(map(len, (line.encode() for line in reference.lines()))) < limit)

    found = rows_of(read(header + body, words, limit, block, size))

    assert found == reference.rows(2)
