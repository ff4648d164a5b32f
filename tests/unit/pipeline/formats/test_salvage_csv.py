from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.validate.core import ValidateState, validate
from pipeline.arrow_types import TEXT as TEXT_TYPE
from pipeline.findings import Reject, Violation
from pipeline.formats import RawChunk
from pipeline.formats.readers import read_chunks
from pipeline.formats.salvage import MESSAGES, salvaged_csv
from pipeline.plan import ROW_NUMBER, Plan
from pipeline.plan_contract import Column, Rule, Source
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import good_rows, row_numbers

NUMBER = Column("n", "integer", required=True)
TEXT = Column("t", "string", required=True)
WORD = Column("w", "string", rules=(Rule("pattern", "^[a-z]+$"),))
OPTIONAL = Column("o", "integer")


def plan_of(*columns: Column, **source: Any) -> Plan:
    return Plan("things", "0" * 16, "1", Source("csv", **source), columns)


def strict(lines: list[str], header: list[str]) -> RawChunk:
    """Chunk of lines as a reader makes it that knows no quotes: a line with one is malformed."""
    good = {
        number: line.split(",")
        for number, line in enumerate(lines, 1)
        if '"' not in line and line.count(",") == len(header) - 1
    }
    columns = {name: [row[at] for row in good.values()] for at, name in enumerate(header)}
    batch = pa.RecordBatch.from_pydict(
        {
            **{name: pa.array(cells, TEXT_TYPE) for name, cells in columns.items()},
            ROW_NUMBER: pa.array(list(good), pa.int64()),
        }
    )
    broken = Violation(None, "cells", None, "")
    malformed = [
        Reject(number, (broken,), line, number + 1)
        for number, line in enumerate(lines, 1)
        if number not in good
    ]
    return RawChunk(batch, malformed)


def salvaged(data: str, plan: Plan, *, upto: int | None = None) -> list[RawChunk]:
    """What salvage makes of a file; the lines from `upto` on are a chunk of their own."""
    names, *lines = data.splitlines()
    header = names.split(",")
    whole = strict(lines, header)
    chunks = [whole] if upto is None else parts(whole, upto)
    return list(salvaged_csv(iter(chunks), header, ",", plan, is_cut=lambda: data[-1] != "\n"))


def parts(chunk: RawChunk, upto: int) -> list[RawChunk]:
    """The rows before a number, and the others."""
    masks = [
        compare(chunk.batch.column(ROW_NUMBER), upto) for compare in (pc.less, pc.greater_equal)
    ]
    first, second = (chunk.batch.filter(mask) for mask in masks)
    bad = chunk.malformed
    return [
        RawChunk(first, [one for one in bad if one.row_number < upto]),
        RawChunk(second, [one for one in bad if one.row_number >= upto]),
    ]


def rows(chunks: list[RawChunk]) -> dict[int, list[Any]]:
    return {row.pop("_row_number"): list(row.values()) for row in good_rows(chunks)}


def kinds(chunks: list[RawChunk]) -> list[tuple[int, str, Any, Any]]:
    return [
        (repair.row_number, repair.repair, repair.before, repair.after)
        for chunk in chunks
        for repair in chunk.repairs
    ]


@pytest.mark.parametrize(
    ("line", "cells", "kind", "after"),
    [
        ("1,a,,", ["1", "a"], "csv_empty_cells", "1,a"),
        ('1,"5" pipe"', ["1", '5" pipe'], "csv_quotes", '1,"5"" pipe"'),
        ('1,"5" pipe, 3" wide"', ["1", '5" pipe, 3" wide'], "csv_quotes", None),
        ('1,"say ""hi"" "you""', ["1", 'say "hi" "you"'], "csv_quotes", None),
        ('1,"abc" d', ["1", '"abc" d'], "csv_stray_quote", '1,"""abc"" d"'),
        ("1,Smith, John", ["1", "Smith, John"], "csv_delimiter", '1,"Smith, John"'),
        ("1,a,b,c", ["1", "a,b,c"], "csv_delimiter", '1,"a,b,c"'),
    ],
)
def test_a_row_that_can_be_meant_in_one_way_is_put_right(
    line: str, cells: list[str], kind: str, after: str | None
) -> None:
    chunks = salvaged(f"n,t\n7,x\n{line}\n8,y\n", plan_of(NUMBER, TEXT))

    assert rows(chunks) == {1: ["7", "x"], 2: cells, 3: ["8", "y"]}
    ((number, found, before, written),) = kinds(chunks)
    assert (number, found, before) == (2, kind, line)
    assert after in (None, written)


@pytest.mark.parametrize(
    "line",
    [
        "x,a,,",  # no way makes an integer of x
        "1,a,b,",  # both `b,` and `b` and an empty cell are no way for two columns
        '1,"a","b',
        "1",  # t is required
    ],
)
def test_a_row_that_fits_in_no_way_stays_rejected(line: str) -> None:
    plan = plan_of(NUMBER, replace(TEXT, rules=(Rule("pattern", "^[a-z]$"),)))

    chunks = salvaged(f"n,t\n7,x\n{line}\n8,y\n", plan)

    assert rows(chunks) == {1: ["7", "x"], 3: ["8", "y"]}
    assert [bad.raw for chunk in chunks for bad in chunk.malformed] == [line]
    assert kinds(chunks) == []


def test_a_row_that_fits_in_two_ways_stays_rejected() -> None:
    chunks = salvaged("t,o,u\na,1,b\na,b,2,c\na,b,c,d\n", plan_of(TEXT, OPTIONAL))

    assert rows(chunks) == {1: ["a", "1", "b"], 2: ["a,b", "2", "c"]}
    assert [bad.raw for chunk in chunks for bad in chunk.malformed] == ["a,b,c,d"]

    chunks = salvaged("t,u\na,b\nc,d,e\n", plan_of(TEXT))

    assert row_numbers(chunks) == [1, 2]
    assert kinds(chunks) == []


def test_quoted_cells_are_joined_with_none() -> None:
    chunks = salvaged('n,t,w\n1,x,y\n2,a,"b",c\n3,a,b,"c"\n', plan_of(NUMBER, TEXT, WORD))

    assert rows(chunks) == {1: ["1", "x", "y"], 3: ["3", "a,b", "c"]}


def test_cells_that_are_missing_at_the_end_have_no_value() -> None:
    chunks = salvaged("n,w,o\n1,a,2\n2\n3,b\n4,c,3\n5", plan_of(NUMBER, WORD, OPTIONAL))

    assert rows(chunks) == {
        1: ["1", "a", "2"],
        2: ["2", None, None],
        3: ["3", "b", None],
        4: ["4", "c", "3"],
    }
    assert [bad.row_number for chunk in chunks for bad in chunk.malformed] == [5]


def test_a_last_line_that_has_its_end_is_whole() -> None:
    assert rows(salvaged("n,o\n1,2\n3\n", plan_of(NUMBER, OPTIONAL))) == {
        1: ["1", "2"],
        2: ["3", None],
    }


def test_two_halves_of_a_row_are_not_filled_up() -> None:
    chunks = salvaged("n,t,o\n1,a,2\n2,b\n3,4\n5,c,6\n", plan_of(NUMBER, TEXT, OPTIONAL))

    assert row_numbers(chunks) == [1, 2, 3, 4]
    assert sorted(rows(chunks)) == [1, 4]


def test_a_file_of_nothing_else_is_put_right() -> None:
    chunks = salvaged("n,t\n1,a,\n2,b,\n3,c,\n", plan_of(NUMBER, TEXT))

    assert rows(chunks) == {1: ["1", "a"], 2: ["2", "b"], 3: ["3", "c"]}
    assert {kind for _, kind, _, _ in kinds(chunks)} == {"csv_empty_cells"}


def test_many_quotes_are_left_alone() -> None:
    line = "1," + '"" "' * 100

    chunks = salvaged(f"n,t\n{line}\n2,x\n", plan_of(NUMBER, TEXT))

    assert kinds(chunks) == []
    assert row_numbers(chunks)[:1] == [1]


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_kind_is_described(kind: str) -> None:
    from pipeline.formats import salvage

    assert f"\n{kind}\n" in (salvage.__doc__ or "")


def chunks_of_one(chunks: list[RawChunk]) -> tuple[Any, ...]:
    return rows(chunks), kinds(chunks)


CELL = st.text(st.sampled_from('a1," '), max_size=6)
LINES = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 9).map(str), st.sampled_from("abc"), st.sampled_from("12")).map(
            ",".join
        ),
        st.lists(CELL, max_size=5).map(",".join),
    ),
    min_size=1,
    max_size=12,
)


@given(LINES, st.integers(0, 14))
def test_salvage_changes_no_good_row_loses_none_and_makes_only_rows_that_fit(
    lines: list[str], upto: int
) -> None:
    header = ["n", "w", "o"]
    plan = plan_of(NUMBER, WORD, OPTIONAL)

    chunks = salvaged("\n".join([",".join(header), *lines, "9,b,2"]), plan, upto=upto)

    assert row_numbers(chunks) == list(range(1, len(lines) + 2))
    assert chunks_of_one(chunks) == chunks_of_one(
        salvaged("\n".join([",".join(header), *lines, "9,b,2"]), plan)
    )
    made, kept = rows(chunks), rows([strict(lines, header)])
    kept[len(lines) + 1] = ["9", "b", "2"]
    assert {number: made[number] for number in kept} == kept
    repaired = {number for number, *_ in kinds(chunks)}
    assert repaired == set(made) - set(kept)
    state = ValidateState(plan)
    rejected = {
        reject.row_number
        for chunk in chunks
        for reject in validate.arrow(chunk.batch, plan, state).rejects
    }
    assert not rejected & repaired


def read(data: str, *, salvage: bool) -> list[RawChunk]:
    plan = replace(plan_of(NUMBER, WORD, OPTIONAL), drift=Drift(salvage=salvage))
    return list(read_chunks(io.BytesIO(data.encode()), plan))


@given(LINES)
def test_the_readers_good_rows_stay_and_none_is_lost(lines: list[str]) -> None:
    data = "\n".join(["n,w,o", "0,a,1", *lines, "9,b,2", ""])
    strict = read(data, salvage=False)

    chunks = read(data, salvage=True)

    assert row_numbers(chunks) == row_numbers(strict)
    made, kept = rows(chunks), rows(strict)
    assert {number: made[number] for number in kept} == kept
    texts = {bad.row_number: (bad.raw, bad.line) for chunk in strict for bad in chunk.malformed}
    found = {one.row_number: (one.before, one.line) for chunk in chunks for one in chunk.repairs}
    assert found == {number: texts[number] for number in set(made) - set(kept)}
