"""Profiles of columns: counts of all rows against Python's own, and nothing of masked values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.masking import hidden_columns
from pipeline.plan import EXTRA, Plan
from pipeline.plan_contract import Column, Source
from pipeline.plan_steps import Enrich, Lookup, Step
from pipeline.profile_columns import ColumnProfiles, logical_type
from pipeline.typed_columns import typed_column
from tests.unit.pipeline.support import plan_of

CELLS = st.lists(st.sampled_from(["", "NA", "-", "7", "-12", "1e3", "late"]), max_size=40)
WORDS = ("", "NA", "-")
BY_MAIL = Lookup("people", {"mail": "mail"}, {"age": "age"})
BY_AGE = Lookup("ages", {"age": "age"}, {"group": "group"})
BY_CITY = Lookup("cities", {"city": "city"}, {"state": "state"})
COLUMNS = (Column("mail", "string", masked=True, source="E-Mail"), Column("city", "string"))


def plan_with(*steps: Step, lookups: tuple[Lookup, ...] = (), **schemas: Any) -> Plan:
    return Plan(
        "d",
        "0",
        "1",
        Source("csv"),
        COLUMNS,
        transform=steps,
        enrich=Enrich(lookups),
        schemas=schemas,
    )


def profiled(plan: Plan, *batches: pa.RecordBatch) -> dict[str, Any]:
    """The contract's profile of some raw batches, by column."""
    columns = ColumnProfiles()
    for batch in batches:
        typed = {column.name: typed_column(batch, column, plan) for column in plan.columns}
        columns.add_typed(typed, batch.num_rows)
    return {column["name"]: column for column in columns.of_contract(plan)["columns"]}


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("required", [False, True])
@given(first=CELLS, second=CELLS)
def test_rows_without_a_value_and_unreadable_ones_are_counted(
    encoded: bool, required: bool, first: list[str], second: list[str]
) -> None:
    plan = plan_of({"n": "integer"}, missing_values=WORDS)
    plan = replace(plan, columns=(replace(plan.columns[0], required=required),))
    batches = []
    for cells in (first, second):
        column = pa.array(cells, pa.string())
        column = column.dictionary_encode() if encoded else column
        batches.append(pa.record_batch({"n": column}))

    found = profiled(plan, *batches)["n"]

    cells = [*first, *second]
    assert found["nulls"] == sum(cell in WORDS for cell in cells)
    assert found["unreadable"] == sum(cell in ("1e3", "late") for cell in cells)
    assert found["sample"]["values"] == sum(cell in ("7", "-12") for cell in cells)


@pytest.mark.parametrize("words", [1, 3, 9])
def test_many_words_for_no_value_are_counted(words: int) -> None:
    missing = tuple(f"none{at}" for at in range(words))
    cells = [*missing, "x", "y"] * 20
    plan = plan_of({"t": "string"}, missing_values=missing)

    batch = pa.record_batch({"t": pa.array([*cells, None]).dictionary_encode()})

    assert profiled(plan, batch)["t"]["nulls"] == 20 * words + 1


def test_rows_of_the_output_without_a_value_are_counted() -> None:
    plan = plan_with(enrich={"city": "string", "n": "int64"})
    columns = ColumnProfiles()
    for _ in range(2):
        city = pa.array(["Ulm", None, "Ulm"]).dictionary_encode()
        columns.add_batch(pa.record_batch({"city": city, "n": pa.array([1, None, None])}))

    found = columns.of_output(plan)

    assert (found["rows"], found["sampled_rows"]) == (6, 6)
    assert [(each["name"], each["nulls"]) for each in found["columns"]] == [("city", 2), ("n", 4)]
    assert found["columns"][0]["sample"]["top"] == [["Ulm", 4]]


SECRETS = st.text(st.sampled_from("0123456789abcdef"), min_size=8, max_size=12).map("§{}".format)


@given(st.lists(SECRETS, min_size=1, max_size=30))
def test_no_masked_value_is_in_a_profile(secrets: list[str]) -> None:
    derive = Step("derive", {"columns": {"user": "lower(mail)"}, "inputs": ["mail"]})
    names = ("mail", "city", "user", "age", "group", EXTRA)
    plan = plan_with(
        derive, lookups=(BY_MAIL, BY_AGE), enrich=dict.fromkeys(names, "string"), transform={}
    )
    column = pa.array(secrets)
    city = pa.array(["Ulm"] * len(secrets))
    written = ColumnProfiles()
    written.add_batch(pa.record_batch({name: city if name == "city" else column for name in names}))

    read = profiled(plan, pa.record_batch({"E-Mail": column, "city": city}))
    output = written.of_output(plan)

    assert "§" not in json.dumps([read, output], ensure_ascii=False)
    assert read["city"]["sample"]["top"] == [["Ulm", len(secrets)]]


@pytest.mark.parametrize(
    ("plan", "hidden"),
    [
        (plan_with(), {"mail", "E-Mail", EXTRA}),
        (plan_with(lookups=(BY_MAIL, BY_AGE, BY_CITY)), {"mail", "age", "group"}),
        (plan_with(Step("rename", {"mail": "address"})), {"address"}),
        (plan_with(Step("python", "tidy"), transform={"city": "string"}), {"city"}),
        (plan_with(lookups=(BY_MAIL,), transform={"city": "string"}), {"mail"}),
    ],
)
def test_what_is_made_of_masked_columns_is_hidden(plan: Plan, hidden: set[str]) -> None:
    found = hidden_columns(plan)
    assert all(map(found.hide, hidden))
    assert not found.hide("state")
    assert found.hide("city") is ("city" in hidden)


@pytest.mark.parametrize(("lookup", "is_hidden"), [(BY_MAIL, True), (BY_CITY, False)])
def test_keys_of_masked_lookups_are_hidden(lookup: Lookup, is_hidden: bool) -> None:
    assert hidden_columns(plan_with(lookups=(BY_MAIL, BY_CITY))).hide_lookup(lookup) is is_hidden


def test_without_masked_columns_nothing_is_hidden() -> None:
    plan = replace(plan_with(Step("python", "tidy"), transform={"city": ""}), columns=COLUMNS[1:])
    assert hidden_columns(plan).names == frozenset()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (pa.uint8(), "integer"),
        (pa.float32(), "number"),
        (pa.decimal128(5, 2), "number"),
        (pa.timestamp("ns"), "timestamp"),
        (pa.time64("us"), "time"),
        (pa.date32(), "date"),
        (pa.bool_(), "boolean"),
        (pa.string(), "string"),
        (pa.binary(), "binary"),
    ],
)
def test_types_have_the_contracts_names(kind: pa.DataType, name: str) -> None:
    assert logical_type(kind) == name
