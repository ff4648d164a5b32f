"""Foreign keys of the contract: to which lookups, with which tables of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.authoring.build import compile_datasets
from pipeline.plan_contract import Relationship
from tests.unit.pipeline.support import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.authoring.dataset import CompiledDataset

PLACES = {"lookups/places.csv": "code,zone,name\n007,1,x\n08,2,y\nNA,3,z\n"}
LOOKUP = "enrich:\n  - {lookup: p, file: lookups/places.csv, on: {a: code}, add: {name: name}}\n"


def related(of_column: str = "", of_table: str = "") -> str:
    """Contract with these relationships of the column a, and of the table."""
    column = f"logicalType: string, relationships: [{of_column}]}}"
    text = CONTRACT.replace("logicalType: string}", column)
    return f"{text}    relationships: [{of_table}]\n" if of_table else text


def columns(dataset: CompiledDataset, lookup: str) -> dict[str, list[Any]]:
    return dataset.references[lookup].to_pydict()


@pytest.mark.parametrize("to", ["places.code", "schema/places/properties/code", "[places.code]"])
def test_a_column_may_refer_to_a_file_among_the_lookups(
    compile_dataset: Callable[..., CompiledDataset], to: str
) -> None:
    dataset = compile_dataset(contract=related(f"{{to: {to}}}"), files=PLACES)

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.relationships == (Relationship(("a",), "places", ("code",)),)
    # AND keys are text as the column is, with the words for no value left out
    assert columns(dataset, "places") == {"code": ["007", "08", None]}


def test_from_v3_2_a_table_may_stand_in_a_database(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    contract = related("{to: db.places.code}").replace("v3.1.0", "v3.2.0")

    dataset = compile_dataset(contract=contract, files=PLACES)

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.relationships == (Relationship(("a",), "places", ("code",)),)


def test_a_column_may_refer_to_a_lookup_of_the_steps(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    dataset = compile_dataset(LOOKUP, contract=related("{to: p.code}"), files=PLACES)

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.relationships == (Relationship(("a",), "p", ("code",)),)
    assert columns(dataset, "p") == {"code": ["007", "08", None]}


def test_several_columns_may_be_a_key_together(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    of_table = "{from: [things.n, things.a], to: [places.zone, places.code]}"
    dataset = compile_dataset(contract=related("{to: places.name}", of_table), files=PLACES)

    assert dataset.plan is not None, dataset.findings
    assert dataset.plan.relationships == (
        Relationship(("a",), "places", ("name",)),
        Relationship(("n", "a"), "places", ("zone", "code")),
    )
    assert columns(dataset, "places") == {
        "name": ["x", "y", "z"],
        "zone": [1, 2, 3],
        "code": ["007", "08", None],
    }


def test_the_build_has_the_keys_and_the_hash_follows_them(
    write_dataset: Callable[..., Path],
    compile_dataset: Callable[..., CompiledDataset],
    tmp_path: Path,
) -> None:
    folder = write_dataset(contract=related("{to: places.code}"), files=PLACES)
    compile_datasets(folder.parent, tmp_path / "build")
    before = compile_dataset(contract=related("{to: places.code}"), files=PLACES).plan
    other = {"lookups/places.csv": PLACES["lookups/places.csv"].replace("08", "09")}
    after = compile_dataset(contract=related("{to: places.code}"), files=other).plan

    assert (tmp_path / "build" / "things" / "references" / "places.arrow").is_file()
    assert before is not None
    assert after is not None
    assert before.hash != after.hash


@pytest.mark.parametrize(
    ("of_column", "of_table", "message"),
    [
        ("{to: place.code}", "", "there is no lookup 'place'; did you mean 'places'?"),
        ("{to: places.cod}", "", "places.csv: there is no column 'cod'; there are: code, zone"),
        ("{to: [places.code, places.zone]}", "", "1 columns cannot stand for 2"),
        ("", "{from: things.x, to: places.code}", "there is no column 'x'"),
        ("", "{from: [things.a, things.n], to: [places.code]}", "2 columns cannot stand for 1"),
        ("", "{from: [things.a, things.n], to: [places.code, q.r]}", "a key is in one table"),
        ("", "{from: things.n, to: places.name}", "places.csv: "),
        ("{to: places.zone}", "{from: things.n, to: places.zone}", "compared with a column of"),
    ],
)
def test_an_error_is_found_at_its_place(
    findings: Callable[..., list[tuple[str, int, int, str]]],
    of_column: str,
    of_table: str,
    message: str,
) -> None:
    contract = related(of_column, of_table)

    ((severity, line, _, said),) = findings(contract=contract, files=PLACES)

    assert (severity, line) == ("error", contract.count("\n") if of_table else 10)
    assert message in said


@pytest.mark.parametrize("to", ["users.id", "things.n", "other.yaml#/schema/x/properties/y"])
def test_a_target_that_is_no_lookup_is_not_enforced(
    findings: Callable[..., list[tuple[str, int, int, str]]], to: str
) -> None:
    ((severity, line, _, said),) = findings(contract=related(f"{{to: {to}}}"), files=PLACES)

    assert (severity, line) == ("note", 10)
    assert f"the relationship to {to} is not enforced by the pipeline: it is no lookup" in said


def test_a_lookup_in_the_bucket_is_not_enforced(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    steps = (
        "enrich:\n  - {lookup: b, prefix: lookups/b/, columns: {k: string, v: string}, "
        "on: {a: k}, add: {v: v}}\n"
    )

    ((severity, _, _, said),) = findings(steps, contract=related("{to: b.k}"))

    assert severity == "note"
    assert "b is in the bucket; enrich with when_missing: reject says it" in said
