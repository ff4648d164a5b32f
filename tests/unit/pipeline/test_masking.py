from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import Reject, Repair, Violation
from pipeline.masking import (
    MASK,
    cause,
    masked_names,
    masked_rejects,
    masked_repairs,
    shown,
    shown_row,
    told,
)
from pipeline.plan import Plan
from pipeline.plan_contract import Column, Source
from pipeline.plan_steps import Clean, Step

COLUMNS = (
    Column("mail", "string", masked=True, source="E-Mail"),
    Column("city", "string"),
    Column("n", "integer"),
)
PLAN = Plan("d", "0", "1", Source("csv"), COLUMNS)
OPEN = Plan("d", "0", "1", Source("csv"), COLUMNS[1:])


def plan_with(*steps: Step, clean: Clean | None = None, made: tuple[str, ...] = ()) -> Plan:
    return Plan(
        "d",
        "0",
        "1",
        Source("csv"),
        COLUMNS,
        clean=clean or Clean(),
        transform=steps,
        schemas={"transform": dict.fromkeys(made, "string")},
    )


def test_a_masked_column_is_known_by_both_its_names() -> None:
    assert masked_names(PLAN) == {"mail", "E-Mail"}
    assert masked_names(OPEN) == set()


@pytest.mark.parametrize(
    ("step", "made"),
    [
        (Step("rename", {"mail": "address", "n": "m"}), {"address"}),
        (Step("derive", {"columns": {"a": 'lower("MAIL")', "b": "n + 1"}, "inputs": []}), {"a"}),
        (Step("derive", {"columns": {"a": "mail", "b": "a || 'x'"}, "inputs": []}), {"a", "b"}),
        (Step("derive", {"columns": {"a": "emails + n"}, "inputs": []}), set()),
        (Step("split", {"column": "mail", "by": "@", "into": ["u", "h"]}), {"u", "h"}),
        (Step("split", {"column": "city", "by": "-", "into": ["u", "h"]}), set()),
        (
            Step("unpivot", {"columns": ["city", "mail"], "name": "k", "value": "v"}),
            {"v"},
        ),
        (Step("filter", {"where": "mail is null", "inputs": ["mail"]}), set()),
    ],
)
def test_what_a_step_makes_of_a_masked_column_is_masked(step: Step, made: set[str]) -> None:
    assert masked_names(plan_with(step)) == {"mail", "E-Mail", *made}


def test_nobody_knows_what_python_puts_into_a_new_column() -> None:
    plan = plan_with(Step("python", "f"), made=("mail", "city", "n", "new"))

    assert masked_names(plan) == {"mail", "E-Mail", "new"}


def test_a_column_that_is_filled_through_another_one_is_masked_in_any_order() -> None:
    clean = Clean(
        columns={
            "n": (Step("fill", {"column": "city"}),),
            "city": (Step("fill", {"column": "mail"}),),
        }
    )

    assert masked_names(plan_with(clean=clean)) == {"mail", "E-Mail", "city", "n"}


def test_a_column_that_is_filled_from_a_masked_one_is_masked() -> None:
    clean = Clean(columns={"city": (Step("fill", {"column": "mail"}),), "n": (Step("fill", 1),)})

    assert masked_names(plan_with(clean=clean)) == {"mail", "E-Mail", "city"}


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        ("a@x", "mail", MASK),
        (None, "mail", None),
        ("Rome", "city", "Rome"),
        (["a@x", 1], "mail, n", MASK),
        ("a whole line", None, MASK),
    ],
)
def test_a_value_is_shown_or_masked(value: Any, column: str | None, expected: Any) -> None:
    assert shown(value, column, PLAN) == expected
    assert shown(value, column, OPEN) == value


def test_a_row_is_shown_without_its_masked_cells() -> None:
    assert shown_row({"E-Mail": "a@x", "n": "1", "mail": None}, PLAN) == {
        "E-Mail": MASK,
        "n": "1",
        "mail": None,
    }
    assert shown_row("a@x,1", PLAN) == MASK
    assert shown_row("a@x,1", OPEN) == "a@x,1"
    assert shown_row(None, PLAN) is None


def test_a_cell_around_a_masked_path_is_masked() -> None:
    plan = Plan(
        "d", "0", "1", Source("json"), (Column("m", "string", masked=True, source="who.mail"),)
    )

    assert shown_row({"who": {"mail": "a@x"}, "whose": 1}, plan) == {"who": MASK, "whose": 1}


def test_a_reject_shows_no_masked_value() -> None:
    reject = Reject(
        7,
        (
            Violation("mail", "pattern", "a@x", "must match ^b"),
            Violation("n", "type", "x", "must be of type integer"),
            Violation("city, mail", "unique", ["Rome", "a@x"], "stands in an earlier row"),
        ),
        {"E-Mail": "a@x", "city": "Rome", "n": "x"},
        line=8,
    )

    (masked,) = masked_rejects([reject], PLAN)

    assert [violation.value for violation in masked.violations] == [MASK, "x", ["Rome", MASK]]
    assert masked.raw == {"E-Mail": MASK, "city": "Rome", "n": "x"}
    assert (masked.row_number, masked.line) == (7, 8)
    assert masked_rejects([masked], PLAN) == [masked]
    assert masked_rejects([reject], OPEN) == [reject]


def test_a_row_that_could_not_be_taken_apart_keeps_its_figures() -> None:
    reject = Reject(7, (Violation(None, "cells", 3, "3 instead of 2"),), "a@x,1,2")

    (masked,) = masked_rejects([reject], PLAN)

    assert (masked.violations[0].value, masked.raw) == (3, MASK)


def test_a_repair_shows_no_masked_value() -> None:
    of_cell = Repair(1, "mail", "dependency", "a@x", None, "9 of 10 rows agree")
    of_row = Repair(1, None, "quotes", "a,b", "a b", "a quote was not doubled")
    of_city = Repair(1, "city", "dependency", "Roma", "Rome", "9 of 10 rows agree")

    assert masked_repairs([of_cell, of_row, of_city], PLAN) == [
        Repair(1, "mail", "dependency", MASK, None, "9 of 10 rows agree"),
        Repair(1, None, "quotes", MASK, MASK, "a quote was not doubled"),
        of_city,
    ]
    assert masked_repairs([of_row], OPEN) == [of_row]


def test_what_another_library_says_of_masked_values_is_left_out() -> None:
    error = ValueError("no number: 'a@x'")

    assert told(str(error), ["mail", "n"], PLAN) == (
        "its text is left out, since it may quote the masked column mail"
    )
    assert told(str(error), None, PLAN).endswith("the masked columns E-Mail, mail")
    assert told(str(error), ["n"], PLAN) == str(error)
    assert cause(error, ["mail"], PLAN) is None
    assert cause(error, ["n"], PLAN) is error
    assert cause(error, None, OPEN) is error


@given(st.dictionaries(st.sampled_from(["E-Mail", "mail", "city", "n"]), st.text(min_size=1)))
def test_no_text_of_a_masked_cell_is_left(row: dict[str, str]) -> None:
    reject = Reject(1, tuple(Violation(name, "r", row[name], "m") for name in row), row)

    (masked,) = masked_rejects([reject], PLAN)

    for name in {"E-Mail", "mail"} & row.keys():
        assert masked.raw[name] == MASK
        assert [v.value for v in masked.violations if v.column == name] == [MASK]
    assert {name: masked.raw[name] for name in row.keys() & {"city", "n"}} == {
        name: row[name] for name in row.keys() & {"city", "n"}
    }
