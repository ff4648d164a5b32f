"""Rejects by column against the same rows one by one: the same `Reject`s, the same bytes."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import Findings, Reject, Violation, rule_counts
from pipeline.masking import masked_rejects
from pipeline.plan import Plan
from pipeline.plan_contract import Column, Source
from pipeline.record_text import json_texts, lines_of, record_lines, text_of
from pipeline.rejected_rows import RejectedRows, rejected_rows
from pipeline.rules import Reason, json_ready, spoken

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", '"', "\\", "a\nb", "\x00", "\x1f", "\x7f", "\u2028", "é", "😀", "NA"]
)
CELLS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), TEXTS),
    "few": (pa.string(), st.sampled_from(["a", 'b"', "ü"])),
    "whole": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "real": (pa.float64(), st.floats()),
    "flag": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates()),
    "moment": (
        pa.timestamp("us", "UTC"),
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)),
    ),
    "money": (pa.decimal128(9, 2), st.decimals(-1000, 1000, places=2)),
    'na"me é': (pa.null(), st.none()),
}
ENCODED = {"few"}
RULES = (
    (("text",), Reason.PATTERN, '^"[a-z]'),
    (("whole",), Reason.MINIMUM, 3),
    (("whole",), Reason.MINIMUM, 4),
    (("text", "real"), Reason.UNIQUE, "text, real"),
    (('na"me é',), Reason.REQUIRED, None),
    (("moment",), Reason.TYPE, "timestamp"),
)
MASKING = Plan(
    "d",
    "0",
    "1",
    Source("csv"),
    tuple(Column(name, "string", masked=name in ("text", "moment", "real")) for name in CELLS),
)


class Rows(NamedTuple):
    """Rows as Python has them, and which of them break which of the rules."""

    cells: list[dict[str, Any]]
    broken: list[list[bool]]


@st.composite
def some_rows(draw: st.DrawFn) -> Rows:
    cells = st.fixed_dictionaries({name: st.none() | of for name, (_, of) in CELLS.items()})
    rows = draw(st.lists(cells, min_size=1, max_size=8))
    masks = st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))
    broken = draw(st.lists(masks, min_size=len(RULES), max_size=len(RULES)))
    broken[0][draw(st.integers(0, len(rows) - 1))] = True
    return Rows(rows, broken)


def by_row(rows: Rows) -> list[Reject]:
    """The rejects, made in the plainest way."""
    found = []
    for at, cells in enumerate(rows.cells):
        plain = {name: json_ready(cells[name]) for name in CELLS}
        violations = [
            Violation(
                ", ".join(names),
                str(rule),
                plain[names[0]] if len(names) == 1 else [plain[name] for name in names],
                spoken(rule, argument),
            )
            for (names, rule, argument), mask in zip(RULES, rows.broken, strict=True)
            if mask[at]
        ]
        if violations:
            found.append(Reject(at + 11, tuple(violations), plain))
    return found


def by_column(rows: Rows) -> RejectedRows:
    columns = {
        name: pa.array([row[name] for row in rows.cells], kind) for name, (kind, _) in CELLS.items()
    }
    columns |= {name: columns[name].dictionary_encode() for name in ENCODED}
    findings = Findings()
    for (names, rule, argument), mask in zip(RULES, rows.broken, strict=True):
        findings.add(names, rule, argument, pa.array(mask))
    numbers = pa.array(range(11, 11 + len(rows.cells)), pa.int64())
    return rejected_rows(findings, numbers, columns, columns)


def text(records: list[Reject]) -> str:
    return "".join(f"{json.dumps(one.to_json(), ensure_ascii=False)}\n" for one in records)


def written(rejects: RejectedRows) -> str:
    return bytes(text_of(record_lines(rejects))).decode()


@given(some_rows())
def test_rejects_by_column_are_those_by_row(rows: Rows) -> None:
    rejects = by_column(rows)

    assert list(rejects) == by_row(rows)
    assert written(rejects) == text(by_row(rows))
    assert rejects.rule_counts() == rule_counts(by_row(rows))


@given(some_rows())
def test_lines_of_the_file_are_written_down(rows: Rows) -> None:
    rejects = by_column(rows).with_lines(lambda number: 2 * number)

    assert [one.line for one in rejects] == [2 * one.row_number for one in rejects]
    assert written(rejects) == text(list(rejects))


@given(some_rows())
def test_masked_values_are_masked_by_column_as_by_row(rows: Rows) -> None:
    masked = masked_rejects(by_column(rows), MASKING)

    assert isinstance(masked, RejectedRows)
    assert list(masked) == masked_rejects(by_row(rows), MASKING)
    assert written(masked) == text(list(masked))


@given(some_rows())
def test_rows_of_json_stand_as_the_file_has_them(rows: Rows) -> None:
    # GIVEN a file whose rows have the name `Text` for the column `text`, if it has a value
    file = {
        at + 11: {"Text": [row["text"]]} if row["text"] else {"more": {"n": at}}
        for at, row in enumerate(rows.cells)
    }

    # WHEN
    rejects = by_column(rows).with_raw(file.__getitem__, {"text": "Text", "whole": "whole"})

    # THEN
    assert [one.raw for one in rejects] == [file[one.row_number] for one in rejects]
    for one, before in zip(rejects, by_row(rows), strict=True):
        for violation, was in zip(one.violations, before.violations, strict=True):
            in_file = file[one.row_number].get("Text") if was.column == "text" else None
            assert violation == was._replace(value=in_file or was.value)
    assert written(rejects) == text(list(rejects))
    masked = masked_rejects(rejects, MASKING)
    assert list(masked) == masked_rejects(list(rejects), MASKING)


@given(st.lists(st.none() | TEXTS), st.booleans())
def test_texts_of_json_are_those_of_json_dumps(values: list[str | None], is_encoded: bool) -> None:
    column = pa.array([*values, *values, *values], pa.string())
    texts = json_texts(column.dictionary_encode() if is_encoded else column)

    assert texts.to_pylist() == [json.dumps(v, ensure_ascii=False) for v in [*values * 3]]


def test_only_part_of_the_lines_may_be_taken() -> None:
    violation = Violation("n", "minimum", "é", "must be at least 1")
    rejects = [Reject(number, (violation,), None) for number in (1, 2, 3)]

    assert bytes(text_of(lines_of(rejects))).decode() == text(rejects)
    assert bytes(text_of(lines_of([]))) == b""


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9])
def test_numbers_of_rejected_rows_are_where_the_mask_is(rows: int) -> None:
    mask = np.arange(rows + 1) % 2 == 0
    findings = Findings()
    findings.add(("n",), Reason.REQUIRED, None, pa.array(mask.tolist()))
    numbers = pa.array(range(rows + 1), pa.int64())

    rejects = rejected_rows(findings, numbers, {"n": numbers}, {})

    assert [one.row_number for one in rejects] == [n for n in range(rows + 1) if n % 2 == 0]
    assert [one.raw for one in rejects] == [{}] * len(rejects)
    assert written(rejects) == text(list(rejects))


def test_money_is_text_and_no_number_stays_none() -> None:
    """JSON has no decimals: their digits are kept as text."""
    assert json_texts(pa.array([Decimal("1.10"), None])).to_pylist() == ['"1.10"', "null"]
    assert json_texts(pa.array([1e20, float("nan"), 0.1])).to_pylist() == ["1e+20", "null", "0.1"]


def calls_of_writing(rows: int) -> int:
    """Python's calls, its own functions and others, that it takes to reject and write rows."""
    texts = pa.array([str(number) for number in range(rows)])
    findings = Findings()
    findings.add(("text",), Reason.PATTERN, "x", pa.array([True] * rows))
    findings.add(("text",), Reason.MIN_LENGTH, 9, pa.array([True] * rows))
    numbers = pa.array(range(rows), pa.int64())
    events: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _argument: events.update([event]))
    try:
        record_lines(rejected_rows(findings, numbers, {"text": texts}, {"text": texts}))
    finally:
        sys.setprofile(None)
    return events["call"] + events["c_call"]


def test_no_call_is_made_for_each_row() -> None:
    calls_of_writing(1)  # makes what is kept from batch to batch

    assert calls_of_writing(5_000) == calls_of_writing(50)
