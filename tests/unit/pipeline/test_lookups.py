from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.distinct import plain
from pipeline.errors import InvalidPlanError
from pipeline.lookups import LookupTable, load_lookup
from pipeline.plan_steps import Lookup

if TYPE_CHECKING:
    from pathlib import Path

LETTERS = st.sampled_from(["a", "b", "c", "é", None])
NUMBERS = st.integers(0, 3) | st.none()
ONE = Lookup("things", on={"letter": "k"}, add={"v": "value"})
TWO = Lookup("things", on={"letter": "k", "number": "j"}, add={"v": "value"})


def joined(table: LookupTable, keys: list[pa.Array]) -> list[object]:
    return plain(table.columns(table.rows_of(keys))["v"]).to_pylist()


@given(st.dictionaries(LETTERS.filter(bool), st.integers(-9, 9)), st.lists(LETTERS), st.booleans())
def test_one_key_finds_what_a_dict_finds(
    known: dict[str, int], asked: list[str | None], encoded: bool
) -> None:
    table = pa.table(
        {"k": pa.array(known, pa.string()), "value": pa.array(known.values(), pa.int64())}
    )
    keys = pa.array(asked, pa.string())

    found = joined(LookupTable(table, ONE), [keys.dictionary_encode() if encoded else keys])

    assert found == [known.get(key) if key else None for key in asked]


@given(
    st.dictionaries(st.tuples(LETTERS.filter(bool), st.integers(0, 3)), st.text("xy", max_size=2)),
    st.lists(st.tuples(LETTERS, NUMBERS)),
)
def test_several_keys_find_what_a_dict_finds(
    known: dict[tuple[str, int], str], asked: list[tuple[str | None, int | None]]
) -> None:
    table = pa.table(
        {
            "k": pa.array([key[0] for key in known], pa.string()),
            "j": pa.array([key[1] for key in known], pa.int64()),
            "value": pa.array(known.values(), pa.string()),
        }
    )
    keys = [
        pa.array([key[0] for key in asked], pa.string()),
        pa.array([key[1] for key in asked], pa.int64()),
    ]

    assert joined(LookupTable(table, TWO), keys) == [known.get(key) for key in asked]


VALUES: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.int64(): st.integers(-9, 9),
    pa.float64(): st.floats(-9, 9),
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.decimal128(9, 2): st.decimals(-9, 9, places=2),
    pa.string(): st.text("xyé", max_size=2),
}


@given(st.data(), st.sampled_from(list(VALUES)), st.booleans())
def test_values_of_any_type_are_those_of_their_rows(
    data: st.DataObject, kind: pa.DataType, nulls: bool
) -> None:
    values = data.draw(st.lists(VALUES[kind] | st.none() if nulls else VALUES[kind]))
    places = st.integers(0, len(values) - 1) | st.none() if values else st.none()
    rows = data.draw(st.lists(places))
    left_out = data.draw(st.integers(0, len(rows)))
    table = pa.table(
        {"k": [str(n) for n in range(len(values))], "value": pa.array(values, kind)},
        schema=pa.schema([("k", pa.string()), ("value", kind)]),
    )

    column = LookupTable(table, ONE).columns(pa.array(rows, pa.int32()).slice(left_out))["v"]

    column.validate(full=True)
    asked = [None if row is None else values[row] for row in rows[left_out:]]
    assert plain(column).to_pylist() == asked


@pytest.mark.parametrize(("repeated", "encoded"), [(True, True), (False, False)])
def test_text_values_are_encoded_unless_a_long_lookup_has_one_each(
    repeated: bool, encoded: bool
) -> None:
    names = [f"name {n % 3 if repeated else n}" for n in range(5000)]
    table = pa.table({"k": [str(n) for n in range(5000)], "value": names})

    column = LookupTable(table, ONE).columns(pa.array([0, None, 2]))["v"]

    assert pa.types.is_dictionary(column.type) is encoded
    assert plain(column).to_pylist() == ["name 0", None, "name 2"]


def test_a_compiled_lookup_is_loaded_from_the_datasets_folder(tmp_path: Path) -> None:
    table = pa.table({"k": ["a"], "value": [1]})
    (tmp_path / "lookups").mkdir()
    with pa.ipc.new_file(str(tmp_path / "lookups" / "things.arrow"), table.schema) as writer:
        writer.write_table(table)

    assert joined(load_lookup(ONE, tmp_path), [pa.array(["a", "b"])]) == [1, None]


@pytest.mark.parametrize("folder", [True, False])
def test_a_lookup_that_was_not_deployed_is_named(tmp_path: Path, folder: bool) -> None:
    with pytest.raises(InvalidPlanError, match="lookup things is missing"):
        load_lookup(ONE, tmp_path if folder else None)


def test_a_lookup_is_made_ready_once_for_all_files(tmp_path: Path) -> None:
    # GIVEN
    folder = tmp_path / "lookups"
    folder.mkdir()
    table = pa.table({"k": ["a", "b"], "value": [1, 2], "other": [3, 4]})
    with pa.ipc.new_file(str(folder / "things.arrow"), table.schema) as file:
        file.write_table(table)

    # WHEN the same declaration is read again, and another
    once = load_lookup(ONE, tmp_path)
    again = load_lookup(Lookup("things", on={"letter": "k"}, add={"v": "value"}), tmp_path)
    other = load_lookup(Lookup("things", on={"letter": "k"}, add={"v": "other"}), tmp_path)

    # THEN
    assert again is once
    assert joined(other, [pa.array(["b"])]) == [4]
