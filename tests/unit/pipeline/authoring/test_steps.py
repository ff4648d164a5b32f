from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cleaning import FILL, STEPS
from pipeline.plan_steps import Clean, Dedupe, Rejects, Step, Write
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.dataset import CompiledDataset
    from pipeline.plan import Plan

CONTRACT = f"""{CONTRACT_HEAD}\
      - {{name: t, logicalType: string}}
      - {{name: n, logicalType: integer}}
      - {{name: x, logicalType: number}}
      - {{name: d, logicalType: date}}
"""
PYTHON = """
def fine(frame): return frame.assign(made=frame["n"] * 2)
def value(frame): return frame["x"] + 1
def raising(frame): raise ValueError("no such thing")
def number(frame): return 42
def rows(frame): return __import__("pandas").DataFrame({"made": [1]})
"""
INPUT = {"t": "string", "n": "int64", "x": "double", "d": "date32[day]"}
LINEAGE = {"processed_date": "timestamp[us, tz=UTC]", "status": "string"}


@pytest.fixture
def plan(compile_dataset: Callable[..., CompiledDataset]) -> Callable[[str], Plan]:
    def of(steps: str) -> Plan:
        compiled = compile_dataset(steps, contract=CONTRACT, files={"steps.py": PYTHON})
        assert compiled.plan is not None, compiled.findings
        return compiled.plan

    return of


def test_without_steps_the_columns_pass_through(plan: Callable[[str], Plan]) -> None:
    compiled = plan("{}\n")

    assert compiled.schemas == {
        "validate": INPUT,
        "clean": INPUT,
        "transform": INPUT,
        "enrich": INPUT | LINEAGE,
    }
    assert (compiled.rejects, compiled.clean, compiled.write) == (Rejects(), Clean(), Write())


def test_rejects_clean_and_write_are_taken_as_they_are_declared(
    plan: Callable[[str], Plan],
) -> None:
    compiled = plan("""\
rejects: {max_share: 0.25, max_rows: 10, notify: true}
clean:
  all: [trim, {null_words: [NA]}]
  columns:
    t: [upper, {map: {A: B, C: null}}, {replace: {pattern: x, with: y}}, {fill: none}]
    n: [{clip: {min: 0, max: 9}}, {fill: 0}]
    x: [{round: 2}]
  dedupe: [t, n]
write: {format: csv, partition_by: [n], compression: gzip}
""")

    assert compiled.rejects == Rejects(0.25, 10, notify=True)
    assert compiled.clean == Clean(
        all=(Step("trim"), Step("null_words", ["NA"])),
        columns={
            "t": (
                Step("upper"),
                Step("map", {"A": "B", "C": None}),
                Step("replace", {"pattern": "x", "with": "y"}),
                Step("fill", "none"),
            ),
            "n": (Step("clip", {"min": 0, "max": 9}), Step("fill", 0)),
            "x": (Step("round", 2),),
        },
        dedupe=Dedupe(("t", "n")),
    )
    assert compiled.write == Write("csv", ("n",), compression="gzip")


@pytest.mark.parametrize(
    ("steps", "columns"),
    [
        ("- derive: {m: n + 1, k: m / 2}", {**INPUT, "m": "int64", "k": "double"}),
        ("- derive: {n: n > 1}", {**INPUT, "n": "bool"}),
        ("- derive: {one: '1'}", {**INPUT, "one": "int32"}),
        ("- filter: n > 1 AND t IS NOT NULL", INPUT),
        (
            "- rename: {t: text}",
            {"text": "string", "n": "int64", "x": "double", "d": "date32[day]"},
        ),
        ("- select: [d, t]", {"d": "date32[day]", "t": "string"}),
        ("- drop: [d, t]", {"n": "int64", "x": "double"}),
        ("- python: fine", {**INPUT, "made": "int64"}),
        ("- python: value", {**INPUT, "value": "double"}),
        ("- rename: {n: m}\n  - derive: {k: m}\n  - select: [k]", {"k": "int64"}),
    ],
)
def test_columns_are_known_after_each_step(
    plan: Callable[[str], Plan], steps: str, columns: dict[str, str]
) -> None:
    assert plan(f"transform:\n  {steps}\n").schemas["transform"] == columns


def test_sql_steps_name_the_columns_they_read(plan: Callable[[str], Plan]) -> None:
    derive, only, constant = plan(
        "transform:\n  - derive: {m: 'N + length(\"t\")'}\n"
        "  - filter: m > x\n  - derive: {k: '1'}\n"
    ).transform

    assert derive.argument == {"columns": {"m": 'N + length("t")'}, "inputs": ["t", "n"]}
    assert only.argument == {"where": "m > x", "inputs": ["x", "m"]}
    assert constant.argument["inputs"] == ["t"]


# pipeline.yaml, what the finding points at, words of the message
ERRORS: list[tuple[str, str, str]] = [
    (
        "clean: {columns: {y: [trim]}}",
        "columns",
        "there is no column 'y' here; there are: t, n, x, d",
    ),
    ("clean: {dedupe: [t, y]}", "dedupe", "there is no column 'y' here"),
    ("clean: {all: [{fill: x}]}", "{fill", "fill is for single columns, not for all"),
    ("clean: {all: [{round: 1}]}", "{round", "round is for single columns, not for all"),
    ("clean: {all: [{replace: {pattern: '(', with: ''}}]}", "{replace", "replace: Invalid regular"),
    ("clean: {columns: {t: [{replace: {pattern: '(', with: ''}}]}}", "{replace", "missing )"),
    ("clean: {columns: {t: [{replace: {pattern: a, with: '\\7'}}]}}", "{replace", "replacement"),
    ("clean: {columns: {n: [trim]}}", "trim", "trim is for text, and the column is int64"),
    (
        "clean: {columns: {t: [{clip: {min: 1}}]}}",
        "{clip",
        "clip is for numbers, and the column is",
    ),
    ("clean: {columns: {n: [{clip: {min: 0.5}}]}}", "{clip", "clip: the column holds whole"),
    ("clean: {columns: {n: [{fill: 1.5}]}}", "{fill", "fill: the column holds whole numbers"),
    ("clean: {columns: {n: [{fill: none}]}}", "{fill", "fill: "),
    ("clean: {columns: {n: [{fill: 1180591620717411303424}]}}", "{fill", "fill: "),
    ("clean: {columns: {d: [{fill: 2013-02-31}]}}", "{fill", "fill: "),
    ("clean: {columns: {t: [tirm]}}", "tirm", "'tirm' is none of 'trim', 'collapse'"),
    (
        "clean: {columns: {t: [{null_word: [x]}]}}",
        "null_word",
        "unknown word 'null_word'; did you mean 'null_words'?",
    ),
    ("clean: {all: [{trim: true}]}", "trim: true", "write trim, without a colon"),
    ("clean: {all: [replace]}", "replace", "'replace' needs a value: write {replace: ...}"),
    ("clean: {all: [trimm]}", "trimm", "did you mean 'trim'?"),
    ("clean: {dedupe: {by: [n], kep: last}}", "kep", "did you mean 'keep'?"),
    ("write: {partition_by: n}", "partition_by", "partition_by is a list, not 'n': write [n]"),
    ("enrich: [{constant: {a: 1}, constants: {b: 1}}]", "constant:", "did you mean 'constants'?"),
    ("claen: {}", "claen", "unknown word 'claen'; did you mean 'clean'?"),
    (
        "zzz: {}",
        "zzz",
        "unknown word 'zzz'; known here: rejects, drift, salvage, clean, transform, enrich, write",
    ),
    ("rejects: {max_share: 2}", "max_share", "max_share is at most 1, not 2"),
    ("rejects: {notify: 'yes'}", "notify", "notify is true or false, not 'yes'"),
    ("rejects: {max_rows: many}", "max_rows", "max_rows is a whole number, not 'many'"),
    ("transform: [{derive: {m: nope + 1}}]", "m:", 'm: Binder Error: Referenced column "nope" not'),
    ("transform: [{derive: {m: t + 1}}]", "m:", "m: "),
    ("transform: [{derive: {m: n +}}]", "m:", "m: syntax error"),
    ("transform: [{derive: {m: '1), (2'}}]", "m:", "one expression is expected"),
    ("transform: [{derive: {N: n + 1}}]", "N:", "SQL cannot tell 'N' from 'n'"),
    ("transform: [{derive: {m: n + 1, M: n}}]", "M:", "SQL cannot tell 'M' from 'm'"),
    ("transform: [{derive: {m: sum(n)}}]", "m:", "looks at many rows"),
    ("transform: [{derive: {m: count(*)}}]", "m:", "looks at many rows"),
    ("transform: [{derive: {m: row_number() OVER ()}}]", "m:", "one row at a time"),
    ("transform: [{derive: {m: (SELECT 1)}}]", "m:", "join tables with enrich"),
    ("transform: [{derive: {m: EXISTS (SELECT 1)}}]", "m:", "join tables with enrich"),
    ("transform: [{derive: {m: random()}}]", "m:", "random() differs from run to run"),
    ("transform: [{derive: {m: now()}}]", "m:", "processed_date holds the time of the run"),
    ("transform: [{derive: {m: CURRENT_DATE}}]", "m:", "differs from run to run"),
    ("transform: [{derive: {m: current_timestamp}}]", "m:", "differs from run to run"),
    ("transform: [{derive: {m: 'unnest([1, 2])'}}]", "m:", "several rows of one"),
    ("transform: [{derive: {m: '*'}}]", "m:", "* stands for several columns"),
    ("transform: [{derive: {m: COLUMNS('n')}}]", "m:", "* stands for several columns"),
    ("transform: [{derive: {_m: '1'}}]", "_m:", "names that begin with _ are the pipeline's own"),
    ("transform: [{derive: {_row_number: '1'}}]", "_row_number:", "the pipeline's own"),
    ("transform: [{rename: {t: _row_number}}]", "t: _row", "the pipeline's own"),
    ("transform: [{rename: {t: status}}]", "transform", "enrich adds a column 'status'"),
    ("transform: [{derive: {m: '[1]'}}]", "transform", "m: Columns of the Arrow type 'list"),
    ("transform: [{filter: n + 1}]", "filter", "a filter is a condition; this is of type int64"),
    ("transform: [{filter: nope}]", "filter", 'Referenced column "nope" not found'),
    ("transform: [{rename: {y: z}}]", "rename", "there is no column 'y' here"),
    ("transform: [{rename: {t: n}}]", "t: n", "there is a column 'n' already"),
    ("transform: [{select: [t, y]}]", "select", "there is no column 'y' here"),
    ("transform: [{drop: [y]}]", "drop", "there is no column 'y' here"),
    ("transform: [{python: nothing}]", "python", "There is no function nothing"),
    (
        "transform: [{python: raising}]",
        "python",
        "raised ValueError on a frame without rows (steps.py:4): no such thing.",
    ),
    ("transform: [{python: number}]", "python", "number returned int"),
    ("transform: [{python: rows}]", "python", "made 1 rows of 0"),
    ("transform: [{drive: {m: n}}]", "drive", "unknown word 'drive'; did you mean 'derive'?"),
    (
        "transform: [{derive: {m: n}, filter: n > 1}]",
        "{derive",
        "each item is a mapping of one word",
    ),
    ("transform: [{derive: {m: 1}}]", "m:", "m is text, not 1"),
    ("write: {format: xml}", "format", "'xml' is none of 'parquet', 'csv', 'json'"),
    ("write: {partition_by: [y]}", "partition_by", "there is no column 'y' here"),
    ("write: {partition_by: [t, t]}", "partition_by", "has non-unique elements"),
    (
        "write: {partition_by: [t, n, x, d, processed_date, status]}",
        "partition_by",
        "at least one column must stay in the files",
    ),
    (
        "write: {format: csv, compression: zstd}",
        "compression",
        "compressed with gzip or not at all",
    ),
]


@pytest.mark.parametrize(("steps", "at", "message"), ERRORS)
def test_an_error_is_found_at_its_place(
    findings: Callable[..., list[tuple[str, int, int, str]]], steps: str, at: str, message: str
) -> None:
    found = findings(f"# first line\n{steps}\n", contract=CONTRACT, files={"steps.py": PYTHON})

    assert len(found) == 1, found
    severity, line, column, said = found[0]
    assert (severity, line) == ("error", 2)
    assert steps[column - 1 :].startswith(at)
    assert message in said


def test_all_errors_are_found_at_once(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    found = findings(
        "transform:\n  - derive:\n      m: nope\n      k: n\n"
        "  - filter: k > zzz\n  - select: [y]\n",
        contract=CONTRACT,
    )

    assert [(line, column) for _, line, column, _ in found] == [(3, 7), (5, 5), (6, 5)]


def test_missing_dates_can_be_filled(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    for spelling in ("2013-01-31", "'2013-01-31'"):
        steps = f"clean: {{columns: {{d: [{{fill: {spelling}}}]}}}}\n"
        assert findings(steps, contract=CONTRACT) == []


def test_python_steps_without_a_file_are_an_error(
    findings: Callable[..., list[tuple[str, int, int, str]]],
) -> None:
    (found,) = findings("transform:\n  - python: fine\n")

    assert found[:3] == ("error", 2, 5)
    assert "no steps.py" in found[3]


def schema() -> dict[str, Any]:
    file = resources.files("pipeline.authoring") / "pipeline.schema.json"
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document


def test_the_schema_knows_exactly_the_steps_that_are_registered() -> None:
    bare, with_argument = schema()["$defs"]["steps"]["items"]["anyOf"]

    assert {*bare["enum"], *with_argument["properties"]} == {
        *STEPS,
        FILL,
        "parse_number",
        "parse_date",
    }
