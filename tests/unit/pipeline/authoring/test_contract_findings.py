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
    (
        "{name: a, logicalType: object}",
        "logicalType",
        "columns of type object are not supported; use one of",
    ),
    ("{name: a, logicalType: array}", "logicalType", "columns of type array are not supported"),
    ("{name: a, logicalType: strin}", "logicalType", "'strin' is none of 'string'"),
    ("{name: _a, logicalType: string}", "name", "names that begin with _ are the pipeline's own"),
    ("{logicalType: string}", "{logicalType", "'name' is a required property"),
    (
        "{name: a, logicalType: date, logicalTypeOptions: {format: yy}}",
        "format",
        "'yy', which is not supported",
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
        ("csvDialect", "{delimter: ';'}", "delimter", "csvDialect: delimter is not supported"),
        ("csvDialect", "{delimiter: ';;'}", "delimiter", "';;' is no delimiter"),
        ("csvDialect", "{delimiter: 7}", "delimiter", "7 is no delimiter"),
        ("csvDialect", "{quoteChar: '“'}", "quoteChar", "is no quoteChar"),
        ("csvDialect", "{encoding: utf-99}", "encoding", "'utf-99' is no encoding"),
        ("csvDialect", "{encoding: base64}", "encoding", "'base64' is no encoding"),
        ("csvDialect", "{encoding: 8}", "encoding", "8 is no encoding"),
        ("csvDialect", "{header: false}", "header", "files need a header row"),
        ("csvDialect", "';'", "value", "csvDialect is a mapping"),
        ("missingValues", "[NA, -999]", "value", "missingValues is a list of quoted words"),
        ("missingValues", "NA", "value", "missingValues is a list of quoted words"),
        ("limits", "{maxRows: 5}", "maxRows", "limits: maxRows is not supported; known: maxBytes,"),
        ("limits", "{maxBytes: 0}", "maxBytes", "limits: maxBytes is a whole number from 1, not 0"),
        ("limits", "{maxColumns: -1}", "maxColumns", "a whole number from 1, not -1"),
        ("limits", "{maxColumns: 1.5}", "maxColumns", "a whole number from 1, not 1.5"),
        ("limits", "{maxRowBytes: 4 MB}", "maxRowBytes", "a whole number from 1, not '4 MB'"),
        ("limits", "{maxNesting: true}", "maxNesting", "a whole number from 1, not True"),
        ("limits", "{maxNesting: null}", "maxNesting", "a whole number from 1, not None"),
        ("limits", "{maxNesting: 201}", "maxNesting", "limits: maxNesting is at most 200"),
        ("limits", "{maxRowBytes: 268435457}", "maxRowBytes", "at most 268,435,456"),
        ("limits", "5", "value", "limits is a mapping of words to numbers"),
        ("limits", "[maxBytes]", "value", "limits is a mapping of words to numbers"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{name: a, logicalType: integer, logicalTypeOptions: {multipleOf: 2}}",
            "a: multipleOf is not",
        ),
        ("{name: a, logicalType: integer, logicalTypeOptions: {format: i32}}", "a: format is not"),
        ("{name: a, logicalType: string, relationships: [{to: x.y}]}", "enrich joins lookups"),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0}]}",
            "nullValues is",
        ),
        (
            "{name: a, logicalType: string, quality: [{type: sql, query: x, mustBe: 0}]}",
            "sql is not",
        ),
        (
            "{name: a, logicalType: string, quality: "
            "[{metric: invalidValues, arguments: {validValues: [x]}, mustBeLessThan: 9}]}",
            "invalidValues is not enforced",
        ),
    ],
)
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
        ("    quality: [{metric: rowCount, mustBeGreaterThan: 0}]\n", "note", "rowCount is not"),
        ("    quality: [{type: text, description: x}]\n", "note", "this rule is not enforced"),
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
