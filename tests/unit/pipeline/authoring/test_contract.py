from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.plan import Column, Limits, Plan, Source, Step
from tests.unit.pipeline.support import CONTRACT, CONTRACT_HEAD, with_custom, with_property

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.dataset import CompiledDataset


@pytest.fixture
def plan(compile_dataset: Callable[..., CompiledDataset]) -> Callable[[str], Plan]:
    def of(contract: str) -> Plan:
        compiled = compile_dataset(contract=contract)
        assert compiled.plan is not None, compiled.findings
        return compiled.plan

    return of


# property, the column it becomes
COLUMNS: list[tuple[str, Column]] = [
    ("{name: a, logicalType: integer}", Column("a", "integer")),
    ("{name: a, logicalType: date, required: true}", Column("a", "date", required=True)),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}}",
        Column("a", "date", format="dd.MM.yyyy"),
    ),
    (
        "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false}}",
        Column("a", "timestamp", timezone=False),
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 1, maximum: 12}}",
        Column("a", "integer", rules=(Step("minimum", 1), Step("maximum", 12))),
    ),
    (
        "{name: a, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}}",
        Column("a", "number", rules=(Step("exclusiveMinimum", 0),)),
    ),
    (
        "{name: a, logicalType: number, logicalTypeOptions: {exclusiveMaximum: 1}}",
        Column("a", "number", rules=(Step("exclusiveMaximum", 1),)),
    ),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {minimum: '2013-01-31'}}",
        Column("a", "date", rules=(Step("minimum", "2013-01-31"),)),
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {minLength: 1, maxLength: 3}}",
        Column("a", "string", rules=(Step("minLength", 1), Step("maxLength", 3))),
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {pattern: '^x'}}",
        Column("a", "string", rules=(Step("pattern", "^x"),)),
    ),
    (
        "{name: a, logicalType: string, enum: [{value: x}, {value: y}]}",
        Column("a", "string", rules=(Step("validValues", ["x", "y"]),)),
    ),
    (
        "{name: a, logicalType: string, quality: "
        "[{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0}]}",
        Column("a", "string", rules=(Step("validValues", ["x"]),)),
    ),
    (
        "{name: a, logicalType: string, quality: "
        "[{metric: invalidValues, arguments: {pattern: '^x'}, mustBe: 0}]}",
        Column("a", "string", rules=(Step("pattern", "^x"),)),
    ),
]


@pytest.mark.parametrize(("text", "column"), COLUMNS)
def test_a_property_becomes_a_column(
    plan: Callable[[str], Plan], text: str, column: Column
) -> None:
    assert plan(with_property(text)).columns == (column,)


def test_keys_stand_in_the_order_of_their_positions(plan: Callable[[str], Plan]) -> None:
    compiled = plan(
        CONTRACT_HEAD + "      - {name: a, logicalType: string, primaryKey: true,"
        " primaryKeyPosition: 2}\n      - {name: b, logicalType: string, primaryKey: true,"
        " primaryKeyPosition: 1}\n      - {name: c, logicalType: string, unique: true}\n"
    )

    assert compiled.key == ("b", "a")
    assert compiled.unique == (("c",),)


def test_several_columns_together_may_be_unique(plan: Callable[[str], Plan]) -> None:
    quality = (
        "    quality: [{metric: duplicateValues, arguments: {properties: [n, a]}, mustBe: 0}]\n"
    )

    assert plan(CONTRACT + quality).unique == (("n", "a"),)


@pytest.mark.parametrize(
    ("custom", "expected"),
    [
        (("missingValues", "['', NA, '-999']"), {"missing_values": ("", "NA", "-999")}),
        (("missingValues", "[]"), {"missing_values": ()}),
        (("csvDialect", "{delimiter: ';', quoteChar: \"'\"}"), {"delimiter": ";", "quote": "'"}),
        (("csvDialect", "{encoding: cp1252, header: true}"), {"encoding": "cp1252"}),
        (("csvDialect", "{quoteChar: ''}"), {"quote": ""}),
        (("unheard", "of"), {}),
    ],
)
def test_custom_properties_say_how_files_are_written(
    plan: Callable[[str], Plan], custom: tuple[str, str], expected: dict[str, Any]
) -> None:
    assert plan(with_custom(*custom)).source == Source("csv", **expected)


@pytest.mark.parametrize(
    ("declared", "read"), [("csv", "csv"), ("json", "json"), ("jsonl", "json"), ("ndjson", "json")]
)
def test_the_first_server_says_the_format(
    plan: Callable[[str], Plan], declared: str, read: str
) -> None:
    assert plan(CONTRACT.replace("format: csv", f"format: {declared}")).source.format == read


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        ("{}", Limits()),
        ("{maxBytes: 1}", Limits(max_bytes=1)),
        (
            "{maxBytes: 1000, maxCompressionRatio: 50, maxColumns: 20, maxRowBytes: 300, "
            "maxNesting: 5}",
            Limits(1000, 50, 20, 300, 5),
        ),
        ("{maxRowBytes: 268435456, maxNesting: 200}", Limits(max_row_bytes=2**28, max_nesting=200)),
    ],
)
def test_limits_are_the_contracts(plan: Callable[[str], Plan], value: str, limits: Limits) -> None:
    assert plan(with_custom("limits", value)).limits == limits


def test_without_a_word_about_them_limits_are_the_usual_ones(plan: Callable[[str], Plan]) -> None:
    assert plan(CONTRACT).limits == Limits()
