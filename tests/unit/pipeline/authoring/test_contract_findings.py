"""What is wrong, or worth knowing, about contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.pipeline.support import CONTRACT, CONTRACT_HEAD, with_custom, with_property

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_PROPERTY = CONTRACT_HEAD.count("\n") + 1

# property, what the finding points at, words of the message
PROPERTY_ERRORS = [
    ("{name: a, logicalType: strin}", "logicalType", "'strin' is none of 'string'"),
    ("{name: _a, logicalType: string}", "name", "names that begin with _ are the pipeline's own"),
    ("{logicalType: string}", "{logicalType", "'name' is a required property"),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {format: QQ}}",
        "format",
        "'QQ', which is not supported",
    ),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {format: 'yyyy[-MM'}}",
        "format",
        "square bracket",
    ),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {format: 'dd.MM.yyyy HH:mm'}}",
        "format",
        "the format has H, m, which no date has",
    ),
    (
        "{name: a, logicalType: timestamp, "
        "logicalTypeOptions: {timezone: false, format: 'yyyy-MM-dd HH:mm:ssX'}}",
        "format",
        "which no timestamp without timezone has",
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {minimum: 1}}",
        "minimum",
        "unknown word 'minimum'",
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {paltern: x}}",
        "paltern",
        "unknown word 'paltern'; did you mean 'pattern'?",
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {pattern: '(?=x)'}}",
        "pattern",
        "a: pattern: ",
    ),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {minimum: yesterday}}",
        "minimum",
        "a: minimum: ",
    ),
    (
        "{name: a, logicalType: integer, quality: "
        "[{metric: invalidValues, arguments: {validValues: [x]}, mustBe: 0}]}",
        "quality",
        "a: validValues: ",
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {minimum: 3, maximum: 2}}",
        "maximum",
        "a: maximum 2 is below minimum 3: no value fits",
    ),
    (
        "{name: a, logicalType: string, logicalTypeOptions: {minLength: 9, maxLength: 2}}",
        "maxLength",
        "maxLength 2 is below minLength 9",
    ),
    (
        "{name: a, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: CET+9}}",
        "defaultTimezone",
        "'CET+9' is no IANA time zone",
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {format: i7}}",
        "format",
        "'i7' is none of 'i8'",
    ),
    (
        "{name: a, logicalType: number, physicalType: 'DECIMAL(39,2)'}",
        "physicalType",
        "a decimal has 1 to 38 digits, not 39",
    ),
    (
        "{name: a, logicalType: number, physicalType: 'DECIMAL(4,5)'}",
        "physicalType",
        "0 to 4 after the point, not 5",
    ),
    (
        "{name: a, logicalType: integer, physicalType: 'DECIMAL(4,2)'}",
        "physicalType",
        "an integer has no digits after the point",
    ),
    ("{name: a, logicalType: string, physicalName: ''}", "physicalName", "name of the column is"),
    ("{name: a, logicalType: string, primaryKeyPosition: 1}", "primaryKeyP", "add primaryKey"),
    (
        "{name: a, logicalType: string, primaryKey: true, primaryKeyPosition: 0}",
        "primaryKeyPosition",
        "positions in the primary key begin with 1, not 0",
    ),
    (
        "{name: a, logicalType: string, primaryKey: true, primaryKeyPosition: -2}",
        "primaryKeyPosition",
        "begin with 1, not -2",
    ),
    ("{name: a, logicalType: string, enum: [{value: x}]}", "enum", "'enum' is a word of v3.2.0"),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues}]}",
        "{metric",
        "one of mustBe, mustNotBe, mustBeGreaterThan",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0, mustNotBe: 1}]}",
        "mustNotBe",
        "only one of mustBe, mustNotBe can be said",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValue, mustBe: 0}]}",
        "metric",
        "'nullValue' is none of 'nullValues'",
    ),
    (
        "{name: a, logicalType: string, quality: [{mustBe: 0}]}",
        "{mustBe",
        "mustBe says nothing by itself: metric is missing",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: .nan}]}",
        "mustBe",
        ".nan is no number that a rule could have",
    ),
    (
        "{name: a, logicalType: integer, quality: [{metric: invalidValues, mustBeLessThan: 9, "
        "arguments: {validValues: [1, x]}}]}",
        "quality",
        "a: validValues: 'x' is no integer",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: invalidValues, mustBeLessThan: 9, "
        "arguments: {pattern: '['}}]}",
        "quality",
        "a: pattern: Invalid regular expression",
    ),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {maximum: 31.12.2013}}",
        "maximum",
        "'31.12.2013' is no date: write it as 2013-01-31, whatever the file's format",
    ),
    (
        "{name: a, logicalType: integer, logicalTypeOptions: {exclusiveMinimum: 5, maximum: 5}}",
        "maximum",
        "maximum 5 rules exclusiveMinimum 5 out: no value fits",
    ),
    ("{name: a, minLength: 2}", "minLength", "stands below logicalTypeOptions"),
    ("{name: no, logicalType: string}", "name", "name is text, not False: put it in quotes"),
    ("{name: a, relationships: [{to: places}]}", "to", "not 'places': say table.column"),
    (
        "{name: a, customProperties: {missingValues: ['']}}",
        "customProperties",
        "a list, not {'missingValues': ['']}: begin each item with a dash",
    ),
    (
        "{name: a, customProperties: [{property: missingValues, value: ['']}, "
        "{property: missingValues, value: [x]}]}",
        "property: missingValues, value: [x]",
        "missingValues stands here a second time",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: none}]}",
        "mustBe",
        "mustBe is a number, not 'none'",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: -1}]}",
        "mustBe",
        "mustBe: -1 can never be true of nullValues in rows",
    ),
    (
        "{name: a, logicalType: string, "
        "quality: [{metric: nullValues, mustBeGreaterThan: 100, unit: percent}]}",
        "mustBeGreaterThan",
        "can never be true of nullValues in percent",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBeBetween: [5, 2]}]}",
        "mustBeBetween",
        "has its smaller number first",
    ),
    (
        "{name: a, logicalType: string, "
        "quality: [{metric: nullValues, mustBe: 0, severity: fatal}]}",
        "severity",
        "severity 'fatal' is none of error, warning, info",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: rowCount, mustBe: 9}]}",
        "{metric",
        "rowCount speaks of the table: move it",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0}]}",
        "{metric",
        "invalidValues needs arguments: validValues or pattern",
    ),
    (
        "{name: a, logicalType: string, "
        "quality: [{metric: invalidValues, mustBe: 0, arguments: {validValue: [x], pattern: x}}]}",
        "validValue",
        "did you mean 'validValues'?",
    ),
    (
        "{name: a, logicalType: string, "
        "quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: x}}]}",
        "validValues",
        "validValues is a list of values",
    ),
    (
        "{name: a, logicalType: string, "
        "quality: [{metric: nullValues, mustBe: 0, arguments: {pattern: x}}]}",
        "pattern",
        "nullValues has no arguments",
    ),
    (
        "{name: a, logicalType: string, customProperties: [{property: trueValues, value: [x]}]}",
        "property",
        "trueValues speaks of columns of type boolean",
    ),
    (
        "{name: a, logicalType: number, customProperties: [{property: decimalChar, value: ',,'}]}",
        "value",
        "decimalChar is text of 1 characters at most",
    ),
    (
        "{name: a, logicalType: number, customProperties: [{property: groupChar, value: '.'}]}",
        "value",
        "decimalChar and groupChar are both '.'",
    ),
    (
        "{name: a, logicalType: number, customProperties: [{property: decimalChar, value: '5'}]}",
        "value",
        "'5' is no decimalChar",
    ),
    (
        "{name: a, logicalType: boolean, customProperties: "
        "[{property: trueValues, value: [x]}, {property: falseValues, value: [x]}]}",
        "value: [x]}]",
        "'x' cannot mean both true and false",
    ),
]


@pytest.mark.parametrize(("text", "at", "message"), PROPERTY_ERRORS)
def test_an_error_of_a_property_is_found_at_its_place(
    findings: Callable[..., list[tuple[str, int, int, str]]], text: str, at: str, message: str
) -> None:
    (found,) = findings(contract=with_property(text))

    assert found[:2] == ("error", FIRST_PROPERTY)
    assert f"      - {text}"[found[2] - 1 :].startswith(at)
    assert message in found[3]


@pytest.mark.parametrize(
    ("name", "value", "at", "message"),
    [
        ("csvDialect", "{delimter: ';'}", "delimter", "did you mean 'delimiter'?"),
        ("csvDialect", "{delimiter: ';;'}", "delimiter", "text of 1 characters at most, not ';;'"),
        ("csvDialect", "{delimiter: 7}", "delimiter", "delimiter is text, not 7"),
        ("csvDialect", '{delimiter: "\\n"}', "delimiter", "it is one ASCII character"),
        ("csvDialect", "{quoteChar: '“'}", "quoteChar", "is no quoteChar"),
        ("csvDialect", "{quoteChar: ','  , delimiter: ','}", "quoteChar", "are both ','"),
        ("csvDialect", "{delimiter: '\"'}", "delimiter", "delimiter and quoteChar are both"),
        ("csvDialect", "{commentChar: '#', delimiter: '#'}", "commentChar", "are both '#'"),
        ("csvDialect", "{escapeChar: '\"'}", "escapeChar", "quoteChar and escapeChar are both"),
        ("csvDialect", "{lineTerminator: '||'}", "lineTerminator", "'||' is neither a line end"),
        ("csvDialect", "{lineTerminator: ';', delimiter: ';'}", "lineTerminator", "are both ';'"),
        ("csvDialect", "{escapeChar: '\\', doubleQuote: true}", "doubleQuote", "or escaped"),
        ("csvDialect", "{quoteChar: '', doubleQuote: true}", "doubleQuote", "no quote to double"),
        ("csvDialect", "{header: false, headerRows: [2]}", "headerRows", "there is no header"),
        ("csvDialect", "{header: false, headerJoin: x}", "headerJoin", "there is no header"),
        ("csvDialect", "{headerRows: [2], headerJoin: x}", "headerJoin", "and there is one"),
        ("csvDialect", "{headerRows: [0]}", "0", "each item is at least 1, not 0"),
        ("csvDialect", "{headerRows: []}", "headerRows", "[]"),
        ("csvDialect", "{footerRows: -1}", "footerRows", "footerRows is at least 0, not -1"),
        ("csvDialect", "{delimiter: ' ', skipInitialSpace: true}", "skipInitialSpace", "a space"),
        ("csvDialect", "{compression: rar}", "compression", "'rar' is none of 'gzip'"),
        ("csvDialect", "{encoding: utf-99}", "encoding", "'utf-99' is no encoding"),
        ("csvDialect", "{encoding: base64}", "encoding", "'base64' is no encoding"),
        ("csvDialect", "{encoding: 8}", "encoding", "encoding is text, not 8"),
        ("csvDialect", "';'", "value", "csvDialect is a mapping of words to values, not ';'"),
        ("missingValues", "[NA, -999]", "-999", "each item is text, not -999"),
        ("missingValues", "NA", "value", "missingValues is a list, not 'NA'"),
        ("limits", "{maxRows: 5}", "maxRows", "unknown word 'maxRows'; did you mean"),
        ("limits", "{maxBytes: 0}", "maxBytes", "maxBytes is at least 1, not 0"),
        ("limits", "{maxColumns: 1.5}", "maxColumns", "maxColumns is a whole number, not 1.5"),
        ("limits", "{maxRowBytes: 4 MB}", "maxRowBytes", "a whole number, not '4 MB'"),
        ("limits", "{maxNesting: true}", "maxNesting", "a whole number, not True"),
        ("limits", "{maxNesting: null}", "maxNesting", "a whole number, not None"),
        ("limits", "{maxNesting: 201}", "maxNesting", "maxNesting is at most 200, not 201"),
        ("limits", "{maxRowBytes: 268435457}", "maxRowBytes", "at most 268435456"),
        ("limits", "5", "value", "limits is a mapping of words to values, not 5"),
        ("csvDialect", "null", "value", "csvDialect is a mapping of words to values, not None"),
    ],
)
def test_an_error_of_a_custom_property_is_found_at_its_place(
    findings: Callable[..., list[tuple[str, int, int, str]]],
    name: str,
    value: str,
    at: str,
    message: str,
) -> None:
    contract = with_custom(name, value)

    (found,) = findings(contract=contract)

    assert found[:2] == ("error", contract.count("\n"))
    assert contract.splitlines()[-1][found[2] - 1 :].startswith(at)
    assert message in found[3]


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("format: csv", "format: xlsx", 6, "'xlsx': say csv, json or jsonl"),
        (
            "servers: [{server: landing, type: s3, location: 's3://b/k', format: csv}]\n",
            "",
            1,
            "say csv",
        ),
        ("status: active", "staus: active", 5, "unknown word 'staus'; did you mean 'status'?"),
        ("name: n,", "name: a,", 11, "there are two columns 'a'"),
        ("v3.1.0", "v4.0.0", 1, "apiVersion 'v4.0.0' is not supported; say one of v3.0.0"),
        ("status: active", "slaProperties: 5", 5, "slaProperties is a list, not 5"),
        (
            "  - name: things\n",
            "  - name: others\n  - name: things\n",
            7,
            "must describe one table",
        ),
    ],
)
def test_an_error_of_the_document_is_found_at_its_place(
    findings: Callable[..., list[tuple[str, int, int, str]]],
    before: str,
    after: str,
    line: int,
    message: str,
) -> None:
    found = findings(contract=CONTRACT.replace(before, after))

    assert [(severity, at) for severity, at, _, said in found if message in said] == [
        ("error", line)
    ]


NOTES = [
    ("{name: a, logicalType: integer, logicalTypeOptions: {format: u128}}", "DECIMAL(38,0)"),
    ("{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}", "DECIMAL(20,0)"),
    ("{name: a, logicalType: number, logicalTypeOptions: {format: f32}}", "f32 is not enforced"),
    ("{name: a, logicalType: string, logicalTypeOptions: {format: iban}}", "'iban' is not enf"),
    ("{name: a, logicalType: time, logicalTypeOptions: {timezone: true}}", "timezone of a time"),
    ("{name: a, logicalType: string, physicalType: VARCHAR(3)}", "maxLength: 3 says it"),
    ("{name: a, logicalType: integer, physicalType: SMALLINT}", "format: i16 says it"),
    ("{name: a, logicalType: string, relationships: [{to: x.y}]}", "x.y is not enforced"),
    ("{name: a, logicalType: string, relationships: [{to: c.yaml#/schema/x/properties/y}]}", "not"),
    ("{name: a, logicalType: string, quality: [{type: text, description: x}]}", "text quality is"),
    ("{name: a, logicalType: string, quality: [{type: sql, query: x, mustBe: 0}]}", "sql quality"),
    (
        "{name: a, logicalType: string, "
        "quality: [{type: custom, engine: soda, implementation: x}]}",
        "custom quality is not enforced",
    ),
    (
        "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0, unit: cells}]}",
        "nullValues in cells is not enforced",
    ),
    (
        "{name: a, logicalType: string, "
        "quality: [{metric: nullValues, mustBe: 0, schedule: 0 20 * * *}]}",
        "schedule is not enforced",
    ),
    ("{name: a, logicalType: string, classification: vip}", "'vip' masks nothing"),
    ("{name: a, logicalType: string, encryptedName: b}", "encryptedName is not enforced"),
    ("{name: a, logicalType: string, partitioned: true}", "write.partition_by says it"),
    ("{name: a, logicalType: string, transformLogic: x}", "transformLogic is not enforced"),
    ("{name: a, logicalType: array, items: {logicalType: string}}", "the items of an array"),
    ("{name: a, logicalType: object, properties: [{name: b}]}", "the properties of an object"),
]


@pytest.mark.parametrize(("text", "message"), NOTES)
def test_words_that_are_not_enforced_are_noted(
    findings: Callable[..., list[tuple[str, int, int, str]]], text: str, message: str
) -> None:
    ((severity, line, _, said),) = findings(contract=with_property(text))

    assert (severity, line) == ("note", FIRST_PROPERTY)
    assert message in said


@pytest.mark.parametrize(
    ("addition", "severity", "message"),
    [
        ("slaProperties: [{property: latency, value: 4, unit: d}]\n", "note", "service levels are"),
        ("    quality: [{type: text, description: x}]\n", "note", "text quality is not"),
        (
            "    quality: [{metric: rowCount, mustBe: 9, unit: percent}]\n",
            "note",
            "rowCount in percent is not enforced by the pipeline, which counts it in rows",
        ),
        ("    quality: [{metric: nullValues, mustBe: 0}]\n", "error", "speaks of a column: move"),
        ("    quality: [{metric: duplicateValues, mustBe: 0}]\n", "error", "needs arguments"),
        (
            "    quality: [{metric: duplicateValues, mustBe: 1, arguments: {properties: [a, a]}}]"
            "\n",
            "error",
            "a column stands here twice",
        ),
        (
            "    customProperties: [{property: csvDialect, value: {}}]\n",
            "error",
            "move it to the contract's own customProperties",
        ),
        (
            "customProperties: [{property: csvdialect, value: {}}]\n",
            "warning",
            "'csvdialect' is not read here; did you mean 'csvDialect'?",
        ),
        (
            "    quality: [{metric: duplicateValues, mustBe: 0, arguments: {properties: [z]}}]\n",
            "error",
            "there is no column z",
        ),
    ],
)
def test_words_of_the_table_that_are_not_enforced_are_noted(
    findings: Callable[..., list[tuple[str, int, int, str]]],
    addition: str,
    severity: str,
    message: str,
) -> None:
    ((found, line, _, said),) = findings(contract=CONTRACT + addition)

    assert (found, line) == (severity, CONTRACT.count("\n") + 1)
    assert message in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{name: a, logicalType: number, physicalType: DECIMAL}", "say DECIMAL(p,s) to keep all"),
        (
            "{name: a, logicalType: string, quality: [{rule: nullValues, mustBe: 0}]}",
            "rule is the old name of metric",
        ),
        (
            "{name: a, logicalType: boolean, "
            "customProperties: [{property: truevalues, value: [x]}]}",
            "did you mean 'trueValues'?",
        ),
    ],
)
def test_words_that_may_be_meant_otherwise_are_warned_of(
    findings: Callable[..., list[tuple[str, int, int, str]]], text: str, message: str
) -> None:
    ((severity, line, _, said),) = findings(contract=with_property(text))

    assert (severity, line) == ("warning", FIRST_PROPERTY)
    assert message in said


@pytest.mark.parametrize(("logical", "instead"), [("map", "say object"), ("vector", "say array")])
def test_types_without_a_meaning_in_files_are_refused(
    findings: Callable[..., list[tuple[str, int, int, str]]], logical: str, instead: str
) -> None:
    more = {
        "map": ", map: {key: {logicalType: string}, value: {logicalType: string}}",
        "vector": ", logicalTypeOptions: {dimensions: 3}",
    }
    text = f"{{name: a, logicalType: {logical}{more[logical]}}}"

    ((severity, line, _, said),) = findings(
        contract=with_property(text).replace("v3.1.0", "v3.2.0")
    )

    assert (severity, line) == ("error", FIRST_PROPERTY)
    assert instead in said


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            "{name: a, primaryKey: true, primaryKeyPosition: 1}\n"
            "      - {name: b, primaryKey: true}",
            "b has no primaryKeyPosition",
        ),
        (
            "{name: a, primaryKey: true, primaryKeyPosition: 1}\n"
            "      - {name: b, primaryKey: true, primaryKeyPosition: 1}",
            "both have position 1",
        ),
        ("{name: a}\n      - {name: b, physicalName: a}", "two columns are called 'a' in the file"),
    ],
)
def test_columns_that_do_not_go_together_are_found(
    findings: Callable[..., list[tuple[str, int, int, str]]], properties: str, message: str
) -> None:
    ((severity, line, _, said),) = findings(contract=with_property(properties))

    assert (severity, line) == ("error", FIRST_PROPERTY + 1)
    assert message in said


def test_a_property_without_logical_type_is_text(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    assert findings(contract=with_property("{name: a}")) == []


def test_an_unknown_word_of_a_property_is_found_at_its_place(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    (found,) = findings(contract=with_property("{name: a, logicaltype: date}"))

    assert found[:3] == ("error", FIRST_PROPERTY, 19)
    assert "did you mean 'logicalType'?" in found[3]


def test_names_that_differ_in_case_alone_are_warned_of(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    ((severity, line, _, said),) = findings(contract=with_property("{name: a}\n      - {name: A}"))

    assert (severity, line) == ("warning", FIRST_PROPERTY + 1)
    assert "'A' and 'a' differ in case alone" in said
