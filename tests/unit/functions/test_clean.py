"""Clean: every step on its values, and repeated rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from functions.clean.core import CleanState, clean
from pipeline.arrow_types import TEXT
from pipeline.frames import batch_of

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf

COLUMNS = """
- {name: id, logicalType: integer}
- {name: name, logicalType: string}
- {name: city, logicalType: string}
- {name: price, logicalType: number}
"""


def orders(**columns: list[Any]) -> pd.DataFrame:
    """Validated orders: typed, None where a value is missing."""
    rows = len(next(iter(columns.values())))
    values = {"id": list(range(rows)), "name": [None], "city": [None], "price": [None]}
    types = {"id": pa.int64(), "name": pa.string(), "city": pa.string(), "price": pa.float64()}
    return pd.DataFrame(
        {
            name: pd.array(
                columns.get(name, value if len(value) == rows else value * rows),
                dtype=pd.ArrowDtype(types[name]),
            )
            for name, value in values.items()
        }
    )


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("trim", ["  Ann\t", "Bo b", " \u3000", None], ["Ann", "Bo b", "", pd.NA]),
        ("collapse", [" New \t York\n", "Rome", None], ["New York", "Rome", pd.NA]),
        ("upper", ["école", "Ål", None], ["ÉCOLE", "ÅL", pd.NA]),
        ("lower", ["ÅL", "McKay", None], ["ål", "mckay", pd.NA]),
        ("null_words: ['-', unknown]", ["-", "unknown", "Unknown"], [pd.NA, pd.NA, "Unknown"]),
        (
            "map: {NYC: New York, gone: null}",
            ["NYC", "gone", "nyc", None],
            ["New York", pd.NA, "nyc", pd.NA],
        ),
        ("replace: {pattern: '[^0-9]+', with: ''}", ["+1 (23)", "4", None], ["123", "4", pd.NA]),
        (r"replace: {pattern: '^(\w+), (\w+)$', with: '\2 \1'}", ["Doe, Jo"], ["Jo Doe"]),
        ("fill: none", ["a", None, ""], ["a", "none", ""]),
    ],
)
def test_step_on_text(plan_of: PlanOf, step: str, before: list[Any], after: list[Any]) -> None:
    # GIVEN
    declared = step if ":" not in step else f"{{{step}}}"
    plan = plan_of(COLUMNS, f"clean: {{columns: {{name: [{declared}]}}}}")
    frame = orders(name=before)

    # WHEN
    result = clean(frame, plan)

    # THEN the column has changed and stays text, the others are as they were
    assert result.frame["name"].tolist() == after
    assert str(result.frame["name"].dtype) == "string[pyarrow]"
    pd.testing.assert_frame_equal(result.frame.drop(columns="name"), frame.drop(columns="name"))


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("clip: {min: 0}", [-1.5, 0.0, 7.0, None], [0.0, 0.0, 7.0, pd.NA]),
        ("clip: {max: 5}", [-1.5, 5.0, 7.0, None], [-1.5, 5.0, 5.0, pd.NA]),
        ("clip: {min: 0, max: 5}", [-1.5, 3.0, 7.0], [0.0, 3.0, 5.0]),
        ("round: 1", [1.26, -1.26, 2.0, None], [1.3, -1.3, 2.0, pd.NA]),
        ("fill: 0", [None, 1.5], [0.0, 1.5]),
    ],
)
def test_step_on_numbers(plan_of: PlanOf, step: str, before: list[Any], after: list[Any]) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, f"clean: {{columns: {{price: [{{{step}}}]}}}}")

    # WHEN
    result = clean(orders(price=before), plan)

    # THEN
    assert result.frame["price"].tolist() == after
    assert str(result.frame["price"].dtype) == "double[pyarrow]"


def test_integers_stay_integers(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "clean: {columns: {id: [{clip: {min: 10, max: 90}}, {round: -1}]}}")

    # WHEN
    result = clean(orders(id=[1, 44, 99]), plan)

    # THEN
    assert result.frame["id"].tolist() == [10, 40, 90]
    assert str(result.frame["id"].dtype) == "int64[pyarrow]"


def test_steps_for_all_come_first_and_touch_text_alone(plan_of: PlanOf) -> None:
    # GIVEN steps whose order matters: trimmed first, then looked up, then filled
    plan = plan_of(
        COLUMNS,
        """
        clean:
          all: [trim, {null_words: ['', '?']}]
          columns:
            name: [upper, {map: {ANN: ANNA}}, {fill: nobody}]
        """,
    )

    # WHEN
    result = clean(orders(name=[" ann ", " ? ", "  "], city=[" Rome", "?", None]), plan)

    # THEN
    assert result.frame["name"].tolist() == ["ANNA", "nobody", "nobody"]
    assert result.frame["city"].tolist() == ["Rome", pd.NA, pd.NA]
    assert result.frame["id"].tolist() == [0, 1, 2]


def test_text_that_looks_like_a_number_stays_text(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "clean: {all: [trim], columns: {name: [{fill: '0'}]}}")

    # WHEN
    result = clean(orders(name=[" 007", "1e5", None]), plan)

    # THEN
    assert result.frame["name"].tolist() == ["007", "1e5", "0"]


DEDUPE = "clean: {columns: {name: [upper]}, dedupe: [name, city]}"


def test_first_of_equal_rows_is_kept_and_the_others_are_counted(plan_of: PlanOf) -> None:
    # GIVEN rows that are equal only once they are clean; a missing value equals a missing value
    plan = plan_of(COLUMNS, DEDUPE)
    frame = orders(
        name=["ann", "ANN", "ann", None, None], city=["Rome", "Rome", "Oslo", None, None]
    )

    # WHEN
    result = clean(frame, plan)

    # THEN
    assert result.frame["id"].tolist() == [0, 2, 3]
    assert result.counts.duplicates == 2
    assert result.rejects == []


def test_row_is_a_duplicate_of_one_many_batches_before(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, DEDUPE)
    state = CleanState(plan)
    batches = [orders(id=[n], name=[name], city=["Rome"]) for n, name in enumerate("abcba")]

    # WHEN
    results = [clean(batch, plan, state) for batch in batches]

    # THEN
    assert [len(result.frame) for result in results] == [1, 1, 1, 0, 0]
    assert [result.counts.duplicates for result in results] == [0, 0, 0, 1, 1]


def test_without_dedupe_equal_rows_are_two_rows(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS)

    # WHEN
    result = clean(orders(name=["a", "a"]), plan)

    # THEN
    assert (len(result.frame), result.counts.duplicates) == (2, 0)


@pytest.mark.parametrize("repeated", [1, 50], ids=["plain", "encoded"])
def test_result_does_not_depend_on_how_text_travels(plan_of: PlanOf, repeated: int) -> None:
    # GIVEN the same text dictionary-encoded, as it comes from a file
    plan = plan_of(COLUMNS, "clean: {columns: {name: [trim, {null_words: [b]}, {fill: x}]}}")
    plain = batch_of(orders(name=[" a", "b ", None] * repeated))
    encoded = plain.set_column(1, "name", plain.column("name").dictionary_encode().cast(TEXT))

    # WHEN
    cleaned = [clean.arrow(batch, plan, CleanState(plan)).frame for batch in (plain, encoded)]

    # THEN
    assert [batch.column("name").to_pylist() for batch in cleaned] == [
        ["a", "x", "x"] * repeated
    ] * 2


def test_no_rows_stay_no_rows(plan_of: PlanOf) -> None:
    # GIVEN
    plan = plan_of(COLUMNS, "clean: {all: [trim], columns: {name: [{fill: x}]}, dedupe: [name]}")

    # WHEN
    result = clean(orders(name=["a"])[:0], plan)

    # THEN
    assert len(result.frame) == 0
    assert result.frame.dtypes["name"] == pd.ArrowDtype(pa.string())


def test_a_frame_without_a_state_is_the_whole_file(plan_of: PlanOf) -> None:
    # GIVEN steps that must have seen all rows
    plan = plan_of(
        COLUMNS,
        "clean: {columns: {price: [{fill: {statistic: max}}]}, dedupe: {by: [name], keep: last}}",
    )

    # WHEN
    result = clean(orders(name=["a", "b", "a"], price=[None, 2.5, None]), plan)

    # THEN
    assert result.frame["id"].tolist() == [1, 2]
    assert result.frame["price"].tolist() == [2.5, 2.5]
    assert result.counts.duplicates == 1


def test_a_batch_before_the_survey_is_a_mistake(plan_of: PlanOf) -> None:
    plan = plan_of(COLUMNS, "clean: {dedupe: {by: [name], keep: last}}")

    with pytest.raises(AssertionError, match="survey"):
        clean(orders(name=["a"]), plan, CleanState(plan))


def test_rows_with_other_text_are_rejected_as_they_came(plan_of: PlanOf) -> None:
    # GIVEN a column that becomes a number, and steps before and behind that
    plan = plan_of(
        COLUMNS,
        """
        clean:
          columns:
            name: [{null_words: ['-']}, {parse_number: {}}, {fill: 0}, {round: 0}]
        """,
    )

    # WHEN
    result = clean(orders(name=["1.6", "-", "many"], city=["Rome", None, "Oslo"]), plan)

    # THEN
    assert result.frame["name"].tolist() == [2.0, 0.0]
    assert str(result.frame["name"].dtype) == "double[pyarrow]"
    assert (result.counts.rejected, result.counts.duplicates) == (1, 0)
    (reject,) = result.rejects
    assert (reject.row_number, reject.violations[0].rule) == (3, "type")
    assert reject.violations[0].value == "many"
    assert reject.raw == {"id": 2, "name": "many", "city": "Oslo", "price": None}
