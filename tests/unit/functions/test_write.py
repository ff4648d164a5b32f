"""Write: the published columns, and the partitions that the rows go to."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.write.core import compact, partitions, write
from pipeline.plan import Plan
from pipeline.plan_contract import Source
from pipeline.plan_steps import Write

if TYPE_CHECKING:
    from tests.unit.functions.conftest import PlanOf

NULL = "__HIVE_DEFAULT_PARTITION__"
"""How Hive, Spark, Athena and Arrow write the partition of the rows without a value."""

COLUMNS = """
- {name: b, logicalType: string}
- {name: a, logicalType: integer}
"""


def partitioned_by(*names: str) -> Plan:
    """A plan of which only the partitions matter."""
    bare = Plan(dataset="d", hash="", contract_version="1", source=Source("csv"), columns=())
    return replace(bare, write=Write(partition_by=names))


def paths(plan: Plan, **columns: Any) -> dict[str, dict[str, list[Any]]]:
    """Rows of each partition, as columns, by path."""
    batch = pa.RecordBatch.from_pydict(columns)
    return {path: rows.to_pydict() for path, rows in partitions(batch, plan)}


def test_columns_are_published_in_the_plans_order(plan_of: PlanOf) -> None:
    # GIVEN a frame whose columns stand in another order
    plan = plan_of(COLUMNS)
    frame = pd.DataFrame({"status": ["processed"], "a": [1], "processed_date": ["x"], "b": ["y"]})

    # WHEN
    result = write(frame, plan)

    # THEN without the row numbers
    assert list(result.frame.columns) == ["b", "a", "processed_date", "status"]
    assert result.frame["a"].tolist() == [1]


def test_without_partitions_all_rows_go_to_one_file() -> None:
    assert paths(partitioned_by(), x=[1, 2]) == {"": {"x": [1, 2]}}


def test_partitions_columns_are_in_the_path_and_not_in_the_file() -> None:
    # GIVEN
    plan = partitioned_by("month")

    # WHEN
    found = paths(plan, x=["a", "b", "c"], month=[1, 2, 1])

    # THEN
    assert found == {"month=1/": {"x": ["a", "c"]}, "month=2/": {"x": ["b"]}}


def test_composite_partitions_nest_in_the_order_of_the_plan() -> None:
    # GIVEN
    plan = partitioned_by("month", "origin")

    # WHEN
    found = paths(plan, origin=["JFK", "EWR", "JFK"], x=[1, 2, 3], month=[1, 1, 2])

    # THEN
    assert found == {
        "month=1/origin=JFK/": {"x": [1]},
        "month=1/origin=EWR/": {"x": [2]},
        "month=2/origin=JFK/": {"x": [3]},
    }


def test_a_text_that_is_spelled_like_no_value_has_a_partition_of_its_own() -> None:
    # GIVEN
    plan = partitioned_by("a")

    # WHEN
    found = paths(plan, x=[1, 2], a=[None, NULL])

    # THEN
    assert found == {f"a={NULL}/": {"x": [1]}, "a=%5F_HIVE_DEFAULT_PARTITION__/": {"x": [2]}}


def test_rows_without_a_value_have_a_partition_of_their_own() -> None:
    # GIVEN
    plan = partitioned_by("a", "b")

    # WHEN
    found = paths(plan, x=[1, 2, 3, 4], a=[None, 1, None, 1], b=["u", None, None, "u"])

    # THEN
    assert found == {
        f"a={NULL}/b=u/": {"x": [1]},
        f"a=1/b={NULL}/": {"x": [2]},
        f"a={NULL}/b={NULL}/": {"x": [3]},
        "a=1/b=u/": {"x": [4]},
    }


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (True, "p=true/"),
        (False, "p=false/"),
        (-3, "p=-3/"),
        (1.5, "p=1.5/"),
        (dt.date(2024, 2, 29), "p=2024-02-29/"),
        ("a b", "p=a%20b/"),
        ("a/b=c", "p=a%2Fb%3Dc/"),
        ("50%", "p=50%25/"),
        ("Zürich", "p=Z%C3%BCrich/"),
        ("a+b:c", "p=a%2Bb%3Ac/"),
    ],
)
def test_value_in_a_path_is_percent_encoded(value: object, path: str) -> None:
    assert list(paths(partitioned_by("p"), x=[1], p=[value])) == [path]


def test_order_of_the_rows_is_kept_within_a_partition() -> None:
    # GIVEN text as it travels between the stages
    plan = partitioned_by("p")
    p = pa.array(["b", "a", "b", "a", None]).dictionary_encode()

    # WHEN
    found = paths(plan, x=[1, 2, 3, 4, 5], p=p)

    # THEN
    assert found == {
        "p=b/": {"x": [1, 3]},
        "p=a/": {"x": [2, 4]},
        f"p={NULL}/": {"x": [5]},
    }


@pytest.mark.parametrize("few", [range(0, 1000, 10), range(300, 400)], ids=["apart", "in a row"])
def test_few_rows_of_many_do_not_hold_the_others(few: range) -> None:
    # GIVEN a thousand rows with a text each, a tenth of them in a month of its own
    texts = [f"text {n}" for n in range(1000)]
    months = [2 if n in few else 1 for n in range(1000)]
    columns = {"t": pa.array(texts).dictionary_encode(), "month": months}

    # WHEN
    parts = partitions(pa.RecordBatch.from_pydict(columns), partitioned_by("month"))
    rows = compact(dict(parts)["month=2/"])

    # THEN they have a dictionary of their own, and no more memory than a tenth of the texts
    assert rows.column("t").to_pylist() == [texts[n] for n in few]
    assert len(rows.column("t").dictionary) == 100
    assert rows.get_total_buffer_size() < sum(map(len, texts)) / 10 + 1000


def test_numbers_in_a_row_are_copied_out_of_a_batch_of_which_they_are_few() -> None:
    # GIVEN eight bytes a row
    months = [2 if n in range(300, 400) else 1 for n in range(1000)]
    batch = pa.RecordBatch.from_pydict({"n": range(1000), "month": months})

    # WHEN
    rows = dict(partitions(batch, partitioned_by("month")))["month=2/"]

    # THEN
    assert rows.column("n").to_pylist() == list(range(300, 400))
    assert rows.get_total_buffer_size() < 2 * 100 * 8


def test_dictionaries_that_repeat_stay_as_they_are() -> None:
    column = pa.array(["a", "b", "a", None]).dictionary_encode()

    made = compact(pa.RecordBatch.from_arrays([column], ["t"])).column("t")

    assert made.dictionary.buffers()[2].address == column.dictionary.buffers()[2].address


def test_no_rows_have_no_partitions() -> None:
    assert paths(partitioned_by("p"), x=pa.array([], pa.int64()), p=pa.array([], pa.int64())) == {}


keys = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    st.none() | st.integers(-2, 2),
    st.none() | st.booleans(),
)


@settings(deadline=None)
@given(rows=st.lists(keys, min_size=1, max_size=30), encoded=st.booleans())
def test_every_row_is_in_exactly_one_partition(rows: list[tuple[Any, ...]], encoded: bool) -> None:
    # GIVEN
    text = pa.array([row[0] for row in rows], pa.string())
    batch = pa.RecordBatch.from_pydict(
        {
            "row": pa.array(range(len(rows))),
            "t": text.dictionary_encode() if encoded else text,
            "n": pa.array([row[1] for row in rows], pa.int64()),
            "f": pa.array([row[2] for row in rows], pa.bool_()),
        }
    )

    # WHEN
    made = list(partitions(batch, partitioned_by("t", "n", "f")))

    # THEN no row is lost or doubled, and its path tells its values
    assert sorted(n for _, part in made for n in part.column("row").to_pylist()) == list(
        range(len(rows))
    )
    for path, part in made:
        cells = tuple(unquote(cell.split("=", 1)[1]) for cell in path.rstrip("/").split("/"))
        assert {spoken(rows[n]) for n in part.column("row").to_pylist()} == {cells}
        assert part.column("row").to_pylist() == sorted(part.column("row").to_pylist())
    assert len({path for path, _ in made}) == len(set(rows))


def spoken(row: tuple[Any, ...]) -> tuple[str, ...]:
    """A row's keys as text."""
    text, number, flag = row
    return (
        NULL if text is None else text,
        NULL if number is None else str(number),
        {None: NULL, True: "true", False: "false"}[flag],
    )
