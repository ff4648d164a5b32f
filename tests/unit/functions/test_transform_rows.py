"""Transform's split, explode and unpivot: columns of a column, rows of a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.transform.core import TransformState, transform
from functions.transform.lists import json_elements
from tests.unit.pipeline.support import batch_with

if TYPE_CHECKING:
    from pipeline.frames import ArrowResult
    from pipeline.plan import Plan
    from tests.unit.functions.conftest import PlanOf

PEOPLE = "- {name: id, logicalType: integer}\n- {name: tags, logicalType: string}"
VISITS = "\n".join(
    f"- {{name: {name}, logicalType: {kind}}}"
    for name, kind in (("town", "string"), ("q1", "integer"), ("q2", "integer"), ("q3", "integer"))
)


def transformed(plan: Plan, **columns: Any) -> ArrowResult:
    return transform.arrow(batch_with(**columns), plan, TransformState(plan))


def rows(result: ArrowResult, *names: str) -> list[tuple[Any, ...]]:
    """Values of some columns, row by row."""
    return list(zip(*(result.frame.column(name).to_pylist() for name in names), strict=True))


# --- split ---------------------------------------------------------------------------------


@pytest.mark.parametrize("repeated", [1, 5])
def test_the_last_part_of_a_split_has_what_is_left(plan_of: PlanOf, repeated: int) -> None:
    # GIVEN text as it travels, dictionary-encoded, with few or many distinct values
    plan = plan_of(PEOPLE, "transform: [{split: {column: tags, by: ', ', into: [a, b]}}]")
    text = ["x, y", "x", "x, y, z", None, "", ", y"] * repeated

    # WHEN
    result = transformed(plan, id=range(len(text)), tags=pa.array(text).dictionary_encode())

    # THEN
    assert (
        rows(result, "tags", "a", "b")
        == [
            ("x, y", "x", "y"),
            ("x", "x", None),
            ("x, y, z", "x", "y, z"),
            (None, None, None),
            ("", "", None),
            (", y", "", "y"),
        ]
        * repeated
    )
    assert pa.types.is_dictionary(result.frame.column("a").type)


# --- explode -------------------------------------------------------------------------------


@pytest.mark.parametrize("repeated", [1, 5])
def test_a_row_is_exploded_into_its_parts_in_order(plan_of: PlanOf, repeated: int) -> None:
    # GIVEN
    plan = plan_of(PEOPLE, "transform: [{explode: {column: tags, by: ';', position: at}}]")
    text = ["x;y", None, "z", "", ";"] * repeated

    # WHEN
    result = transformed(plan, id=range(len(text)), tags=pa.array(text).dictionary_encode())

    # THEN a row without parts stays one row
    parts: list[list[tuple[Any, Any]]] = [
        [("x", 1), ("y", 2)],
        [(None, None)],
        [("z", 1)],
        [("", 1)],
        [("", 1), ("", 2)],
    ]
    assert rows(result, "id", "_row_number", "tags", "at") == [
        (row, row + 1, *part) for row, found in enumerate(parts * repeated) for part in found
    ]
    assert result.counts.expanded == 2 * repeated
    assert result.frame.column("tags").type == pa.dictionary(pa.int32(), pa.string())
    assert result.frame.column("at").type == pa.int64()


def test_the_elements_of_an_array_are_text_or_json(plan_of: PlanOf) -> None:
    # GIVEN elements of each kind; digits that a double would lose
    plan = plan_of(PEOPLE, "transform: [{explode: {column: tags}}]")
    arrays = [
        '["a", "é \\"\\n", null, true]',
        "[1.10, 1e5, 12345678901234567890, -0, 0.1000000000000000055511]",
        ' [ {"k": [1, 2]} , ["x"] , "[" ] ',
        "[]",
        None,
    ]

    # WHEN
    result = transformed(plan, id=range(5), tags=arrays)

    # THEN
    assert rows(result, "id", "tags") == [
        *((0, text) for text in ("a", 'é "\n', None, "true")),
        *(
            (1, n)
            for n in ("1.10", "1e5", "12345678901234567890", "-0", "0.1000000000000000055511")
        ),
        *((2, text) for text in ('{"k": [1, 2]}', '["x"]', "[")),
        (3, None),
        (4, None),
    ]
    assert (result.counts.expanded, result.rejects) == (9, [])


NO_ARRAYS = [
    "x",
    '{"a": 1}',
    "[1",
    "[1,]",
    "[1 2]",
    "1",
    "[NaN]",
    '["\\ud800"]',
    "",
    "[1] x",
    "[" * 9999,
]


@pytest.mark.parametrize("text", NO_ARRAYS)
def test_what_is_no_json_array_is_rejected_with_its_row(plan_of: PlanOf, text: str) -> None:
    plan = plan_of(PEOPLE, "transform: [{explode: {column: tags, position: at}}]")

    result = transformed(plan, id=[0, 1, 2], tags=['["a", "b"]', text, '["c"]'])

    assert rows(result, "_row_number", "tags", "at") == [(1, "a", 1), (1, "b", 2), (3, "c", 1)]
    (reject,) = result.rejects
    assert (reject.row_number, reject.violations[0].column, reject.violations[0].rule) == (
        2,
        "tags",
        "type",
    )
    assert (reject.violations[0].value, reject.raw) == (text, {"id": 1, "tags": text})
    assert (result.counts.expanded, result.counts.rejected) == (1, 1)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def of_arrays(plan_of: PlanOf) -> Plan:
    return plan_of(PEOPLE, "transform: [{explode: {column: tags}}]")


@given(st.lists(st.lists(JSON, max_size=5), min_size=1, max_size=5), st.booleans())
def test_exploded_arrays_are_what_json_says(
    of_arrays: Plan, arrays: list[list[Any]], ascii_only: bool
) -> None:
    # GIVEN arrays as another library writes them
    text = [json.dumps(array, ensure_ascii=ascii_only) for array in arrays]

    # WHEN
    result = transformed(of_arrays, id=range(len(text)), tags=pa.array(text).dictionary_encode())

    # THEN texts are themselves, and the JSON of all others means what it meant
    elements = [element for array in arrays for element in array or [None]]
    found = result.frame.column("tags").to_pylist()
    assert result.rejects == []
    for element, part in zip(elements, found, strict=True):
        assert part == element if isinstance(element, str | None) else json.loads(part) == element
    assert result.frame.num_rows == len(text) + result.counts.expanded


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


@given(st.lists(NUMBERS, min_size=1, max_size=4))
def test_the_numbers_of_an_array_are_spelled_as_they_were(
    of_arrays: Plan, numbers: list[str]
) -> None:
    result = transformed(of_arrays, id=[1], tags=[f"[{', '.join(numbers)}]"])

    assert result.frame.column("tags").to_pylist() == numbers


@given(st.text(alphabet='[]{},:"\\ 1eE.-a\n', max_size=12))
def test_an_array_is_what_python_reads_as_one(text: str) -> None:
    try:
        read = json.loads(text)
    except ValueError:
        read = None

    found = json_elements(text)

    assert (found is not None) == isinstance(read, list)
    if found is not None:
        assert len(found) == len(read)


# --- unpivot -------------------------------------------------------------------------------


def test_columns_become_rows_in_their_order(plan_of: PlanOf) -> None:
    # GIVEN a row without one of the values, and one without any
    plan = plan_of(
        VISITS, "transform: [{unpivot: {columns: [q1, q3, q2], name: quarter, value: visits}}]"
    )

    # WHEN
    none = pa.nulls(1, pa.int64())[0].as_py()
    result = transformed(
        plan,
        town=pa.array(["A", "B", "A"]).dictionary_encode(),
        q1=pa.array([1, none, none], pa.int64()),
        q2=pa.array([2, none, none], pa.int64()),
        q3=pa.array([3, none, 6], pa.int64()),
    )

    # THEN
    assert result.frame.schema.names == ["town", "quarter", "visits", "_row_number"]
    assert rows(result, "_row_number", "town", "quarter", "visits") == [
        (1, "A", "q1", 1),
        (1, "A", "q3", 3),
        (1, "A", "q2", 2),
        (2, "B", None, None),
        (3, "A", "q3", 6),
    ]
    assert result.counts.expanded == 2


def test_columns_without_a_value_make_rows_where_asked_for(plan_of: PlanOf) -> None:
    plan = plan_of(
        VISITS,
        "transform: [{unpivot: {columns: [q1, q2], name: q1, value: n, keep_nulls: true}}]",
    )

    result = transformed(
        plan,
        town=["A", "B"],
        q1=pa.array([1, None], pa.int64()),
        q2=pa.array([None, None], pa.int64()),
        q3=pa.array([7, 8], pa.int64()),
    )

    assert rows(result, "town", "q3", "q1", "n") == [
        ("A", 7, "q1", 1),
        ("A", 7, "q2", None),
        ("B", 8, "q1", None),
        ("B", 8, "q2", None),
    ]
    assert result.counts.expanded == 2


CELLS = st.lists(st.tuples(*[st.none() | st.sampled_from("abc")] * 3), max_size=6)


@pytest.fixture(scope="module")
def of_words(plan_of: PlanOf) -> dict[bool, Plan]:
    columns = "\n".join(f"- {{name: {name}, logicalType: string}}" for name in "xyz")
    unpivot = "{columns: [x, y, z], name: name, value: value, keep_nulls: %s}"
    return {
        keep: plan_of(columns, f"transform: [{{unpivot: {unpivot % str(keep).lower()}}}]")
        for keep in (False, True)
    }


@given(CELLS, st.booleans())
def test_unpivot_loses_and_invents_nothing(
    of_words: dict[bool, Plan], cells: list[tuple[str | None, ...]], keep: bool
) -> None:
    # GIVEN text, encoded or not
    columns = [pa.array([row[at] for row in cells], pa.string()) for at in range(3)]

    # WHEN
    result = transformed(
        of_words[keep], x=columns[0].dictionary_encode(), y=columns[1], z=columns[2]
    )

    # THEN
    expected: list[tuple[Any, ...]] = []
    for number, row in enumerate(cells, 1):
        pairs: list[tuple[Any, Any]] = [
            (name, value) for name, value in zip("xyz", row, strict=True) if keep or value
        ]
        expected += [(number, *pair) for pair in pairs or [(None, None)]]
    assert rows(result, "_row_number", "name", "value") == expected
    assert result.frame.num_rows == len(cells) + result.counts.expanded


# --- together ------------------------------------------------------------------------------


def test_rows_that_are_made_can_be_filtered_cast_and_rejected(plan_of: PlanOf) -> None:
    # GIVEN lists of numbers, one of which is none, filtered afterwards
    plan = plan_of(
        PEOPLE,
        """
        transform:
          - explode: {column: tags, by: ','}
          - cast: {tags: INTEGER}
          - filter: tags <> 2
        """,
    )

    # WHEN
    result = transformed(plan, id=[10, 20], tags=["1,x,2,y", "3"])

    # THEN each bad part is a record of its own, with the row as it came
    assert rows(result, "_row_number", "tags") == [(1, 1), (2, 3)]
    found = [
        (each.row_number, each.violations[0].value, each.raw["tags"]) for each in result.rejects
    ]
    assert found == [(1, "x", "1,x,2,y"), (1, "y", "1,x,2,y")]
    counts = result.counts
    assert (counts.expanded, counts.rejected, counts.filtered) == (3, 2, 1)


def test_a_batch_without_rows_has_the_columns(plan_of: PlanOf) -> None:
    plan = plan_of(
        VISITS,
        """
        transform:
          - split: {column: town, by: ' ', into: [a, b]}
          - explode: {column: a, position: at}
          - unpivot: {columns: [q1, q2, q3], name: q, value: n}
          - cast: {n: VARCHAR, at: INTEGER}
        """,
    )
    none = pa.array([], pa.int64())
    batch = batch_with(town=pa.array([], pa.string()), q1=none, q2=none, q3=none)

    result = transform.arrow(batch, plan, TransformState(plan))

    assert result.frame.num_rows == 0
    assert plan.schemas["transform"] == {
        "town": "string",
        "a": "string",
        "b": "string",
        "at": "int32",
        "q": "string",
        "n": "string",
    }
