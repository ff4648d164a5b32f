"""Every folder below `cases/<dataset>/` is a test: a file in, the rows and rejects that come out.

`input.csv` or `input.jsonl` goes through the five pure cores. `expected.csv` lists the rows
written, in order, with as many of the columns as the case is about; `expected_rejects.jsonl`
the rows set aside, each with as much of its record as matters (no such file: no rejects).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from pipeline.plan import load_plan
from tests.unit.datasets.pure import processed

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path for path in CASES.glob("*/*") if path.is_dir())


@pytest.mark.parametrize("case", FOLDERS, ids=[f"{f.parent.name}/{f.name}" for f in FOLDERS])
def test_case(case: Path, compiled_datasets: Path) -> None:
    # GIVEN
    (source,) = case.glob("input.*")
    plan = load_plan(compiled_datasets, case.parent.name)

    # WHEN
    with source.open("rb") as file:
        result = processed(file, plan)

    # THEN
    expected = expected_rows(case / "expected.csv", result.table.schema)
    assert result.table.select(expected.column_names).to_pylist() == expected.to_pylist()
    found = [json.loads(json.dumps(reject.to_json())) for reject in result.rejects]
    wanted = expected_rejects(case / "expected_rejects.jsonl")
    assert [part_of(record, like) for record, like in zip(found, wanted, strict=False)] == wanted
    assert len(found) == len(wanted)


def expected_rows(file: Path, schema: pa.Schema) -> pa.Table:
    """The table of a CSV file, in the types of the output; an empty cell is no value."""
    return pacsv.read_csv(
        file,
        convert_options=pacsv.ConvertOptions(
            column_types=schema, null_values=[""], strings_can_be_null=True
        ),
    )


def expected_rejects(file: Path) -> list[Any]:
    """The records of a JSON Lines file; none, if there is no file."""
    return (
        [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        if file.is_file()
        else []
    )


def part_of(found: Any, like: Any) -> Any:
    """As much of a document as another one speaks of."""
    if isinstance(found, dict) and isinstance(like, dict):
        return {name: part_of(found[name], like[name]) for name in like if name in found}
    if isinstance(found, list) and isinstance(like, list) and len(found) == len(like):
        return [part_of(one, other) for one, other in zip(found, like, strict=True)]
    return found
