"""The contract that is generated for a dataset's output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from pipeline.authoring.output_contract import output_contract
from pipeline.authoring.schemas import odcs_schema
from pipeline.authoring.version import version_of
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTRACT = (
    CONTRACT_HEAD
    + """\
      - name: a
        logicalType: string
        required: true
        description: What it is called.
        classification: pii
        logicalTypeOptions: {maxLength: 9}
      - name: n
        logicalType: integer
        required: true
        description: How many.
        logicalTypeOptions: {minimum: 1, format: i16}
      - {name: d, logicalType: number, physicalType: 'DECIMAL(10,2)'}
      - {name: t, logicalType: timestamp, logicalTypeOptions: {timezone: false}}
      - {name: o, logicalType: object}
"""
)


@pytest.fixture
def output(write_dataset: Callable[..., Path]) -> Callable[..., dict[str, dict[str, Any]]]:
    """Properties of the output's contract by name."""

    def of(steps: str = "{}\n", **more: Any) -> dict[str, dict[str, Any]]:
        document = output_contract(version_of(write_dataset(steps, contract=CONTRACT, **more)))
        jsonschema.Draft201909Validator(odcs_schema("v3.1.0")).validate(document)
        return {prop["name"]: prop for prop in document["schema"][0]["properties"]}

    return of


def test_columns_that_came_through_keep_what_is_said_of_them(
    output: Callable[..., dict[str, dict[str, Any]]],
) -> None:
    found = output()

    assert found["a"] == {
        "name": "a",
        "logicalType": "string",
        "physicalType": "VARCHAR",
        "description": "What it is called.",
        "classification": "pii",
        "required": True,
        "logicalTypeOptions": {"maxLength": 9},
    }
    assert found["n"]["logicalTypeOptions"] == {"minimum": 1}
    assert found["d"] == {
        "name": "d", "logicalType": "number", "physicalType": "DECIMAL(10,2)"
    }  # fmt: skip
    assert found["t"]["physicalType"] == "TIMESTAMP_NTZ"
    assert found["t"]["logicalTypeOptions"] == {"timezone": False}
    assert found["o"]["logicalType"] == "string"  # objects travel as JSON text
    assert found["processed_date"]["physicalType"] == "TIMESTAMP_TZ"
    assert found["processed_date"]["required"]


@pytest.mark.parametrize(
    ("steps", "column", "description", "promised"),
    [
        ("transform: [{rename: {n: m}}]", "m", "How many.", True),
        ("transform: [{cast: {n: DOUBLE}}]", "n", "How many.", False),
        ("clean: {columns: {a: [upper]}}", "a", "What it is called.", False),
        ("clean: {all: [trim]}", "a", "What it is called.", False),
        ("transform: [{derive: {n: n + 1}}]", "n", None, False),
        ("transform: [{python: same}]", "n", "How many.", False),
        ("transform: [{drop: [a]}]", "n", "How many.", True),
        ("enrich: [{lookup: p, on: {n: k}, add: {a: v}, conflict: replace}]", "a", None, False),
    ],
)
def test_what_steps_change_is_promised_no_longer(
    output: Callable[..., dict[str, dict[str, Any]]],
    steps: str,
    column: str,
    description: str | None,
    promised: bool,
) -> None:
    files = {"steps.py": "def same(f): return f\n", "lookups/p.csv": "k,v\n1,x\n"}

    found = output(f"{steps}\n", files=files)[column]

    assert found.get("description") == description
    assert found.get("required", False) == promised
    assert ("logicalTypeOptions" in found) == promised


def test_partitions_have_their_positions(
    output: Callable[..., dict[str, dict[str, Any]]],
) -> None:
    found = output("write: {partition_by: [n, a]}\n")

    assert [found[name]["partitionKeyPosition"] for name in ("n", "a")] == [1, 2]
    assert all(found[name]["partitioned"] for name in ("n", "a"))


@pytest.mark.parametrize(
    ("steps", "location", "server"),
    [
        (
            "{}",
            None,
            {
                "type": "s3",
                "location": "s3://OUTPUT_BUCKET/processed/things/*.parquet",
                "format": "parquet",
            },
        ),
        (
            "write: {format: csv, partition_by: [n]}",
            None,
            {"type": "s3", "location": "s3://OUTPUT_BUCKET/processed/things/*/*.csv"},
        ),
        (
            "{}",
            "s3://b/*.parquet",
            {"type": "s3", "location": "s3://b/*.parquet"},
        ),
        ("{}", "/tmp/*.parquet", {"type": "local", "path": "/tmp/*.parquet"}),
    ],
)
def test_the_server_says_where_the_files_are(
    write_dataset: Callable[..., Path], steps: str, location: str | None, server: dict[str, str]
) -> None:
    document = output_contract(version_of(write_dataset(f"{steps}\n", contract=CONTRACT)), location)

    assert document["servers"][0].items() >= server.items()


def test_what_the_contract_says_of_itself_is_taken_over(
    write_dataset: Callable[..., Path],
) -> None:
    contract = CONTRACT.replace("id: things\n", "id: things\ndomain: d\ntags: [x]\n")

    document = output_contract(version_of(write_dataset(contract=contract)))

    assert document["id"] == "things-output"
    assert document["domain"] == "d"
    assert document["tags"] == ["x"]
    assert document["version"] == "1.0.0"
