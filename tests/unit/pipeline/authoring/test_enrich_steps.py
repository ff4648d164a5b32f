from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.plan_steps import Duplicates, Enrich
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.dataset import CompiledDataset

CONTRACT = f"""{CONTRACT_HEAD}\
      - {{name: code, logicalType: string}}
      - {{name: n, logicalType: integer}}
      - {{name: x, logicalType: number}}
      - {{name: m, logicalType: number, physicalType: 'DECIMAL(9,2)'}}
"""
BUCKET = "{lookup: w, prefix: lookups/w/, columns: {code: string, n: integer, v: number}, "
FILES = {"lookups/places.csv": "code,name,n\nA,Aachen,1.5\nB,Berlin,2\n"}


@pytest.fixture
def compiled(compile_dataset: Callable[..., CompiledDataset]) -> Callable[..., CompiledDataset]:
    """Compile a dataset with these entries of `enrich`."""

    def of(*entries: str) -> CompiledDataset:
        steps = "enrich:\n" + "".join(f"  - {entry}\n" for entry in entries)
        return compile_dataset(steps, contract=CONTRACT, files=FILES)

    return of


def test_constants_and_facts_have_their_types(compiled: Callable[..., CompiledDataset]) -> None:
    dataset = compiled(
        "context: {at: uploaded_at, row: row_number, file: source_file}",
        "constants: {a: x, b: 1, c: 0.5, d: false}",
    )

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.enrich == Enrich(
        constants={"a": "x", "b": 1, "c": 0.5, "d": False},
        context={"at": "uploaded_at", "row": "row_number", "file": "source_file"},
    )
    assert list(dataset.plan.schemas["enrich"].items())[4:-2] == [
        ("a", "string"),
        ("b", "int64"),
        ("c", "double"),
        ("d", "bool"),
        ("at", "timestamp[us, tz=UTC]"),
        ("row", "int64"),
        ("file", "string"),
    ]


def test_all_that_is_wrong_with_an_entry_is_said_at_once(
    compiled: Callable[..., CompiledDataset],
) -> None:
    found = compiled("{lookup: places, ad: [name]}").findings

    said = [finding.message for finding in found]
    assert "unknown word 'ad'; did you mean 'add'?" in said
    assert "'on' is a required property: add it here" in said


def test_a_constant_beside_a_lookup_is_told_to_stand_by_itself(
    compiled: Callable[..., CompiledDataset],
) -> None:
    entry = "{lookup: places, on: {code: code}, add: [name], constants: {a: 1}}"

    (found,) = compiled(entry).findings

    assert found.message.endswith("give it a dash of its own")


def test_a_lookup_of_the_bucket_is_bound_by_its_declared_types(
    compiled: Callable[..., CompiledDataset],
) -> None:
    dataset = compiled(BUCKET + "on: {code: code}, add: {w: v}, duplicate_keys: {order_by: -n}}")

    assert dataset.plan is not None, dataset.findings
    (lookup,) = dataset.plan.enrich.lookups
    assert lookup.prefix == "lookups/w/"
    assert lookup.columns == {"code": "string", "v": "double", "n": "int64"}
    assert lookup.duplicates == Duplicates("first", "-n")
    assert dataset.plan.schemas["enrich"]["w"] == "double"
    assert dataset.tables == {}


def test_keys_and_values_that_fill_have_the_types_of_the_frame(
    compiled: Callable[..., CompiledDataset],
) -> None:
    dataset = compiled(BUCKET + "on: {n: n}, add: {m: v}, conflict: fill}")

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.enrich.lookups[0].columns == {"n": "int64", "v": "decimal128(9, 2)"}
    assert dataset.plan.schemas["enrich"]["m"] == "decimal128(9, 2)"


def test_a_column_that_is_replaced_has_the_lookup_s_type(
    compiled: Callable[..., CompiledDataset],
) -> None:
    dataset = compiled("{lookup: places, on: {code: code}, add: {n: name}, conflict: replace}")

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.schemas["enrich"]["n"] == "string"


# entry of `enrich`, what the finding points at, words of the message
ERRORS = [
    ("constants: {n: 1}", "n:", "there is a column 'n' already"),
    ("constants: {z: 99999999999999999999}", "z:", "is beyond 64 bits"),
    ("context: {code: run_id}", "code", "there is a column 'code' already"),
    (BUCKET + "file: w.csv, on: {code: code}, add: all}", "file", "a file in this folder or a"),
    (
        "{lookup: w, prefix: lookups/w, on: {code: code}, add: all}",
        "prefix",
        "say the types of its columns",
    ),
    (BUCKET + "on: {code: n}, add: {w: v}}", "code: n}", "n of the lookup is declared as integer"),
    (BUCKET + "on: {code: code}, add: {w: u}}", "add", "there is no column 'u' here"),
    (
        BUCKET + "on: {code: code}, add: {w: v}, duplicate_keys: {order_by: u}}",
        "duplicate_keys",
        "there is no column 'u' here",
    ),
    (
        "{lookup: places, on: {code: code}, add: {a: name}, prefix_names: p_}",
        "prefix_names",
        "prefix_names is for columns that keep their names",
    ),
    ("{lookup: places, on: {code: code}, add: {n: n}}", "n: n}", "there is a column 'n' already"),
    (
        "{lookup: places, on: {code: code}, add: {n: name}, conflict: fill}",
        "n: name",
        "name of the lookup is string and cannot fill int64",
    ),
    (
        "{lookup: places, columns: {name: integer}, on: {code: code}, add: all}",
        "lookup",
        "its row 1 has 'Aachen' as name, which is no integer",
    ),
]


@pytest.mark.parametrize(("entry", "at", "message"), ERRORS)
def test_an_error_is_found_at_its_place(
    compiled: Callable[..., CompiledDataset], entry: str, at: str, message: str
) -> None:
    found = [finding for finding in compiled(entry).findings if message in finding.message]

    assert len(found) == 1, compiled(entry).findings
    assert (found[0].severity, found[0].line) == ("error", 2)
    assert f"  - {entry}"[found[0].column - 1 :].startswith(at)


def test_a_value_that_does_not_fit_the_column_that_it_fills_is_told(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    files = {"lookups/t.csv": "code,m\nA,1.239\n"}
    steps = "enrich:\n  - {lookup: t, on: {code: code}, add: [m], conflict: fill}\n"

    (found,) = compile_dataset(steps, contract=CONTRACT, files=files).findings

    assert "t cannot fill: its column m is double, not decimal128(9, 2)" in found.message
