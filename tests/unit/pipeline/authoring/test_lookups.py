from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.authoring.dataset import CompiledDataset, compiled_dataset
from pipeline.plan_steps import Lookup
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTRACT = f"""{CONTRACT_HEAD}\
      - {{name: code, logicalType: string}}
      - {{name: n, logicalType: integer}}
      - {{name: at, logicalType: timestamp}}
"""
LOOKUP = "{lookup: places, on: {code: code}, add: {place: name}}"
CSV = "code,name,extra\nA,Aachen,1\nB,Berlin,2\n"


@pytest.fixture
def compiled(compile_dataset: Callable[..., CompiledDataset]) -> Callable[..., CompiledDataset]:
    """Compile a dataset with these entries of `enrich` and this file of places."""

    def of(*entries: str, places: str = CSV) -> CompiledDataset:
        steps = "enrich:\n" + "".join(f"  - {entry}\n" for entry in entries)
        return compile_dataset(steps, contract=CONTRACT, files={"lookups/places.csv": places})

    return of


def rows(dataset: CompiledDataset) -> list[dict[str, object]]:
    assert dataset.findings == ()
    return list(dataset.tables["places"].to_pylist())


def test_a_lookup_keeps_its_needed_columns_only(compiled: Callable[..., CompiledDataset]) -> None:
    dataset = compiled(LOOKUP)

    assert rows(dataset) == [{"code": "A", "name": "Aachen"}, {"code": "B", "name": "Berlin"}]
    assert dataset.plan is not None
    assert dataset.plan.enrich.lookups == (
        Lookup("places", {"code": "code"}, {"place": "name"}, "keep"),
    )
    assert dataset.plan.schemas["enrich"]["place"] == "string"


@pytest.mark.parametrize("policy", ["keep", "reject", "fail"])
def test_the_policy_for_missing_keys_is_taken(
    compiled: Callable[..., CompiledDataset], policy: str
) -> None:
    dataset = compiled(LOOKUP[:-1] + f", when_missing: {policy}}}")

    assert dataset.plan is not None
    assert dataset.plan.enrich.lookups[0].when_missing == policy


@pytest.mark.parametrize("key", ["007", "1.0", "true", "2013-01-31", "1e3"])
def test_text_keys_are_read_as_they_are_written(
    compiled: Callable[..., CompiledDataset], key: str
) -> None:
    assert rows(compiled(LOOKUP, places=f"code,name\n{key},x\n"))[0]["code"] == key


@pytest.mark.parametrize(("which", "kept"), [("first", "one"), ("last", "three")])
def test_of_equal_keys_one_counts(
    compiled: Callable[..., CompiledDataset], which: str, kept: str
) -> None:
    dataset = compiled(
        LOOKUP[:-1] + f", duplicate_keys: {which}}}",
        places="code,name\nA,one\nB,x\nA,two\nA,three\n",
    )

    assert {row["code"]: row["name"] for row in rows(dataset)} == {"A": kept, "B": "x"}


def test_rows_without_a_key_are_left_out(compiled: Callable[..., CompiledDataset]) -> None:
    dataset = compiled(LOOKUP, places="code,name\nNA,x\n,y\nA,NA\n")

    assert rows(dataset) == [{"code": "A", "name": None}]


def test_words_for_no_value_can_be_declared(compiled: Callable[..., CompiledDataset]) -> None:
    dataset = compiled(LOOKUP[:-1] + ", missing_values: ['-']}", places="code,name\nNA,-\n")

    assert rows(dataset) == [{"code": "NA", "name": None}]


def test_a_lookup_of_a_header_alone_is_joined_and_matches_nothing(
    compiled: Callable[..., CompiledDataset],
) -> None:
    dataset = compiled(LOOKUP, places="code,name\n")

    assert rows(dataset) == []
    assert dataset.plan is not None
    assert dataset.plan.schemas["enrich"]["place"] == "string"


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("1", "int64"), ("1.5", "double"), ("2013-01-31", "date32[day]"), ("12:00:00", "time64[us]")],
)
def test_values_have_types_that_plans_know(
    compiled: Callable[..., CompiledDataset], cell: str, kind: str
) -> None:
    dataset = compiled(LOOKUP, places=f"code,name\nA,{cell}\n")

    assert dataset.plan is not None
    assert dataset.plan.schemas["enrich"]["place"] == kind


def test_a_parquet_file_and_several_keys(write_dataset: Callable[..., Path]) -> None:
    folder = write_dataset(
        "enrich:\n  - {lookup: w, file: w.parquet, on: {code: c, at: t}, add: {v: v}}\n",
        contract=CONTRACT,
    )
    moments = pa.array([0, 1], pa.timestamp("s", tz="UTC"))
    pq.write_table(pa.table({"c": ["A", "A"], "t": moments, "v": [1, 2]}), folder / "w.parquet")

    dataset = compiled_dataset(folder)

    assert dataset.findings == ()
    assert dataset.tables["w"].schema.field("t").type == pa.timestamp("us", tz="UTC")
    assert dataset.tables["w"].column("v").to_pylist() == [1, 2]


def test_a_later_lookup_may_use_what_an_earlier_one_added(
    compiled: Callable[..., CompiledDataset],
) -> None:
    second = "{lookup: again, file: lookups/places.csv, on: {place: name}, add: {e: extra}}"

    dataset = compiled(LOOKUP, second)

    assert dataset.findings == ()
    assert dataset.plan is not None
    assert list(dataset.plan.schemas["enrich"])[-4:-2] == ["place", "e"]


# entry of `enrich`, file, what the finding points at, words of the message
ERRORS = [
    ("{lookup: nope, on: {code: c}, add: {p: c}}", CSV, "lookup", "no file lookups/nope.csv"),
    (
        "{lookup: p, file: x.csv, on: {code: c}, add: {p: c}}",
        CSV,
        "lookup",
        "there is no file x.csv",
    ),
    ("{lookup: p, file: /x.csv, on: {code: c}, add: {p: c}}", CSV, "lookup", "no file /x.csv"),
    (LOOKUP, "", "lookup", "places.csv: it cannot be read: Empty CSV file"),
    (
        LOOKUP.replace("{code:", "{cod:"),
        CSV,
        "on",
        "there is no column 'cod' here; there are: code, n",
    ),
    (LOOKUP.replace(": code}", ": cod}"), CSV, "on", "no column 'cod' here; there are: code, name"),
    (LOOKUP.replace(": name}", ": nam}"), CSV, "add", "there is no column 'nam' here"),
    (LOOKUP.replace("{code:", "{n:"), CSV, "n:", "code of the lookup is string, n is int64"),
    (LOOKUP.replace("{code:", "{at:"), "code,name\n1.5,x\n", "at:", "of the lookup is double"),
    (LOOKUP, "code,name\nA,1\nA,2\n", "on", "{'code': 'A'} for one; say duplicate_keys: first or"),
    (LOOKUP.replace("on:", "no:"), CSV, "no", "unknown word 'no'"),
    (LOOKUP[:-1] + ", when_missing: ignore}", CSV, "when_missing", "'ignore' is none of 'keep'"),
    (LOOKUP[:-1] + ", wen_missing: keep}", CSV, "wen_missing", "did you mean 'when_missing'?"),
    (LOOKUP.replace("places", "'a/b'"), CSV, "lookup", "lookup is text that ^"),
]


@pytest.mark.parametrize(("entry", "places", "at", "message"), ERRORS)
def test_an_error_is_found_at_its_place(
    compiled: Callable[..., CompiledDataset], entry: str, places: str, at: str, message: str
) -> None:
    found = [found for found in compiled(entry, places=places).findings if message in found.message]

    assert len(found) == 1
    assert (found[0].severity, found[0].line) == ("error", 2)
    assert f"  - {entry}"[found[0].column - 1 :].startswith(at)


@pytest.mark.parametrize(
    ("name", "message"),
    [("_row_number", "the pipeline's own"), ("status", "enrich adds a column 'status'")],
)
def test_columns_of_the_pipeline_cannot_be_added(
    compiled: Callable[..., CompiledDataset], name: str, message: str
) -> None:
    (found,) = compiled(LOOKUP.replace("place:", f"{name}:")).findings

    assert (found.severity, found.line, found.column) == ("error", 1, 1)
    assert message in found.message


def test_two_lookups_of_one_name_are_an_error(compiled: Callable[..., CompiledDataset]) -> None:
    (found,) = compiled(LOOKUP, LOOKUP).findings

    assert (found.line, found.message) == (3, "there are two lookups called places")
