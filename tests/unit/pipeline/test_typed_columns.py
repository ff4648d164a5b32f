"""Columns that come as plain text: integers are cast as they stand, or read value by value."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.typed_columns import typed_column
from tests.unit.pipeline.support import plan_of


@pytest.mark.parametrize(
    ("cells", "values", "refused"),
    [
        (["1", "-2", "007"], [1, -2, 7], [False, False, False]),
        (["1", "late", "+3"], [1, None, 3], [False, True, False]),
        (["1", "0x1F", "3"], [1, None, 3], [False, True, False]),
        (["1", "", "3"], [1, None, 3], [False, False, False]),
    ],
)
def test_integers_in_plain_text(
    cells: list[str], values: list[int | None], refused: list[bool]
) -> None:
    plan = plan_of({"a": "integer"})

    read = typed_column(pa.record_batch({"a": pa.array(cells)}), plan.columns[0], plan)

    assert read.rows.to_pylist() == values
    assert read.refused.to_pylist() == refused


def test_a_number_may_be_a_word_for_no_value() -> None:
    plan = plan_of({"a": "integer"}, missing_values=("-99",))

    read = typed_column(pa.record_batch({"a": pa.array(["1", "-99"])}), plan.columns[0], plan)

    assert read.rows.to_pylist() == [1, None]
    assert read.absent.to_pylist() == [False, True]
