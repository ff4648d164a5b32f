"""What of a dataset's event is compiled: its inputs, and what its assertions are about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipeline.authoring.build import compile_datasets
from pipeline.lineage_template import LINEAGE_FILE
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTRACT = f"""\
{CONTRACT_HEAD}\
      - name: item
        physicalName: Item no.
        logicalType: string
        required: true
        relationships: [{{to: items.code}}]
      - {{name: n, logicalType: integer, primaryKey: true, logicalTypeOptions: {{minimum: 1}}}}
"""


def compiled(folder: Path, target: Path) -> dict[str, Any]:
    compile_datasets(folder.parent, target)
    document: dict[str, Any] = json.loads((target / folder.name / LINEAGE_FILE).read_text())
    return document


def test_table_that_only_keys_are_looked_for_in_is_an_input(
    write_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_dataset(contract=CONTRACT, files={"lookups/items.csv": "code,x\ntea,1\nmilk,2"})

    _, items = compiled(folder, tmp_path / "target")["event"]["inputs"]

    assert (items["namespace"], items["name"]) == ("file", "datasets/things/lookups/items.csv")
    fields = items["facets"]["schema"]["fields"]
    assert [(one["name"], one["type"]) for one in fields] == [("code", "string")]
    assert items["inputFacets"]["inputStatistics"]["rowCount"] == 2


def test_assertions_name_the_files_columns_and_rules_the_contracts(
    write_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_dataset(contract=CONTRACT, files={"lookups/items.csv": "code\ntea\n"})

    document = compiled(folder, tmp_path / "target")

    facet = document["event"]["inputs"][0]["inputFacets"]["dataQualityAssertions"]
    said = [(one["column"], one["assertion"], one.get("expected")) for one in facet["assertions"]]
    assert list(zip(said, document["rules"], strict=True)) == [
        (("Item no.", "not_null", None), ["item", "required"]),
        (("n", "not_null", None), ["n", "required"]),
        (("n", "type", "integer"), ["n", "type"]),
        (("n", "minimum", "must be at least 1"), ["n", "minimum"]),
        (("n", "unique", None), ["n", "primaryKey"]),
        (("Item no.", "relationship", "items (code)"), ["item", "relationship"]),
    ]


def test_equal_sources_give_equal_bytes_wherever_they_lie(
    write_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_dataset(contract=CONTRACT, files={"lookups/items.csv": "code\ntea\n"})
    first = compiled(folder, tmp_path / "first")
    moved = folder.parent.rename(tmp_path / "elsewhere") / folder.name

    assert compiled(moved, tmp_path / "second") == first
