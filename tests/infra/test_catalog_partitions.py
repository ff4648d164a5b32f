from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import infra  # noqa: F401 - chooses the Node that the CDK's library is going to start
from functions.write.core import partitions
from infra.catalog.projection import Projection, projection
from infra.catalog.query_notes import query_notes
from infra.catalog.tables import catalog_tables

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.things import PlanOf


NONE = "__HIVE_DEFAULT_PARTITION__"
MONTHS = "{name: x, logicalType: integer, %s logicalTypeOptions: {minimum: 1, maximum: 3}}"
AIRPORTS = (
    "{name: x, %s quality: [{metric: invalidValues, mustBe: 0, "
    "arguments: {validValues: [EWR, 'New York']}}]}"
)
REQUIRED = "required: true,"


def test_integers_between_the_contract_s_bounds(plan_of: PlanOf) -> None:
    found = projection(plan_of(MONTHS % REQUIRED), "x")
    assert found == Projection("bigint", {"type": "integer", "range": "1,3"})


def test_integers_that_may_be_missing_are_listed_with_the_word_for_none(plan_of: PlanOf) -> None:
    found = projection(plan_of(MONTHS % ""), "x")
    assert found.properties == {"type": "enum", "values": f"1,2,3,{NONE}"}
    assert found.kind == "string"
    assert found.view == f"CAST(nullif(\"x\", '{NONE}') AS bigint)"


def test_too_many_integers_are_not_listed(plan_of: PlanOf) -> None:
    wide = MONTHS.replace("maximum: 3", "maximum: 100000") % ""
    found = projection(plan_of(wide), "x")
    assert found.properties == {"type": "integer", "range": "1,100000"}
    assert found.caveats == ("rows without a value are not found",)


def test_bounds_that_are_not_values_themselves(plan_of: PlanOf) -> None:
    column = MONTHS.replace("minimum: 1, maximum: 3", "exclusiveMinimum: 0.5, maximum: 3.5")
    assert projection(plan_of(column % REQUIRED), "x").properties["range"] == "1,3"


def test_valid_values_are_listed_as_the_paths_have_them(plan_of: PlanOf) -> None:
    found = projection(plan_of(AIRPORTS % REQUIRED), "x")
    assert found.properties == {"type": "enum", "values": "EWR,New%20York"}
    assert found.view == 'url_decode("x")'
    assert found.caveats == ()


def test_valid_values_that_may_be_missing(plan_of: PlanOf) -> None:
    found = projection(plan_of(AIRPORTS % ""), "x")
    assert found.properties["values"] == f"EWR,New%20York,{NONE}"
    assert found.view == f"nullif(url_decode(\"x\"), '{NONE}')"


def test_booleans_are_listed(plan_of: PlanOf) -> None:
    found = projection(plan_of("{name: x, logicalType: boolean, required: true}"), "x")
    assert found.properties == {"type": "enum", "values": "true,false"}
    assert found.view == 'CAST("x" AS boolean)'


def test_dates_between_the_contract_s_bounds(plan_of: PlanOf) -> None:
    bounds = "logicalTypeOptions: {minimum: '2013-01-01', maximum: '2013-12-31'}"
    found = projection(plan_of(f"{{name: x, logicalType: date, required: true, {bounds}}}"), "x")
    assert found.kind == "date"
    assert found.properties == {
        "type": "date", "format": "yyyy-MM-dd", "range": "2013-01-01,2013-12-31",
        "interval": "1", "interval.unit": "DAYS",
    }  # fmt: skip
    assert found.caveats == ()


def test_dates_without_bounds_have_a_wide_range_and_say_so(plan_of: PlanOf) -> None:
    found = projection(plan_of("{name: x, logicalType: date}"), "x")
    assert found.properties["range"] == "1970-01-01,NOW+1YEARS"
    assert found.caveats == (
        "rows without a value are not found",
        "rows before 1970-01-01 or after NOW+1YEARS are not found",
    )


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("{name: x, required: true}", "string"),
        ("{name: x, logicalType: integer, logicalTypeOptions: {minimum: 1}}", "bigint"),
        ("{name: x, logicalType: timestamp}", "string"),
    ],
)
def test_what_nobody_can_list_must_be_named_by_the_query(
    plan_of: PlanOf, column: str, kind: str
) -> None:
    found = projection(plan_of(column), "x")
    assert (found.kind, found.properties) == (kind, {"type": "injected"})
    assert found.caveats


@pytest.mark.parametrize(
    ("steps", "values"),
    [
        ("clean: {all: [upper]}", f"EWR,NEW%20YORK,{NONE}"),
        ("clean: {columns: {x: [{fill: none}]}}", "EWR,New%20York,none"),
        ("clean: {columns: {x: [{map: {EWR: NYC, 'New York': NYC}}]}}", f"NYC,{NONE}"),
        ("clean: {columns: {x: [{null_words: [EWR]}]}}", f"New%20York,{NONE}"),
        ("transform: [{filter: id > 1}, {derive: {y: id}}]", f"EWR,New%20York,{NONE}"),
    ],
)
def test_values_are_those_that_the_stages_leave(plan_of: PlanOf, steps: str, values: str) -> None:
    plan = plan_of(AIRPORTS % "", f"{steps}\nwrite: {{partition_by: [x]}}")
    assert projection(plan, "x").properties == {"type": "enum", "values": values}


def test_words_for_none_make_a_required_value_missing(plan_of: PlanOf) -> None:
    steps = "clean: {columns: {x: [{null_words: [EWR]}]}}\nwrite: {partition_by: [x]}"
    values = projection(plan_of(AIRPORTS % REQUIRED, steps), "x").properties["values"]
    assert values == f"New%20York,{NONE}"


def test_bounds_are_those_that_cleaning_leaves(plan_of: PlanOf) -> None:
    steps = "clean: {columns: {x: [{clip: {max: 2}}, {fill: 9}]}}\nwrite: {partition_by: [x]}"
    found = projection(plan_of(MONTHS % "", steps), "x")
    assert found.properties == {"type": "integer", "range": "1,9"}


@pytest.mark.parametrize(
    "steps",
    [
        "transform: [{derive: {x: 2 * x}}]",
        "transform: [{rename: {x: y}}, {derive: {x: '7'}}]",
    ],
)
def test_what_transform_makes_has_no_bounds(plan_of: PlanOf, steps: str) -> None:
    plan = plan_of(MONTHS % REQUIRED, f"{steps}\nwrite: {{partition_by: [x]}}")
    assert projection(plan, "x").properties == {"type": "injected"}


def test_a_renamed_column_keeps_its_bounds(plan_of: PlanOf) -> None:
    steps = "transform: [{rename: {x: Month}}]\nwrite: {partition_by: [Month]}"
    plan = plan_of(MONTHS % REQUIRED, steps)
    (found,) = catalog_tables(plan, database="db", bucket="out")
    assert found["parameters"]["projection.month.range"] == "1,3"
    # Athena knows small letters only; the folders are named as the column is.
    assert found["parameters"]["storage.location.template"].endswith("/things/Month=${month}/")


def test_listed_words_are_the_folders_that_the_writer_makes(plan_of: PlanOf) -> None:
    # GIVEN values that no path holds as they are
    odd = ["a b", "c/d", "50%", "e,f", "ü", "g=h", "i+j"]
    listed = ", ".join(f"'{value}'" for value in odd)
    plan = plan_of((AIRPORTS % "").replace("EWR, 'New York'", listed))
    rows = pa.record_batch({"x": [*odd, None], "id": range(len(odd) + 1)})
    # WHEN the writer writes them
    folders = [path for path, _ in partitions(rows, plan)]
    # THEN Athena looks there, and nowhere else
    words = projection(plan, "x").properties["values"].split(",")
    assert [f"x={word}/" for word in words] == folders


def test_a_constant_names_one_folder(plan_of: PlanOf) -> None:
    steps = "enrich: [{constants: {shop: 'New York'}}, {context: {set: dataset, run: run_id}}]\n"
    plan = plan_of("{name: x}", steps + "write: {partition_by: [shop, set, run]}")

    assert projection(plan, "shop").properties == {"type": "enum", "values": "New%20York"}
    assert projection(plan, "set").properties == {"type": "enum", "values": "things"}
    assert projection(plan, "run").properties == {"type": "injected"}


@pytest.mark.parametrize(
    "steps",
    [
        "clean: {columns: {x: [{fill: {column: y}}]}}",
        "transform: [{cast: {x: VARCHAR}}]",
        "transform: [{split: {column: y, by: '-', into: [a, b]}}, {rename: {x: z, a: x}}]",
        "transform: [{explode: {column: x, by: '-'}}]",
    ],
)
def test_what_steps_make_of_a_column_has_no_list(plan_of: PlanOf, steps: str) -> None:
    column = (AIRPORTS % REQUIRED) + "\n      - {name: y}"
    plan = plan_of(column, f"{steps}\nwrite: {{partition_by: [x]}}")

    assert projection(plan, "x").properties == {"type": "injected"}


def test_a_rule_that_only_warns_bounds_nothing(plan_of: PlanOf) -> None:
    plan = plan_of(AIRPORTS % REQUIRED)
    warned = tuple(
        replace(found, rules=tuple(replace(rule, severity="warning") for rule in found.rules))
        for found in plan.columns
    )

    assert projection(replace(plan, columns=warned), "x").properties == {"type": "injected"}


def test_what_athena_cannot_find_is_noted_at_the_column(tmp_path: Path, plan_of: PlanOf) -> None:
    plan = plan_of("{name: x, logicalType: date}", "write:\n  partition_by:\n    - id\n    - x")

    notes = query_notes(plan, tmp_path / "things")

    assert [(note.severity, note.line) for note in notes] == [("note", 3)] * 2 + [("note", 4)] * 2
    assert "Athena, partitioned by id: queries must say which value" in notes[0].message
    assert "rows before 1970-01-01" in notes[-1].message
