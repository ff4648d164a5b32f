"""docs/datasets.md: what is made is made anew, what is linked exists, what is shown is so."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import referencing
import yaml
from jsonschema import Draft201909Validator

from pipeline.authoring.dataset import compiled_dataset
from pipeline.authoring.schemas import odcs_schema
from pipeline.authoring.words import contract_schema, vocabulary
from tests.unit.datasets.pure import processed
from tests.words.reference import PAGE, page

ROOT = Path(__file__).parents[3]
TEXT = PAGE.read_text("utf-8")
CONTRACTS = sorted((ROOT / "datasets").glob("*/contract.odcs.yaml"))


def test_the_reference_is_made_of_what_is_there() -> None:
    assert page(TEXT) == TEXT, "docs/datasets.md is out of date: make docs"


def test_every_word_stands_in_the_reference_once() -> None:
    anchors = re.findall(r'<a id="([^"]+)">', TEXT)
    assert len(anchors) == len(set(anchors))
    assert {word.path for word in vocabulary() if not word.is_group} <= set(anchors)


def problems(document: Any) -> list[str]:
    """What the JSON Schema for editors says of a contract; the standard's own is at hand."""
    (reference,) = contract_schema()["allOf"]
    standard = referencing.Resource.from_contents(odcs_schema())
    registry = referencing.Registry().with_resource(reference["$ref"], standard)
    validator = Draft201909Validator(contract_schema(), registry=registry)
    return [error.message for error in validator.iter_errors(document)]


@pytest.mark.parametrize("path", CONTRACTS, ids=[path.parent.name for path in CONTRACTS])
def test_editors_complete_and_accept_the_contracts_that_are_here(path: Path) -> None:
    text = path.read_text("utf-8")
    (schema,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE)
    assert (path.parent / schema).resolve().name == "contract.schema.json"
    assert problems(yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    ("custom", "problem"),
    [
        ({"property": "csvDialect", "value": {"delimeter": ";"}}, "'delimeter' was unexpected"),
        ({"property": "limits", "value": {"maxColumns": "many"}}, "'many' is not of type"),
        ({"property": "missingValues", "value": "NA"}, "'NA' is not of type 'array'"),
    ],
)
def test_editors_mark_what_is_wrong(custom: dict[str, Any], problem: str) -> None:
    document = yaml.safe_load(CONTRACTS[0].read_text("utf-8"))
    document["customProperties"] = [custom]
    assert any(problem in said for said in problems(document))


def test_the_tutorial_s_dataset_takes_its_file(tmp_path: Path) -> None:
    # GIVEN the file and the two documents that the tutorial has the reader write
    (text,) = re.findall(r"<<'END'\n(.*?)END\n", TEXT, flags=re.DOTALL)
    written = re.findall(r"`datasets/(berths/\S+)`:\n\n```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    (tmp_path / "berths").mkdir()
    for name, content in written:
        (tmp_path / name).write_text(content, "utf-8")
    compiled = compiled_dataset(tmp_path / "berths")
    assert compiled.plan is not None, compiled.findings

    # WHEN
    result = processed(io.BytesIO(text.encode("cp1252")), compiled.plan)

    # THEN
    assert len(written) == 2
    assert compiled.findings == ()
    assert result.table["ship"].to_pylist() == ["Möwe", "Albatros", "Kormoran", "Möwe", "Albatros"]
    (reject,) = result.rejects
    assert reject.violations[0].value == "30.02.2024"
