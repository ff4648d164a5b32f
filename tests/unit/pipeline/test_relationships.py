from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from pipeline.errors import InvalidPlanError
from pipeline.plan_contract import Relationship
from pipeline.relationships import KnownKeys, load_keys

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = pa.table({"x": ["p", "q", "q"], "y": [1, 2, 3]})


def test_a_value_must_stand_in_the_lookup() -> None:
    known = KnownKeys(Relationship(("a",), "pairs", ("x",)), PAIRS)
    values = pa.array(["p", "z", None, "q"])

    assert known.lacks([values]).to_pylist() == [False, True, False, False]
    assert known.lacks([values.dictionary_encode()]).to_pylist() == [False, True, False, False]


def test_the_parts_of_a_key_must_stand_in_one_row() -> None:
    known = KnownKeys(Relationship(("a", "b"), "pairs", ("x", "y")), PAIRS)
    keys = [pa.array(["p", "p", "q", "z", None, "q"]), pa.array([1, 2, 3, 1, 1, None])]

    assert known.lacks(keys).to_pylist() == [False, True, False, True, False, False]


def test_keys_are_read_from_the_deployed_dataset(tmp_path: Path) -> None:
    path = tmp_path / "references" / "pairs.arrow"
    path.parent.mkdir()
    with pa.ipc.new_file(str(path), PAIRS.schema) as writer:
        writer.write_table(PAIRS)

    known = load_keys(Relationship(("a",), "pairs", ("y",)), tmp_path)

    assert known.lacks([pa.array([3, 4])]).to_pylist() == [False, True]


@pytest.mark.parametrize("deployed", [True, False])
def test_keys_that_the_build_left_out_are_named(tmp_path: Path, deployed: bool) -> None:
    with pytest.raises(InvalidPlanError, match=r"keys of the lookup pairs.*are missing"):
        load_keys(Relationship(("a",), "pairs", ("y",)), tmp_path if deployed else None)
