from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.plan_steps import Write
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.dataset import CompiledDataset

CONTRACT = f"""{CONTRACT_HEAD}\
      - {{name: t, logicalType: string}}
      - {{name: n, logicalType: integer}}
      - {{name: d, logicalType: date}}
      - {{name: l, logicalType: timestamp, logicalTypeOptions: {{timezone: false}}}}
"""


@pytest.fixture
def compiled(compile_dataset: Callable[..., CompiledDataset]) -> Callable[[str], CompiledDataset]:
    """Compile a dataset with this `write` section."""
    return lambda write: compile_dataset(f"write: {write}\n", contract=CONTRACT)


def test_all_words_are_taken(compiled: Callable[[str], CompiledDataset]) -> None:
    dataset = compiled(
        "{format: csv, partition_by: [t], sort_by: [-n, d], compression: gzip, delimiter: '|', "
        "null_text: '?', date_format: d.M.yy, timestamp_format: HH:mm, formula_guard: true}"
    )

    assert dataset.plan is not None
    assert dataset.plan.write == Write(
        "csv",
        ("t",),
        ("-n", "d"),
        "gzip",
        delimiter="|",
        null_text="?",
        date_format="d.M.yy",
        timestamp_format="HH:mm",
        formula_guard=True,
    )


# section, what the finding points at, words of the message
ERRORS = [
    ("{sort_by: [x]}", "sort_by", "there is no column 'x' here"),
    ("{sort_by: [t, -t]}", "-t", "t stands here a second time"),
    ("{sort_by: [t], partition_by: [t]}", "t]", "t is in partition_by"),
    ("{delimiter: ;}", "delimiter", "delimiter is for csv; the format is parquet"),
    ("{format: json, null_text: x}", "null_text", "null_text is for csv; the format is json"),
    ("{date_format: yyyy}", "date_format", "date_format is for csv and json"),
    ("{format: csv, row_group_rows: 5000}", "row_group_rows", "row_group_rows is for parquet"),
    *(
        (f"{{format: csv, delimiter: {sign}}}", "delimiter", "cannot be the delimiter")
        for sign in ("a", "'1'", "'.'", "'-'", "' '", "'\"'", "ö", r'"\n"')
    ),
    *(
        (f"{{format: csv, null_text: {word}}}", "null_text", "null_text has a delimiter")
        for word in ("'a,b'", "'\"'", r'"\n"')
    ),
    ("{format: csv, date_format: yyyy HH}", "date_format", "no time of day: leave out H"),
    ("{format: csv, date_format: QQ}", "date_format", "uses 'QQ', which cannot be written"),
    ("{format: csv, timestamp_format: yyyy X}", "timestamp_format", "some timestamps have no zone"),
]


@pytest.mark.parametrize(("write", "at", "message"), ERRORS)
def test_an_error_is_found_at_its_place(
    compiled: Callable[[str], CompiledDataset], write: str, at: str, message: str
) -> None:
    found = [finding for finding in compiled(write).findings if message in finding.message]

    assert len(found) == 1
    assert (found[0].severity, found[0].line) == ("error", 1)
    assert f"write: {write}"[found[0].column - 1 :].startswith(at)


def test_a_partition_by_masked_values_is_warned_of(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    contract = CONTRACT.replace("t, logicalType: string", "t, classification: pii")

    found = compile_dataset("write: {partition_by: [n, t]}\n", contract=contract).findings

    assert [(one.severity, one.line, one.column) for one in found] == [("warning", 1, 27)]
    assert "the values of t are masked" in found[0].message


# section, words of the note
NOTES = [
    ("{format: csv, null_text: '0'}", "0 may be a value of n too"),
    ("{format: csv, null_text: '2013-01-01'}", "2013-01-01 may be a value of d"),
    ("{format: csv, null_text: NA}", "a text NA is written in quotes and no value without"),
    ("{format: csv, timestamp_format: HH, partition_by: [l]}", ""),
]


@pytest.mark.parametrize(("write", "message"), NOTES)
def test_what_a_reader_cannot_tell_is_noted(
    compiled: Callable[[str], CompiledDataset], write: str, message: str
) -> None:
    findings = compiled(write).findings

    assert {finding.severity for finding in findings} <= {"note"}
    assert any(message in finding.message for finding in findings) or not message


def test_nothing_is_said_of_an_empty_text_for_no_value(
    compiled: Callable[[str], CompiledDataset],
) -> None:
    assert compiled("{format: csv}").findings == ()


def test_a_pattern_that_no_column_is_written_in_is_noted(
    compile_dataset: Callable[..., CompiledDataset],
) -> None:
    contract = f"{CONTRACT_HEAD}      - {{name: n, logicalType: integer}}\n"

    (found,) = compile_dataset(
        "write: {format: csv, date_format: yyyy}\n", contract=contract
    ).findings

    assert (found.severity, found.message) == ("note", "no column is written in date_format")
