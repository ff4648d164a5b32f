from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest

from pipeline.errors import StepError
from pipeline.guard import is_out_of_memory
from pipeline.plan_contract import Column
from pipeline.sql import SqlSteps, quoted, sandbox
from tests.unit.pipeline.support import batch_with, plan_of

PLAN = plan_of({"n": "integer", "t": "string", "z": "integer"})
BATCH = batch_with(
    n=pa.array([1, 2, None]), t=pa.array(["a", "b", None]).dictionary_encode(), z=[0, 1, 2]
)


def evaluated(expressions: dict[str, str], inputs: list[str]) -> dict[str, list[object]]:
    made: dict[str, list[object]] = (
        SqlSteps(PLAN).evaluate(BATCH, expressions, inputs, "x").to_pydict()
    )
    return made


def test_expressions_are_evaluated_row_by_row() -> None:
    assert evaluated({"m": "n + 1", "u": "upper(t)"}, ["n", "t"]) == {
        "m": [2, 3, None],
        "u": ["A", "B", None],
    }


def test_later_expressions_may_use_earlier_names() -> None:
    assert evaluated({"m": "n * 10", "k": "m + 1"}, ["n"])["k"] == [11, 21, None]


def test_columns_with_strange_names_are_made() -> None:
    assert evaluated({'a "b" c': "n"}, ["n"]) == {'a "b" c': [1, 2, None]}
    assert quoted('a"b') == '"a""b"'


def test_moments_are_in_utc_whatever_the_machine_says() -> None:
    made = evaluated({"m": "make_timestamptz(2013, 1, 31, 12, 0, 0)"}, ["n"])

    assert made["m"][0] == dt.datetime(2013, 1, 31, 12, tzinfo=dt.UTC)


def test_a_failure_on_a_value_names_the_step_and_what_helps() -> None:
    with pytest.raises(StepError) as raised:
        SqlSteps(PLAN).evaluate(BATCH, {"m": "CAST(t AS INTEGER)"}, ["t"], "derive m")

    assert raised.value.step == "derive m"
    assert "derive m" in str(raised.value)
    assert "'a'" in str(raised.value)
    assert "TRY_CAST" in raised.value.remedy
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("step", "named"), [("derive {}", "derive k"), ("filter", "filter")])
def test_a_failure_names_the_first_row_and_the_first_expression_at_fault(
    step: str, named: str
) -> None:
    # GIVEN thousands of rows, two of which cannot be computed with
    text = ["1"] * 5000
    text[1234] = text[4321] = "x"
    batch = batch_with(t=text)

    with pytest.raises(StepError) as raised:
        SqlSteps(PLAN).evaluate(
            batch, {"m": "length(t)", "k": "CAST(t AS INTEGER)", "j": "k + 1"}, ["t"], step
        )

    assert str(raised.value).startswith(f"The step {named} failed at row 1,235: ")
    assert "'x'" in str(raised.value)


def test_a_failure_of_no_single_row_names_them_all() -> None:
    # GIVEN what looks at all rows at once, as no checked expression does
    many = "CASE WHEN count(*) > 1 THEN error('too many') END"

    with pytest.raises(StepError, match="on the batch from row 1 to 3, though on none"):
        SqlSteps(PLAN).evaluate(BATCH, {"m": many}, ["t"], "x")


def test_the_values_of_masked_columns_are_not_told() -> None:
    plan = replace(PLAN, columns=(Column("t", "string", masked=True), Column("z", "integer")))

    with pytest.raises(StepError) as raised:
        SqlSteps(plan).evaluate(BATCH, {"m": "CAST(t AS INTEGER)"}, ["t"], "derive {}")

    assert "'a'" not in str(raised.value)
    assert "row 1" in str(raised.value)
    assert "masked column t" in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_expression_that_outgrows_the_function_is_no_fault_of_the_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN a function of 128 MB
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    # WHEN an expression makes a text of more than that
    expression = "len(array_to_string(range(n * 0 + 30000000), 'abcdefgh'))"
    with pytest.raises(duckdb.OutOfMemoryException) as raised:
        SqlSteps(PLAN).evaluate(BATCH, {"m": expression}, ["n"], "derive m")
    # THEN the stage will say that it ran out of memory
    assert is_out_of_memory(raised.value)


def test_queries_are_kept_between_files_and_work_on_after_a_failure() -> None:
    # GIVEN one file's expressions, and another's
    steps, next_file = SqlSteps(PLAN), SqlSteps(PLAN)
    steps.evaluate(BATCH, {"m": "n"}, ["n"], "x")
    next_file.evaluate(BATCH, {"m": "n"}, ["n"], "x")
    assert next_file._queries is steps._queries

    # WHEN an expression fails
    with pytest.raises(StepError):
        steps.evaluate(BATCH, {"m": "nope"}, ["n"], "derive m")

    # THEN the file's others work on, and the next file has a connection of its own
    assert steps.evaluate(BATCH, {"m": "n"}, ["n"], "x").num_rows == 3
    assert SqlSteps(PLAN)._queries is not steps._queries


def test_a_kept_query_sees_the_rows_of_each_batch_whatever_their_number_or_encoding() -> None:
    # GIVEN
    steps = SqlSteps(PLAN)
    encoded = pa.array(["b", None, "b"]).dictionary_encode()
    batches = [
        batch_with(n=[1, 2, 3], t=pa.array(["a", None, "c"])),
        batch_with(n=pa.array([], pa.int64()), t=pa.array([], pa.string())),
        batch_with(n=[4, None, 6], t=encoded),
        batch_with(n=[7], t=pa.array(["d"])),
        batch_with(n=[4, None, 6], t=encoded).slice(1),
    ]

    # WHEN
    made = [
        steps.evaluate(batch, {"m": "n + 1", "u": "upper(t)"}, ["n", "t"], "x").to_pydict()
        for batch in batches
    ]

    # THEN
    assert made == [
        {"m": [2, 3, 4], "u": ["A", None, "C"]},
        {"m": [], "u": []},
        {"m": [5, None, 7], "u": ["B", None, "B"]},
        {"m": [8], "u": ["D"]},
        {"m": [None, 7], "u": [None, "B"]},
    ]


def test_kept_queries_do_not_mix_up_what_they_read() -> None:
    # GIVEN two queries of equal expressions on columns of different types, in turn
    steps = SqlSteps(PLAN)
    whole, halves = batch_with(n=[1, 2]), batch_with(n=[0.5, 1.5])

    made = [
        steps.evaluate(batch, {"m": "n + 1"}, ["n"], "x").column("m").to_pylist()
        for batch in (whole, halves, whole)
    ]

    assert made == [[2, 3], [1.5, 2.5], [2, 3]]


def test_a_kept_query_asks_anew_what_changes_from_time_to_time() -> None:
    steps = SqlSteps(PLAN)
    expressions = {"m": "epoch_us(now())", "r": "random()"}

    first, second = (steps.evaluate(BATCH, expressions, ["n"], "x").to_pydict() for _ in range(2))

    assert first["m"][0] < second["m"][0]
    assert set(first["r"]).isdisjoint(second["r"])


def test_an_expression_may_name_the_batch() -> None:
    expressions = {"m": "batch.n", "most": "(SELECT max(n) FROM batch)"}

    assert evaluated(expressions, ["n"]) == {"m": [1, 2, None], "most": [2, 2, 2]}


def test_each_thread_has_queries_of_its_own() -> None:
    def queries() -> object:
        return SqlSteps(PLAN)._queries

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(queries).result() is not queries()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO 'out.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET TimeZone = 'Asia/Tokyo'",
    ],
)
def test_the_sandbox_reaches_nothing_and_cannot_be_opened(statement: str) -> None:
    with pytest.raises(duckdb.Error):
        sandbox().execute(statement)
