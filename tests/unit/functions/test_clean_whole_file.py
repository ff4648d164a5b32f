"""Clean: what needs to have seen the whole file, against plain Python over all rows."""

from __future__ import annotations

import statistics
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.clean.core import CleanState, clean, survey
from pipeline.plan import Plan
from pipeline.plan_contract import Column, Source
from pipeline.plan_steps import Clean, Dedupe, Dependency, Step
from tests.unit.pipeline.support import batch_with

if TYPE_CHECKING:
    from pipeline.findings import Repair

Rows = list[tuple[Any, ...]]


def plan_with(cleaning: Clean, **columns: str) -> Plan:
    described = tuple(Column(name, kind) for name, kind in columns.items())
    return Plan("things", "0" * 16, "1", Source("csv"), described, clean=cleaning)


def in_batches(size: int, **columns: pa.Array) -> list[pa.RecordBatch]:
    """The rows as batches, text as it travels."""
    whole = batch_with(
        **{
            name: values.dictionary_encode() if pa.types.is_string(values.type) else values
            for name, values in columns.items()
        }
    )
    return [whole.slice(at, size) for at in range(0, max(whole.num_rows, 1), size)]


def cleaned(plan: Plan, batches: list[pa.RecordBatch]) -> tuple[list[dict[str, Any]], list[Repair]]:
    """Rows after a survey and the work, and what was repaired."""
    state = CleanState(plan)
    survey(lambda: batches, plan, state)
    results = [clean.arrow(batch, plan, state) for batch in batches]
    rows = [row for result in results for row in result.frame.to_pylist()]
    read = sum(batch.num_rows for batch in batches)
    assert read == len(rows) + sum(result.counts.taken_out for result in results)
    return rows, [repair for result in results for repair in result.repairs]


# --- Statistics ------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "c"])
FLOATS = st.floats(-1e6, 1e6, width=32)
LEAST_AND_GREATEST = {"min": min, "max": max}


def fills(statistic: str) -> Clean:
    return Clean(columns={"x": (Step("fill", {"statistic": statistic}),)})


@settings(deadline=None)
@given(st.lists(FLOATS | st.none(), max_size=20), st.integers(1, 7))
def test_median_of_numbers(values: list[float | None], size: int) -> None:
    rows, _ = cleaned(
        plan_with(fills("median"), x="number"), in_batches(size, x=pa.array(values, pa.float64()))
    )

    known = [value for value in values if value is not None]
    middle = statistics.median(known) if known else None
    assert [row["x"] for row in rows] == [middle if v is None else v for v in values]


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=20), st.integers(1, 7))
def test_median_of_integers_is_one_of_them(values: list[int | None], size: int) -> None:
    rows, _ = cleaned(
        plan_with(fills("median"), x="integer"), in_batches(size, x=pa.array(values, pa.int64()))
    )

    known = [value for value in values if value is not None]
    middle = statistics.median_low(known) if known else None
    assert [row["x"] for row in rows] == [middle if v is None else v for v in values]


@settings(deadline=None)
@given(st.lists(FLOATS | st.none(), max_size=20), st.integers(1, 7))
def test_mean_of_numbers(values: list[float | None], size: int) -> None:
    rows, _ = cleaned(
        plan_with(fills("mean"), x="number"), in_batches(size, x=pa.array(values, pa.float64()))
    )

    known = [value for value in values if value is not None]
    mean = statistics.fmean(known) if known else None
    for row, value in zip(rows, values, strict=True):
        expected = mean if value is None else value
        assert row["x"] == (expected if expected is None else pytest.approx(expected, abs=1e-6))


def test_mean_of_decimals_has_their_digits() -> None:
    # GIVEN (1.00 + 1.00 + 1.01) / 3 = 1.00333...
    values = [Decimal("1.00"), None, Decimal("1.00"), Decimal("1.01")]

    rows, _ = cleaned(
        plan_with(fills("mean"), x="number"), in_batches(2, x=pa.array(values, pa.decimal128(6, 2)))
    )

    assert rows[1]["x"] == Decimal("1.00")


@pytest.mark.parametrize("which", ["min", "max"])
@settings(deadline=None)
@given(st.lists(WORDS | st.none(), max_size=12), st.integers(1, 5))
def test_extreme_of_text(which: str, values: list[str | None], size: int) -> None:
    rows, _ = cleaned(
        plan_with(fills(which), x="string"), in_batches(size, x=pa.array(values, pa.string()))
    )

    known = [value for value in values if value is not None]
    extreme = LEAST_AND_GREATEST[which](known) if known else None
    assert [row["x"] for row in rows] == [extreme if v is None else v for v in values]


@settings(deadline=None)
@given(st.lists(WORDS | st.none(), max_size=12), st.integers(1, 5))
def test_mode_is_the_first_of_the_most_frequent(values: list[str | None], size: int) -> None:
    rows, _ = cleaned(
        plan_with(fills("mode"), x="string"), in_batches(size, x=pa.array(values, pa.string()))
    )

    known = Counter(value for value in values if value is not None)
    mode = known.most_common(1)[0][0] if known else None  # in the order of first occurrence
    assert [row["x"] for row in rows] == [mode if v is None else v for v in values]


@settings(deadline=None)
@given(st.lists(WORDS | st.none(), max_size=12), st.integers(1, 5))
def test_previous_goes_on_from_batch_to_batch(values: list[str | None], size: int) -> None:
    plan = plan_with(Clean(columns={"x": (Step("fill", {"previous": True}),)}), x="string")

    rows, _ = cleaned(plan, in_batches(size, x=pa.array(values, pa.string())))

    expected: list[str | None] = []
    for value in values:
        expected.append(value if value is not None or not expected else expected[-1])
    assert [row["x"] for row in rows] == expected


# --- Which row of a key is kept --------------------------------------------------------------

ORDERS: list[tuple[str, ...]] = [(), ("n",), ("-n",), ("t", "-n"), ("-t", "n")]
KEYED = st.lists(
    st.tuples(WORDS | st.none(), st.integers(0, 3) | st.none(), WORDS | st.none()), max_size=20
)


@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("order_by", ORDERS, ids=",".join)
@settings(deadline=None)
@given(KEYED, st.integers(1, 7))
def test_row_of_a_key_that_is_kept(
    keep: str, order_by: tuple[str, ...], given_rows: Rows, size: int
) -> None:
    # GIVEN
    dedupe = Dedupe(("k",), keep, order_by)
    plan = plan_with(Clean(dedupe=dedupe), k="string", n="integer", t="string")
    keys, numbers, texts = (
        (list(column) for column in zip(*given_rows, strict=True)) if (given_rows) else ([], [], [])
    )
    batches = in_batches(
        size,
        k=pa.array(keys, pa.string()),
        n=pa.array(numbers, pa.int64()),
        t=pa.array(texts, pa.string()),
    )

    # WHEN
    rows, _ = cleaned(plan, batches)

    # THEN the kept rows are those that sorting the rows of a key by hand puts at that end
    position = {"n": 1, "t": 2}
    kept = []
    for key in set(keys):
        of_key = [(at, row) for at, row in enumerate(given_rows) if row[0] == key]
        for name in reversed(order_by):
            column = position[name.removeprefix("-")]
            of_key.sort(
                key=lambda item: (
                    (item[1][column] is not None, item[1][column] or 0)
                    if column == 1
                    else (item[1][column] is not None, item[1][column] or "")
                ),
                reverse=name.startswith("-"),
            )
        kept.append(of_key[0 if keep == "first" else -1][0] + 1)
    assert [row["_row_number"] for row in rows] == sorted(kept)


# --- Dependencies ----------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 50), st.integers(10, 30), min_size=1, max_size=5),
    st.integers(1, 40),
    st.data(),
)
def test_planted_errors_are_repaired_and_nothing_else_is_changed(
    groups: dict[int, int], size: int, data: st.DataObject
) -> None:
    # GIVEN groups in which at most one row of ten is wrong
    right = [(group, f"of {group}") for group, least in groups.items() for _ in range(least)]
    right = data.draw(st.permutations(right))
    wrong: dict[int, str] = {}
    for group, least in groups.items():
        at = [row for row, (of, _) in enumerate(right) if of == group]
        chosen = data.draw(st.lists(st.sampled_from(at), max_size=least // 10, unique=True))
        wrong |= dict.fromkeys(chosen, data.draw(st.sampled_from(["x", "y", "of 0 "])))
    values = [wrong.get(row, value) for row, (_, value) in enumerate(right)]
    plan = plan_with(Clean(dependencies=(Dependency(("k",), "v"),)), k="integer", v="string")
    batches = in_batches(
        size, k=pa.array([k for k, _ in right], pa.int64()), v=pa.array(values, pa.string())
    )

    # WHEN
    rows, repairs = cleaned(plan, batches)

    # THEN
    assert [(row["k"], row["v"]) for row in rows] == right
    assert [(found.row_number - 1, found.before, found.after) for found in repairs] == [
        (row, before, right[row][1]) for row, before in sorted(wrong.items())
    ]
    assert all(found.column == "v" and found.repair == "dependency" for found in repairs)


@settings(deadline=None)
@given(
    st.lists(st.tuples(WORDS | st.none(), WORDS | st.none()), max_size=30),
    st.sampled_from([0.51, 0.6, 0.75, 0.9, 1.0]),
    st.integers(2, 4),
    st.integers(1, 9),
)
def test_only_clear_majorities_change_anything(
    given_rows: Rows, share: float, least: int, size: int
) -> None:
    # GIVEN
    dependency = Dependency(("k",), "v", share, least)
    plan = plan_with(Clean(dependencies=(dependency,)), k="string", v="string")
    batches = in_batches(
        size,
        k=pa.array([k for k, _ in given_rows], pa.string()),
        v=pa.array([v for _, v in given_rows], pa.string()),
    )

    # WHEN
    rows, repairs = cleaned(plan, batches)

    # THEN each row has its group's value where that is a clear majority, else its own
    expected = []
    for key, value in given_rows:
        votes = Counter(v for k, v in given_rows if k == key and v is not None)
        winner, most = votes.most_common(1)[0] if votes else (None, 0)
        needed = Decimal(str(share)) * votes.total()
        clear = key is not None and value is not None and most >= least and most >= needed
        expected.append((key, winner if clear else value))
    assert [(row["k"], row["v"]) for row in rows] == expected
    assert len(repairs) == sum(a != b for a, b in zip(expected, given_rows, strict=True))


def test_a_share_is_counted_in_whole_numbers() -> None:
    # GIVEN 11 of 20 rows, exactly 0.55 of them; in doubles, 0.55 * 20 is more than 11
    plan = plan_with(
        Clean(dependencies=(Dependency(("k",), "v", 0.55, 3),)), k="integer", v="string"
    )
    values = ["a"] * 11 + [f"b{row}" for row in range(9)]

    rows, repairs = cleaned(
        plan, in_batches(7, k=pa.array([1] * 20, pa.int64()), v=pa.array(values))
    )

    assert {row["v"] for row in rows} == {"a"}
    assert len(repairs) == 9


def test_a_masked_value_stands_in_no_record() -> None:
    # GIVEN
    columns = (Column("k", "integer"), Column("v", "string", masked=True))
    cleaning = Clean(dependencies=(Dependency(("k",), "v", 0.7),))
    plan = Plan("things", "0" * 16, "1", Source("csv"), columns, clean=cleaning)
    batches = in_batches(9, k=pa.array([1] * 4), v=pa.array(["Ann", "Ann", "Ann", "Bob"]))

    # WHEN
    rows, (repair,) = cleaned(plan, batches)

    # THEN the value is repaired all the same
    assert [row["v"] for row in rows] == ["Ann"] * 4
    assert "Ann" not in str(repair)
    assert "Bob" not in str(repair)
    assert (repair.before, repair.after) == ("***", "***")


# --- The survey ------------------------------------------------------------------------------


def test_a_plan_without_questions_reads_nothing() -> None:
    plan = plan_with(
        Clean(all=(Step("trim"),), columns={"x": (Step("fill", "-"),)}, dedupe=Dedupe(("x",))),
        x="string",
    )

    def unread() -> list[pa.RecordBatch]:
        raise AssertionError

    survey(unread, plan, CleanState(plan))


@pytest.mark.parametrize(
    ("cleaning", "passes"),
    [
        (Clean(dedupe=Dedupe(("k",), "last")), 1),
        (Clean(dependencies=(Dependency(("k",), "v"), Dependency(("k",), "w"))), 1),
        (Clean(dependencies=(Dependency(("k",), "v"), Dependency(("v",), "w"))), 2),
        (
            Clean(
                columns={
                    "k": (Step("fill", {"statistic": "mode"}),),
                    "v": (Step("fill", {"column": "k"}),),
                    "w": (Step("fill", {"column": "v"}), Step("fill", {"statistic": "mode"})),
                }
            ),
            2,
        ),
        (
            Clean(
                columns={"v": (Step("fill", {"statistic": "mode"}),)},
                dependencies=(Dependency(("k",), "v"),),
                dedupe=Dedupe(("k",), order_by=("v",)),
            ),
            3,
        ),
        (
            Clean(
                columns={"w": (Step("fill", {"statistic": "mode"}),)},
                dependencies=(Dependency(("k",), "v"),),
                dedupe=Dedupe(("k",), "last"),
            ),
            1,
        ),
    ],
)
def test_questions_are_asked_together_unless_one_needs_anothers_answer(
    cleaning: Clean, passes: int
) -> None:
    # GIVEN
    plan = plan_with(cleaning, k="string", v="string", w="string")
    batches = in_batches(2, **{name: pa.array(["a", "b", "a"]) for name in "kvw"})
    read = []

    def reading() -> list[pa.RecordBatch]:
        read.append(True)
        return batches

    # WHEN
    survey(reading, plan, CleanState(plan))

    # THEN
    assert len(read) == passes
