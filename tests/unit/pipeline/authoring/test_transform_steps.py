"""What `pipeline check` knows of transform's steps that change columns, types and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.plan_steps import Step
from tests.unit.pipeline.support import CONTRACT_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.authoring.dataset import CompiledDataset

CONTRACT = f"""{CONTRACT_HEAD}\
      - {{name: t, logicalType: string}}
      - {{name: n, logicalType: integer}}
      - {{name: x, logicalType: number}}
      - {{name: m, logicalType: integer}}
      - {{name: d, logicalType: date}}
"""
INPUT = {"t": "string", "n": "int64", "x": "double", "m": "int64", "d": "date32[day]"}
PYTHON = """\
from __future__ import annotations

import functools
import typing
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def plain(frame): return frame
def whole(frame: pd.DataFrame) -> pd.DataFrame: return frame
def column(frame: pd.DataFrame, factor: int = 2) -> "pd.Series[int]": return frame["n"] * factor
def either(frame: DataFrame) -> DataFrame | Series: return frame
def any_of(frame: typing.Any, *args) -> typing.Union[pd.DataFrame, pd.Series]: return frame

@functools.cache
def cached(frame): return frame

def nothing_at_all(): return 1
def two(frame, more): return frame
def by_name(*, frame): return frame
def wrong(frame: list[int]): return frame
def wrong_name(frame: Nowhere): return frame
def rows(frame: pd.DataFrame) -> list: return frame
def nullable(frame) -> pd.DataFrame | None: return frame
constant = 5
"""


@pytest.fixture
def compiled(compile_dataset: Callable[..., CompiledDataset]) -> Callable[[str], CompiledDataset]:
    def of(steps: str, python: str = PYTHON) -> CompiledDataset:
        transform = f"transform:\n  {steps}\n"
        return compile_dataset(transform, contract=CONTRACT, files={"steps.py": python})

    return of


@pytest.mark.parametrize(
    ("steps", "columns"),
    [
        (
            "- cast: {n: VARCHAR, x: 'decimal(9, 2)'}",
            INPUT | {"n": "string", "x": "decimal128(9, 2)"},
        ),
        ("- cast: {t: TIMESTAMP WITH TIME ZONE}", INPUT | {"t": "timestamp[us, tz=UTC]"}),
        ("- cast: {t: json}", INPUT),
        ("- split: {column: t, by: ';', into: [a, b]}", INPUT | {"a": "string", "b": "string"}),
        ("- explode: {column: t}", INPUT),
        ("- explode: {column: t, position: at}", INPUT | {"at": "int64"}),
        (
            "- unpivot: {columns: [n, m], name: what, value: how_many}",
            {
                "t": "string",
                "x": "double",
                "d": "date32[day]",
                "what": "string",
                "how_many": "int64",
            },
        ),
        (
            "- unpivot: {columns: [n, m], name: n, value: m}",
            {"t": "string", "x": "double", "d": "date32[day]", "n": "string", "m": "int64"},
        ),
        ("- python: plain", INPUT),
        ("- python: whole", INPUT),
        ("- python: column", INPUT | {"column": "int64"}),
        ("- python: either", INPUT),
        ("- python: any_of", INPUT),
    ],
)
def test_columns_are_known_after_each_step(
    compiled: Callable[[str], CompiledDataset], steps: str, columns: dict[str, str]
) -> None:
    found = compiled(steps)

    assert found.plan is not None, found.findings
    assert found.plan.schemas["transform"] == columns


def test_what_is_left_open_is_in_the_plan(compiled: Callable[[str], CompiledDataset]) -> None:
    found = compiled("- explode: {column: t}\n  - unpivot: {columns: [n, m], name: k, value: v}")

    assert found.plan is not None
    assert found.plan.transform == (
        Step("explode", {"column": "t", "by": None, "position": None}),
        Step("unpivot", {"columns": ["n", "m"], "name": "k", "value": "v", "keep_nulls": False}),
    )


# A step, what the finding points at, words of the message.
ERRORS: list[tuple[str, str, str]] = [
    ("- cast: {y: INTEGER}", "y:", "there is no column 'y' here; there are: t, n, x, m, d"),
    ("- cast: {n: INTEGRE}", "n:", "Type with name INTEGRE does not exist"),
    ("- cast: {n: 'INTEGER) + (1'}", "n:", "the name of an SQL type is expected"),
    ("- cast: {n: ''}", "n:", "syntax error"),
    ("- cast: {n: 'DECIMAL(50, 2)'}", "n:", "DECIMAL type width must be between 1 and 38"),
    ("- cast: {t: 'ENUM(''a'')'}", "t:", "the type ENUM('a') is not supported; there are VARCHAR"),
    ("- cast: {t: BLOB}", "t:", "the type BLOB is not supported"),
    ("- cast: {t: 'VARCHAR(3)'}", "t:", "write VARCHAR, and maxLength in the contract"),
    ("- cast: {d: INTEGER}", "d:", "a date cannot be cast to INTEGER and stay what it is"),
    ("- cast: {n: DATE}", "n:", "a whole number cannot be cast to DATE"),
    ("- cast: {d: TIME}", "d:", "a date cannot be cast to TIME"),
    ("- split: {column: y, by: ',', into: [a]}", "column", "there is no column 'y' here"),
    ("- split: {column: n, by: ',', into: [a]}", "column", "'n' is of type int64, not text"),
    ("- split: {column: t, by: ',', into: [a, t]}", "t]", "there is a column 't' already"),
    ("- split: {column: t, by: ',', into: [a, A]}", "A]", "SQL cannot tell 'A' from 'a'"),
    ("- split: {column: t, by: ',', into: [_a]}", "_a]", "names that begin with _ are the"),
    ("- split: {column: t, by: ',', into: [status]}", "transform", "enrich adds a column 'status'"),
    ("- explode: {column: y}", "column", "there is no column 'y' here"),
    ("- explode: {column: d}", "column", "'d' is of type date32[day], not text"),
    ("- explode: {column: t, position: n}", "position", "there is a column 'n' already"),
    ("- explode: {column: t, position: _n}", "position", "names that begin with _"),
    ("- unpivot: {columns: [n, y], name: k, value: v}", "columns", "there is no column 'y' here"),
    (
        "- unpivot: {columns: [n, x], name: k, value: v}",
        "columns",
        "columns of one type are expected (n is int64, x is double): cast them before",
    ),
    ("- unpivot: {columns: [n], name: t, value: v}", "name", "there is a column 't' already"),
    ("- unpivot: {columns: [n], name: k, value: t}", "value", "there is a column 't' already"),
    ("- unpivot: {columns: [n], name: k, value: k}", "value", "there is a column 'k' already"),
    ("- unpivot: {columns: [n], name: k, value: K}", "value", "SQL cannot tell 'K' from 'k'"),
    ("- python: constant", "python", "constant is no function: a step is `def constant(frame)`"),
    ("- python: cached", "python", "cached is no function"),
]


@pytest.mark.parametrize(("steps", "at", "message"), ERRORS)
def test_a_misuse_is_found_at_its_place(
    compiled: Callable[[str], CompiledDataset], steps: str, at: str, message: str
) -> None:
    found = compiled(steps)

    (finding,) = found.findings
    text = f"transform:\n  {steps}\n".splitlines()[finding.line - 1]
    assert text[finding.column - 1 :].startswith(at)
    assert message in finding.message
    assert (finding.severity, finding.file.endswith("pipeline.yaml")) == ("error", True)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("nothing_at_all", "a step has one required parameter, the frame; this one has: none"),
        ("two", "a step has one required parameter, the frame; this one has: frame, more"),
        ("by_name", "a step has one required parameter, the frame; this one has: frame"),
        ("wrong", "its parameter frame is annotated as something else than a pandas DataFrame"),
        ("wrong_name", "its parameter frame is annotated as something else"),
        ("rows", "its result is annotated as something else than a pandas DataFrame or Series"),
        ("nullable", "its result is annotated as something else"),
    ],
)
def test_a_function_that_is_no_step_is_found_in_steps_py(
    compiled: Callable[[str], CompiledDataset], step: str, message: str
) -> None:
    found = compiled(f"- python: {step}")

    (finding,) = found.findings
    assert finding.file.endswith("steps.py")
    assert PYTHON.splitlines()[finding.line - 1].startswith(f"def {step}(")
    assert (finding.column, finding.severity) == (1, "error")
    assert finding.message.startswith(f"{step}: {message}")


@pytest.mark.parametrize(
    ("python", "line", "message"),
    [
        ("import pandas\n\ndef f(frame)\n    return frame\n", 3, "SyntaxError: "),
        ("import pandas\nimport nowhere_to_be_found\n", 2, "ModuleNotFoundError: No module named"),
        ("def f(frame): return frame\n\n\n1 / 0\n", 4, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported_is_an_error_in_it(
    compiled: Callable[..., CompiledDataset], python: str, line: int, message: str
) -> None:
    found = compiled("- python: f", python)

    (finding,) = found.findings
    assert (finding.file.rpartition("/")[2], finding.line) == ("steps.py", line)
    assert f"steps.py cannot be imported: {message}" in finding.message


def test_a_column_that_is_a_word_of_sql_is_told_how_to_write(
    compiled: Callable[[str], CompiledDataset],
) -> None:
    found = compiled("- rename: {n: order}\n  - derive: {k: order + 1}")

    (finding,) = found.findings
    assert finding.line == 3
    assert 'order is a word of SQL, so that the column is written "order"' in finding.message
