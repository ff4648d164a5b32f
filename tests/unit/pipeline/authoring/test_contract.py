from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.plan_contract import Check, Column, Limits, Rule, Source, Spelling
from tests.unit.pipeline.support import CONTRACT, CONTRACT_HEAD, with_custom, with_property

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.dataset import CompiledDataset
    from pipeline.plan import Plan


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
        Column("a", "date", spelling=Spelling(format="dd.MM.yyyy")),
    ),
    (
        "{name: a, logicalType: timestamp, logicalTypeOptions: {timezone: false}}",
        Column("a", "timestamp", timezone=False),
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 1, maximum: 12}}",
        Column("a", "integer", rules=(Rule("minimum", 1), Rule("maximum", 12))),
    ),
    (
        "{name: a, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}}",
        Column("a", "number", rules=(Rule("exclusiveMinimum", 0),)),
    ),
    (
        "{name: a, logicalType: number, logicalTypeOptions: {exclusiveMaximum: 1}}",
        Column("a", "number", rules=(Rule("exclusiveMaximum", 1),)),
    ),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {minimum: '2013-01-31'}}",
        Column("a", "date", rules=(Rule("minimum", "2013-01-31"),)),
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {minLength: 1, maxLength: 3}}",
        Column("a", "string", rules=(Rule("minLength", 1), Rule("maxLength", 3))),
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {pattern: '^x'}}",
        Column("a", "string", rules=(Rule("pattern", "^x"),)),
    ),
    (
        "{name: a, logicalType: string, quality: "
        "[{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0}]}",
        Column("a", "string", rules=(Rule("validValues", ["x"]),)),
    ),
    (
        "{name: a, logicalType: string, quality: "
        "[{metric: invalidValues, arguments: {pattern: '^x'}, mustBe: 0}]}",
        Column("a", "string", rules=(Rule("pattern", "^x"),)),
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 5}}",
        Column("a", "integer", rules=(Rule("multipleOf", 5),)),
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {format: i16}}",
        Column("a", "integer", rules=(Rule("minimum", -32768), Rule("maximum", 32767))),
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {format: u8}}",
        Column("a", "integer", rules=(Rule("minimum", 0), Rule("maximum", 255))),
    ),
    ("{name: a, logicalType: integer, logicalTypeOptions: {format: i64}}", Column("a", "integer")),
    (
        "{name: a, logicalType: integer, physicalType: 'NUMERIC(20)', "
        "logicalTypeOptions: {format: u64}}",
        Column(
            "a",
            "integer",
            arrow="decimal128(20, 0)",
            rules=(Rule("minimum", 0), Rule("maximum", 18446744073709551615)),
        ),
    ),
    ("{name: a, logicalType: number, logicalTypeOptions: {format: f64}}", Column("a", "number")),
    (
        "{name: a, logicalType: number, physicalType: 'decimal( 18 , 4 )'}",
        Column("a", "number", arrow="decimal128(18, 4)"),
    ),
    ("{name: a, logicalType: integer, physicalType: BIGINT}", Column("a", "integer")),
    ("{name: a, logicalType: integer, physicalType: VARCHAR(9)}", Column("a", "integer")),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {format: email}}",
        Column("a", "string", rules=(Rule("format", "email"),)),
    ),
    (
        "{name: a, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Europe/Paris}}",
        Column("a", "timestamp", spelling=Spelling(zone="Europe/Paris")),
    ),
    (
        "{name: a, logicalType: timestamp, "
        "logicalTypeOptions: {timezone: false, defaultTimezone: Etc/UTC}}",
        Column("a", "timestamp", spelling=Spelling(zone="Etc/UTC")),
    ),
    (
        "{name: a, logicalType: array, "
        "logicalTypeOptions: {minItems: 1, maxItems: 3, uniqueItems: true}}",
        Column(
            "a",
            "array",
            rules=(Rule("minItems", 1), Rule("maxItems", 3), Rule("uniqueItems", True)),
        ),
    ),
    (
        "{name: a, logicalType: array, logicalTypeOptions: {uniqueItems: false}}",
        Column("a", "array"),
    ),
    (
        "{name: a, logicalType: object, "
        "logicalTypeOptions: {minProperties: 1, maxProperties: 2, required: [x]}}",
        Column(
            "a",
            "object",
            rules=(
                Rule("minProperties", 1),
                Rule("maxProperties", 2),
                Rule("requiredProperties", ["x"]),
            ),
        ),
    ),
    (
        "{name: a, logicalType: string, physicalName: 'A (m)'}",
        Column("a", "string", source="A (m)"),
    ),
    ("{name: a, logicalType: string, physicalName: a}", Column("a", "string")),
    ("{name: a, logicalType: string, primaryKey: true}", Column("a", "string", required=True)),
    ("{name: a, logicalType: string, classification: PII}", Column("a", "string", masked=True)),
    ("{name: a, logicalType: string, classification: public}", Column("a", "string")),
    ("{name: a, logicalType: string, tags: [x, Confidential]}", Column("a", "string", masked=True)),
    (
        "{name: a, logicalType: number, customProperties: [{property: decimalChar, value: ','}, "
        "{property: groupChar, value: '.'}, {property: bareNumber, value: false}]}",
        Column(
            "a",
            "number",
            spelling=Spelling(decimal_char=",", group_char=".", bare_number=False),
        ),
    ),
    (
        "{name: a, logicalType: boolean, customProperties: [{property: trueValues, value: [oui]}, "
        "{property: falseValues, value: [non]}, {property: missingValues, value: ['?']}]}",
        Column("a", "boolean", spelling=Spelling(true=("oui",), false=("non",), missing=("?",))),
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0}]}",
        Column("a", "string", required=True),
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: missingValues, mustBeLessThan: 1, "
        "arguments: {missingValues: [null, 'N/A', -9]}}]}",
        Column("a", "string", required=True, rules=(Rule("missingValues", ["N/A", "-9"]),)),
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: invalidValues, severity: warning, "
        "arguments: {validValues: [x, null], pattern: '^x'}, mustBeLessOrEqualTo: 0}]}",
        Column(
            "a",
            "string",
            rules=(Rule("validValues", ["x"], "warning"), Rule("pattern", "^x", "warning")),
        ),
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


def test_an_enumeration_is_a_word_of_v3_2(plan: Callable[[str], Plan]) -> None:
    contract = with_property("{name: a, logicalType: string, enum: [{value: x}, {value: y}]}")

    assert plan(contract.replace("v3.1.0", "v3.2.0")).columns == (
        Column("a", "string", rules=(Rule("validValues", ["x", "y"]),)),
    )


# quality of the column a, or of the table; the rule of the file that it becomes
CHECKS: list[tuple[str, str, Check]] = [
    (
        "{metric: nullValues, mustBeLessThan: 5, unit: percent}",
        "",
        Check("nullValues", ("a",), "mustBeLessThan", 5, unit="percent"),
    ),
    (
        "{metric: nullValues, mustBe: 0, severity: info, name: complete}",
        "",
        Check("nullValues", ("a",), "mustBe", 0, severity="info", name="complete"),
    ),
    (
        "{metric: missingValues, mustBeBetween: [1, 3], arguments: {missingValues: [x]}}",
        "",
        Check("missingValues", ("a",), "mustBeBetween", [1, 3], argument=["x"]),
    ),
    (
        "{metric: invalidValues, mustBeLessThan: 9, arguments: {pattern: '^x'}, id: x1}",
        "",
        Check("invalidValues", ("a",), "mustBeLessThan", 9, argument={"pattern": "^x"}, name="x1"),
    ),
    (
        "{metric: duplicateValues, mustBe: 0, severity: warning}",
        "",
        Check("duplicateValues", ("a",), "mustBe", 0, severity="warning"),
    ),
    (
        "{metric: nullValues, mustBeLessThan: 1, unit: percent}",
        "",
        Check("nullValues", ("a",), "mustBeLessThan", 1, unit="percent"),
    ),
    ("", "{metric: rowCount, mustBeGreaterThan: 0}", Check("rowCount", (), "mustBeGreaterThan", 0)),
    ("", "{metric: rowCount, mustBe: 0}", Check("rowCount", (), "mustBe", 0)),
    (
        "",
        "{metric: duplicateValues, mustBeLessThan: 3, arguments: {properties: [a, n]}}",
        Check("duplicateValues", ("a", "n"), "mustBeLessThan", 3),
    ),
]


@pytest.mark.parametrize(("of_column", "of_table", "check"), CHECKS)
def test_other_bounds_are_rules_of_the_file(
    plan: Callable[[str], Plan], of_column: str, of_table: str, check: Check
) -> None:
    contract = CONTRACT.replace(
        "logicalType: string}", f"logicalType: string, quality: [{of_column}]}}"
    )

    compiled = plan(f"{contract}    quality: [{of_table}]\n")

    assert compiled.checks == (check,)
    assert not compiled.columns[0].required
    assert compiled.unique == ()


def test_the_old_name_of_metrics_is_understood(plan: Callable[[str], Plan]) -> None:
    old = with_property("{name: a, logicalType: string, quality: [{rule: nullValues, mustBe: 0}]}")

    for version in ("v3.0.2", "v3.1.0", "v3.2.0"):
        assert plan(old.replace("v3.1.0", version)).columns[0].required


def test_the_encoding_may_be_the_servers(plan: Callable[[str], Plan]) -> None:
    contract = CONTRACT.replace("format: csv", "format: csv, encoding: latin-1")

    assert plan(contract.replace("v3.1.0", "v3.2.0")).source.encoding == "latin-1"


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
        (("csvDialect", "{header: false}"), {"header_rows": ()}),
        (
            ("csvDialect", "{headerRows: [3, 2], headerJoin: '/'}"),
            {"header_rows": (2, 3), "header_join": "/"},
        ),
        (("csvDialect", "{escapeChar: '\\'}"), {"escape": "\\", "double_quote": False}),
        (
            ("csvDialect", "{doubleQuote: false, skipInitialSpace: true, commentChar: '#'}"),
            {"double_quote": False, "skip_initial_space": True, "comment": "#"},
        ),
        (
            ("csvDialect", '{lineTerminator: "\\r\\n", footerRows: 2, compression: zip}'),
            {"line_terminator": "\r\n", "footer_rows": 2, "compression": "zip"},
        ),
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
