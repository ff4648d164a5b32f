from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extra_columns import extra_columns
from pipeline.plan import Plan
from pipeline.plan_contract import Column, Source
from pipeline.plan_steps import Drift
from tests.unit.pipeline.support import batch_with

PLAN = Plan(
    "d",
    "0",
    "1",
    Source("csv"),
    (Column("a", "string", source="A"),),
    drift=Drift(extra_column="keep"),
)


def test_what_no_column_claims_is_kept_as_an_object() -> None:
    batch = batch_with(A=["1", "2", "3"], b=["x", "", None], a=["é", 'say "no"', ""])

    kept = extra_columns(batch, PLAN)["_extra"].to_pylist()

    assert kept == ['{"b": "x", "a": "é"}', '{"a": "say \\"no\\""}', None]


def test_nothing_is_kept_unless_the_dataset_says_so() -> None:
    plan = Plan("d", "0", "1", Source("csv"), PLAN.columns)

    assert extra_columns(batch_with(A=["1"], b=["x"]), plan) == {}


def test_a_file_without_other_columns_has_none() -> None:
    assert extra_columns(batch_with(A=["1"]), PLAN)["_extra"].to_pylist() == [None]


def test_what_the_reader_made_of_them_is_taken_as_it_is() -> None:
    batch = batch_with(A=["1"], _extra=['{"b": {"c": 1}}'])

    assert extra_columns(batch, PLAN)["_extra"].to_pylist() == ['{"b": {"c": 1}}']


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_every_value_can_be_read_back(rows: list[tuple[str, str]]) -> None:
    first, second = ([row[at] for row in rows] for at in (0, 1))
    batch = batch_with(b=pa.array(first).dictionary_encode(), c=second)

    kept = extra_columns(batch, PLAN)["_extra"].to_pylist()

    assert [json.loads(text) if text else {} for text in kept] == [
        {name: value for name, value in zip("bc", row, strict=True) if value} for row in rows
    ]
