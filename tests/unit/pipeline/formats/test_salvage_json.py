from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import MalformedJsonError, NoRowsError
from pipeline.formats import RawChunk, salvage_json
from pipeline.formats.readers import read_chunks
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import good_rows, plan_of, row_numbers

if TYPE_CHECKING:
    from pipeline.findings import Repair

COLUMNS = {"i": "integer", "s": "string", "b": "boolean"}


def read(data: str, *, salvage: bool = True, declared: str = "json") -> list[RawChunk]:
    plan = replace(plan_of(COLUMNS, format=declared), drift=Drift(salvage=salvage))
    return list(read_chunks(io.BytesIO(data.encode()), plan, key="data.json"))


def rows(chunks: list[RawChunk]) -> dict[int, Any]:
    """Rows as they are written in the file (or would be), by number."""
    return {
        number: chunk.raw_of(number)
        for chunk in chunks
        if chunk.raw_of
        for number in chunk.batch.column("_row_number").to_pylist()
    }


def repairs(chunks: list[RawChunk]) -> list[Repair]:
    return [repair for chunk in chunks for repair in chunk.repairs]


@pytest.mark.parametrize(
    ("line", "meant", "kinds"),
    [
        ('{"i": 1,}', [{"i": 1}], ["json_comma"]),
        ('{"i": 1},', [{"i": 1}], ["json_comma"]),
        ('{"i": 1, "x": [1, 2,] }', [{"i": 1, "x": [1, 2]}], ["json_comma"]),
        ('{"s": ",}", "i": 2,}', [{"s": ",}", "i": 2}], ["json_comma"]),
        ('{"b": True, "i": None}', [{"b": True, "i": None}], ["json_word"]),
        ('{"s": "None", "b": False}', [{"s": "None", "b": False}], ["json_word"]),
        ('{"i": 1}{"i": 2}', [{"i": 1}, {"i": 2}], ["json_objects"] * 2),
        ('{"i": 1}, {"i": 2,}', [{"i": 1}, {"i": 2}], ["json_objects", "json_comma"] * 1),
    ],
)
def test_a_line_that_can_be_meant_in_one_way_is_put_right(
    line: str, meant: list[Any], kinds: list[str]
) -> None:
    chunks = read(f'{{"i": 0}}\n{line}\n{{"i": 9}}\n')

    assert list(rows(chunks).values()) == [{"i": 0}, *meant, {"i": 9}]
    found = repairs(chunks)
    assert {one.repair for one in found} == set(kinds)
    assert {(one.line, one.before) for one in found} == {(2, line)}
    assert [json.loads(one.after) for one in found if one.repair == kinds[0]] == [
        row for row in meant if len(meant) == 1 or kinds[0] == "json_objects"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "{'i': 1}",
        "{i: 1}",
        '{"i": 1',
        '{"i": }',
        '{"i": 1,,}',
        "{,}",
        "[1,]",
        "5 6",
        '{"i": 1} x',
        '{"s": "a\\ud800",}',
    ],
)
def test_a_line_that_may_mean_anything_stays_rejected(line: str) -> None:
    chunks = read(f'{{"i": 0}}\n{line}\n')

    assert [bad.raw for chunk in chunks for bad in chunk.malformed] == [line]
    assert repairs(chunks) == []


def test_several_objects_in_a_line_stay_rejected_where_the_contract_says_csv() -> None:
    data = '{"i": 0}\n{"i": 1}{"i": 2}\n'

    chunks = read(data, declared="csv")

    assert [bad.row_number for chunk in chunks for bad in chunk.malformed] == [2]


def test_nan_is_no_value() -> None:
    chunks = read('{"i": NaN, "s": "NaN"}\n{"i": Infinity}\n')

    assert [(row["i"], row["s"]) for row in good_rows(chunks)] == [
        (None, "NaN"),
        ("Infinity", None),
    ]
    assert [(one.row_number, one.column, one.before, one.after) for one in repairs(chunks)] == [
        (1, "i", "NaN", None)
    ]


@pytest.mark.parametrize(
    ("data", "kinds", "line"),
    [
        ('[{"i": 1},\n{"i": 2}\n', ["json_bracket"], 3),
        ('[{"i": 1},\n{"i": 2},]', ["json_comma"], 2),
        ('[{"i": 1},\n{"i": 2},', ["json_comma", "json_bracket"], 2),
    ],
)
def test_the_end_of_an_array_is_put_right(data: str, kinds: list[str], line: int) -> None:
    chunks = read(data)

    assert row_numbers(chunks) == [1, 2]
    assert [one.repair for one in repairs(chunks)] == kinds
    assert {(one.row_number, one.line) for one in repairs(chunks)} == {(2, line)}


def test_elements_of_an_array_are_put_right() -> None:
    chunks = read('[{"i": 1,},\n{"b": True}]')

    assert list(rows(chunks).values()) == [{"i": 1}, {"b": True}]
    assert [(one.row_number, one.line) for one in repairs(chunks)] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("data", ['[{"i": 1}, {"i": ', '[{"i": 1} {"i": 2}]', '[{"i": 1}, nope]'])
def test_an_array_that_breaks_off_or_holds_something_else_is_refused(data: str) -> None:
    with pytest.raises(MalformedJsonError):
        read(data)


@pytest.mark.parametrize("kind", salvage_json.MESSAGES)
def test_every_kind_is_described(kind: str) -> None:
    assert f"\n{kind}\n" in (salvage_json.__doc__ or "")


OBJECTS = st.fixed_dictionaries(
    {"s": st.text(max_size=5), "i": st.integers(0, 9)}, optional={"x": st.lists(st.booleans())}
)
NOISE = st.sampled_from(['{"i": 1,}', '{"b": None}', "nonsense", '{"i": 1', "[1]", '{"s": "a",},'])


@given(st.lists(st.one_of(OBJECTS.map(json.dumps), NOISE), min_size=1, max_size=12))
def test_salvage_changes_no_good_row_and_loses_none(lines: list[str]) -> None:
    data = "\n".join(['{"i": 0}', *lines])
    strict = read(data, salvage=False)

    chunks = read(data)

    assert row_numbers(chunks) == row_numbers(strict)
    made, kept = rows(chunks), rows(strict)
    assert {number: made[number] for number in kept} == kept
    assert {one.row_number for one in repairs(chunks)} == set(made) - set(kept)


@pytest.mark.parametrize("data", ["[,]", "[]"])
def test_nothing_is_made_of_nothing(data: str) -> None:
    with pytest.raises((MalformedJsonError, NoRowsError)):
        read(data)
