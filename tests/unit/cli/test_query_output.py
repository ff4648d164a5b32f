from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.output import print_json
from cli.query import Answer
from cli.query_output import answer_table, json_rows, write_csv

AT = dt.datetime(2013, 1, 1, 10, tzinfo=dt.UTC)


def answer(columns: str, *rows: tuple[Any, ...], numeric: tuple[bool, ...] = ()) -> Answer:
    names = tuple(columns.split())
    return Answer(names, numeric or (False,) * len(names), list(rows), cut=False)


def shown(found: Answer, width: int = 80) -> list[str]:
    table, _ = answer_table(found, width)
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_numbers_stand_to_the_right_and_null_is_shown() -> None:
    found = answer("carrier n", ("UA", 7), (None, 1234), ("", None), numeric=(False, True))

    assert shown(found) == [
        "carrier     n",
        "UA          7",
        "NULL     1234",
        "         NULL",
    ]


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    assert shown(answer("[bold]", ("[red]x[/red]",))) == ["[bold]", "[red]x[/red]"]


def test_a_long_value_is_cut_and_a_value_of_several_lines_is_one() -> None:
    found = answer("x", ("a" * 100,), ("b\nc",))
    assert shown(found)[1:] == ["a" * 39 + "…", "b c"]


def test_columns_that_find_no_room_are_counted() -> None:
    found = answer("aaaaaaaa bbbbbbbb cccccccc", ("1", "2", "3"))

    _, hidden = answer_table(found, 20)

    assert hidden == 1
    assert shown(found, 20) == ["aaaaaaaa  bbbbbbbb", "1         2"]
    assert answer_table(found, 3)[1] == 2  # the first is there, however narrow the terminal


def test_json_has_numbers_as_numbers_and_all_else_as_text() -> None:
    row = (1, 2.5, Decimal("1.50"), AT, AT.date(), True, None, float("nan"), b"\xff", [AT, 1])
    found = answer("a b c d e f g h i j", row)

    assert json_rows(found) == [
        {
            "a": 1,
            "b": 2.5,
            "c": "1.50",
            "d": "2013-01-01T10:00:00+00:00",
            "e": "2013-01-01",
            "f": True,
            "g": None,
            "h": None,
            "i": "ff",
            "j": ["2013-01-01T10:00:00+00:00", 1],
        }
    ]


def test_two_columns_of_one_name_are_both_there() -> None:
    assert json_rows(answer("month month", (1, 2))) == [{"month": 1, "month_2": 2}]


VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(dt.UTC)),
)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=5))
def test_every_answer_is_a_document(rows: list[tuple[Any, ...]]) -> None:
    found = answer("a b", *rows)
    text = json.dumps(json_rows(found), allow_nan=False)
    assert len(json.loads(text)) == len(rows)


@given(rows=st.lists(st.tuples(st.text(st.characters(exclude_characters="\0\r")), st.integers())))
def test_csv_is_read_as_it_was_written(rows: list[tuple[str, int]]) -> None:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        write_csv(answer("a b", *rows))

    assert list(csv.reader(io.StringIO(out.getvalue()))) == [
        ["a", "b"],
        *([text, str(number)] for text, number in rows),
    ]


def test_csv_has_nothing_for_null(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(answer("a b c", (None, 1.5, True)))
    assert capsys.readouterr().out == "a,b,c\n,1.5,true\n"


def test_json_is_one_document_without_rows_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(json_rows(answer("a")))
    assert json.loads(capsys.readouterr().out) == []
