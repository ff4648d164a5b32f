"""Pages of rejected rows: where each begins, what a filter finds, how little is read."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.reading import rejected
from console.reading.cells import Cell, cell
from console.reading.rejected import Place, RejectedPage, Wanted, place_named, rejected_page


@dataclass
class FakeBodies:
    """Objects in memory, which count the bytes that are read of them."""

    objects: dict[str, bytes]
    read: int = 0
    opened: list[str] = field(default_factory=list)

    def get_object(self, **asked: Any) -> dict[str, Any]:
        self.opened.append(asked["Key"])
        first = int(asked["Range"].removeprefix("bytes=").rstrip("-"))
        return {"Body": Counting(self.objects[asked["Key"]][first:], self)}


class Counting(io.BytesIO):
    def __init__(self, body: bytes, counts: FakeBodies) -> None:
        super().__init__(body)
        self._counts = counts

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._counts.read += len(found)
        return found


def record(row: int, *broken: tuple[str | None, str], **raw: Any) -> dict[str, Any]:
    violations = [
        {"column": column, "rule": rule, "value": "x", "message": "no"} for column, rule in broken
    ]
    return {"row_number": row, "line": row + 1, "violations": violations, "raw": raw}


def bodies(**stages: list[Any]) -> tuple[FakeBodies, list[str]]:
    texts = {
        f"{stage}.jsonl": "".join(f"{json.dumps(one)}\n" for one in records).encode()
        for stage, records in stages.items()
    }
    return FakeBodies(texts), [f"s3://b/{name}" for name in texts]


def numbers(page: RejectedPage) -> list[int | None]:
    return [row.number for row in page.rows]


ROWS = [record(n, ("month" if n % 3 else "origin", "maximum"), month=n) for n in range(1, 8)]


@settings(deadline=None)  # the first example loads Arrow
@given(st.integers(1, 9))
def test_pages_follow_each_other_through_all_files(limit: int) -> None:
    s3, addresses = bodies(validate=ROWS, enrich=[record(9, (None, "lookup"))])
    found, start = [], Place()
    for _ in range(20):
        page = rejected_page(s3, addresses, Wanted(), start=start, limit=limit)
        found += numbers(page)
        assert len(page.rows) <= limit
        if page.following is None:
            break
        start = page.following
    assert found == [1, 2, 3, 4, 5, 6, 7, 9]


def test_a_page_far_inside_is_read_from_there() -> None:
    s3, addresses = bodies(validate=[record(n, ("a", "r"), a="y" * 1000) for n in range(3000)])
    first = rejected_page(s3, addresses, Wanted(), limit=10)
    assert s3.read < 600_000  # of more than 3 MB
    place = first.following
    assert place is not None
    assert numbers(rejected_page(s3, addresses, Wanted(), start=place, limit=1)) == [10]


def test_a_place_inside_of_a_row_begins_with_the_next() -> None:
    s3, addresses = bodies(validate=ROWS)
    page = rejected_page(s3, addresses, Wanted(), start=Place(0, 5))
    assert numbers(page) == [2, 3, 4, 5, 6, 7]
    assert page.unreadable == 0


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(column="origin"), [3, 6]),
        (Wanted(column="month", rule="maximum"), [1, 2, 4, 5, 7]),
        (Wanted(column="month", rule="type"), []),
        (Wanted(column=""), [9]),
        (Wanted(stage="enrich"), [9]),
        (Wanted(stage="write"), []),
    ],
)
def test_a_filter_finds_rows_by_any_of_their_violations(
    wanted: Wanted, expected: list[int]
) -> None:
    s3, addresses = bodies(validate=ROWS, enrich=[record(9, (None, "lookup"))])
    assert numbers(rejected_page(s3, addresses, wanted)) == expected


def test_a_violation_has_to_be_of_the_column_and_the_rule_at_once() -> None:
    s3, addresses = bodies(validate=[record(1, ("a", "type"), ("b", "maximum"))])
    assert numbers(rejected_page(s3, addresses, Wanted("a", "maximum"))) == []
    assert numbers(rejected_page(s3, addresses, Wanted("b", "maximum"))) == [1]


def test_a_filter_that_nothing_fits_ends_after_what_one_request_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rejected, "MOST_READ", 5)
    s3, addresses = bodies(validate=ROWS)
    page = rejected_page(s3, addresses, Wanted(rule="none"))
    assert (page.rows, page.read, page.is_cut) == ((), 5, True)
    assert page.following is not None
    rest = rejected_page(s3, addresses, Wanted(), start=page.following)
    assert numbers(rest) == [6, 7]


def test_lines_that_are_no_records_are_counted_and_passed_over() -> None:
    s3 = FakeBodies(
        {"validate.jsonl": b'[1]\nnonsense\n{"row_number": "x", "raw": null}\n\xff\n{}'}
    )
    page = rejected_page(s3, ["s3://b/validate.jsonl"], Wanted())
    assert page.unreadable == 3
    assert numbers(page) == [None, None]
    assert page.rows[0].line_text == Cell("null", "null")


def test_the_cells_that_violations_are_about_are_marked_under_the_files_name() -> None:
    raw = {"Month": "13", "origin": "EWR", "address": {"zip": "x"}}
    row = record(1, ("month", "maximum"), ("address.zip", "pattern"), **raw)
    s3, addresses = bodies(validate=[row])
    [found] = rejected_page(s3, addresses, Wanted(), sources={"month": "Month"}).rows
    assert [one.name for one in found.cells if one.is_bad] == ["Month", "address"]


def test_of_a_wide_row_the_first_cells_are_shown_and_those_complained_of() -> None:
    raw = {f"c{n}": n for n in range(500)}
    s3, addresses = bodies(validate=[record(1, ("c499", "maximum"), **raw)])
    [found] = rejected_page(s3, addresses, Wanted()).rows
    assert [one.name for one in found.cells] == [f"c{n}" for n in (*range(40), 499)]
    assert found.hidden == 459
    [alone] = rejected_page(s3, addresses, Wanted(), limit=1).rows
    assert (len(alone.cells), alone.hidden) == (500, 0)


@given(st.integers(0, 99), st.integers(0, 10**15 - 1))
def test_a_place_is_found_again_by_its_name(file: int, offset: int) -> None:
    assert place_named(str(Place(file, offset))) == Place(file, offset)


@pytest.mark.parametrize("text", ["", "1", "a.b", "-1.0", "0.5_0.7", "0." + "9" * 99])
def test_what_names_no_place_is_none(text: str) -> None:
    assert place_named(text) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, Cell("null", "null")),
        ("***", Cell("***", "masked")),
        ("EWR", Cell("EWR")),
        ("", Cell('""', "quoted")),
        (" 12", Cell('" 12"', "quoted")),
        ("a\tb\u00a0", Cell('"a\\tb\\u00a0"', "quoted")),
        (13, Cell("13", "number")),
        (True, Cell("true", "json")),
        ({"ä": [1]}, Cell('{"ä": [1]}', "json")),
        ("x" * 1000, Cell("x" * 160, "text", 840)),
    ],
)
def test_values_show_what_would_not_be_seen(value: Any, shown: Cell) -> None:
    assert cell(value) == shown


@settings(deadline=None)
@given(st.text())
def test_a_shown_text_has_no_characters_that_cannot_be_seen(text: str) -> None:
    assert cell(text).text.isprintable()
