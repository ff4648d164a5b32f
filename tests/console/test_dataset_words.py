"""Rules and steps in words, and the way of each column through the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from console.reading.column_lineage import Origin, origins
from console.reading.datasets import owner_of
from console.reading.definitions import Definition, Definitions
from console.reading.rule_words import column_rules, table_rules
from console.reading.stage_words import stages
from pipeline.plan_contract import Column, Rule
from tests.console.dataset_folders import column, write_dataset

if TYPE_CHECKING:
    from pathlib import Path


def defined(folder: Path, columns: list[dict[str, Any]], steps: Any, **more: Any) -> Definition:
    write_dataset(folder, "things", columns, steps, **more)
    found = Definitions(folder).get("things")
    assert found is not None
    assert found.errors == ()
    return found


def made(definition: Definition) -> dict[str, Origin]:
    assert definition.plan is not None
    return origins(definition.plan, definition.steps, definition.table_rows)


def titles(origin: Origin) -> list[str]:
    return [step.title for step in origin.steps]


def from_columns(origin: Origin) -> set[str]:
    return {f"{one.table}.{one.column}" if one.table else one.column for one in origin.sources}


# --- rules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([Rule("minimum", 1), Rule("maximum", 12)], ["between 1 and 12"]),
        ([Rule("minimum", 1)], ["at least 1"]),
        ([Rule("minimum", 1), Rule("maximum", 9, "warning")], ["at least 1", "at most 9"]),
        ([Rule("minLength", 2), Rule("maxLength", 2)], ["exactly 2 characters"]),
        ([Rule("minLength", 2), Rule("maxLength", 5)], ["2 to 5 characters"]),
        ([Rule("exclusiveMinimum", 0)], ["greater than 0"]),
        ([Rule("pattern", "^a+$")], ["matches ^a+$"]),
        ([Rule("validValues", ["EWR", "JFK"])], ["one of EWR, JFK"]),
        ([Rule("format", "email")], ["has the format email"]),
        ([Rule("multipleOf", 5)], ["a multiple of 5"]),
    ],
)
def test_rules_are_said_as_a_person_would(rules: list[Rule], said: list[str]) -> None:
    found = column_rules(Column("a", "integer", rules=tuple(rules)))
    assert [rule.text for rule in found] == said


def test_a_list_of_thousands_is_cut_and_says_so() -> None:
    (rule,) = column_rules(Column("a", "integer", rules=(Rule("validValues", list(range(5000))),)))
    assert rule.text.endswith("and 4,988 more")


def test_what_becomes_of_a_broken_rule_is_said(tmp_path: Path) -> None:
    definition = defined(
        tmp_path,
        [column("a", primaryKey=True), column("b")],
        {},
        table={
            "quality": [
                {"metric": "rowCount", "mustBeBetween": [10, 20]},
                {
                    "metric": "duplicateValues",
                    "arguments": {"properties": ["a", "b"]},
                    "mustBeLessThan": 5,
                    "unit": "percent",
                    "severity": "warning",
                },
            ]
        },
    )
    assert definition.plan is not None
    key, rows, repeated = table_rules(definition.plan)
    assert (key.text, key.breaks) == ("a: together the key, no two rows alike", "row rejected")
    assert (rows.text, rows.breaks) == ("rows of the file: must be from 10 to 20", "file refused")
    assert repeated.text == (
        "rows that repeat a, b of an earlier row: must be less than 5 percent of the rows"
    )
    assert (repeated.severity, repeated.breaks) == ("warning", "counted, told")


@pytest.mark.parametrize(
    ("team", "said"),
    [
        (None, ""),
        ("nobody", ""),
        ([{"username": "ada"}, {"username": "bo", "dateOut": "2020-01-01"}], "ada"),
        (
            {"name": "Harbour", "members": [{"name": "Cy", "role": "Steward"}]},
            "Harbour, Cy (Steward)",
        ),
        ({"members": 3}, ""),
    ],
)
def test_the_owner_is_the_contracts_team(team: Any, said: str) -> None:
    assert owner_of({"team": team}) == said


# --- steps -------------------------------------------------------------------------------------


def test_stages_are_told_in_their_order_with_their_steps(tmp_path: Path) -> None:
    definition = defined(
        tmp_path,
        [column("a"), column("b"), column("t", logicalType="string")],
        {
            "rejects": {"max_share": 0.05, "max_rows": 10},
            "salvage": True,
            "clean": {
                "all": ["trim"],
                "columns": {
                    "a": [{"fill": {"column": "b"}}],
                    "b": [{"fill": 3}, {"clip": {"max": 9}}],
                },
                "dedupe": {"by": ["t"], "keep": "last", "order_by": ["-a"]},
            },
            "transform": [{"filter": "a > 1"}, {"rename": {"t": "text"}}, {"drop": ["b"]}],
            "enrich": [{"constants": {"c": 1}}, {"context": {"file": "source_file"}}],
            "write": {"format": "csv", "sort_by": ["-a"], "delimiter": ";"},
        },
    )
    found = {stage.name: {step.title: step for step in stage.steps} for stage in stages(definition)}
    assert list(found) == ["validate", "clean", "transform", "enrich", "write"]
    limit = found["validate"]["rejected rows"].text
    assert limit == "the run fails if more than 5 % of the rows or 10 rows are rejected"
    assert "salvage" in found["validate"]
    clean = found["clean"]
    assert clean["trim"].text == "every text column: remove white space around the text"
    assert clean["fill a"].text == "the value of b where there is no value"
    assert clean["fill b"].text == "3 where there is no value"
    assert clean["clip b"].text == "values beyond the bounds become the bounds (max 9)"
    assert clean["dedupe"].text == "of rows with the same t, the last in the order of -a is kept"
    assert found["transform"]["filter"].code == "a > 1"
    assert found["transform"]["rename t"].text == "it is called text"
    assert found["enrich"]["constant c"].text == "always 1"
    assert found["write"]["order"].text == "the rows of each file by a descending"


def test_a_python_step_is_its_docstring_and_its_code(tmp_path: Path) -> None:
    code = 'def double(frame):\n    """Twice a."""\n    return frame.assign(b=frame.a * 2)\n'
    definition = defined(
        tmp_path, [column("a")], {"transform": [{"python": "double"}]}, files={"steps.py": code}
    )
    transform = next(stage for stage in stages(definition) if stage.name == "transform")
    (step,) = transform.steps
    assert (step.title, step.text, step.code) == ("python double", "Twice a.", code.rstrip())


# --- lineage -----------------------------------------------------------------------------------


def test_each_column_has_the_steps_that_it_came_through_and_no_others(tmp_path: Path) -> None:
    definition = defined(
        tmp_path,
        [
            column("miles", physicalName="Way"),
            column("town", logicalType="string"),
            column("other", logicalType="string"),
        ],
        {
            "clean": {"columns": {"town": ["upper"], "miles": [{"fill": 0}]}},
            "transform": [
                {"derive": {"km": "miles * 1.609", "far": "km > 100"}},
                {"rename": {"other": "note"}},
                {"cast": {"km": "INTEGER"}},
            ],
            "enrich": [{"lookup": "towns", "on": {"town": "name"}, "add": {"country": "land"}}],
        },
        files={"lookups/towns.csv": "name,land\nROM,Italy\n"},
    )
    found = made(definition)
    assert titles(found["km"]) == ["fill miles", "derive km", "cast km"]
    assert titles(found["far"]) == ["fill miles", "derive km", "derive far"]
    assert titles(found["note"]) == ["rename other"]
    assert titles(found["country"]) == ["upper town", "lookup towns"]
    assert from_columns(found["km"]) == {"Way"}
    assert from_columns(found["country"]) == {"towns.land", "town", "towns.name"}
    assert [one.gives for one in found["country"].sources] == [True, False, False]


def test_a_column_that_is_filled_has_the_steps_of_the_other_first(tmp_path: Path) -> None:
    definition = defined(
        tmp_path,
        [column("a"), column("b")],
        {"clean": {"columns": {"a": [{"fill": {"column": "b"}}], "b": [{"clip": {"min": 0}}]}}},
    )
    found = made(definition)
    assert titles(found["a"]) == ["clip b", "fill a"]
    assert from_columns(found["a"]) == {"a", "b"}


def test_rows_made_of_columns_come_from_all_of_them(tmp_path: Path) -> None:
    definition = defined(
        tmp_path,
        [column("q1"), column("q2"), column("tags", logicalType="string")],
        {
            "clean": {"columns": {"q2": [{"fill": 0}]}},
            "transform": [
                {"unpivot": {"columns": ["q1", "q2"], "name": "quarter", "value": "guests"}},
                {"split": {"column": "tags", "by": "-", "into": ["first", "rest"]}},
                {"explode": {"column": "tags", "by": ",", "position": "place"}},
            ],
        },
    )
    found = made(definition)
    assert titles(found["guests"]) == ["fill q2", "unpivot"]
    assert from_columns(found["guests"]) == {"q1", "q2"}
    assert titles(found["rest"]) == ["split"]
    assert titles(found["place"]) == titles(found["tags"]) == ["explode"]


def test_a_series_is_one_column_and_a_frame_may_be_any(tmp_path: Path) -> None:
    code = (
        "import pandas as pd\n"
        "def one(frame: pd.DataFrame) -> pd.Series:\n    return frame['a']\n"
        "def all(frame):\n    return frame\n"
    )
    columns = [column(name) for name in "abcdefghijk"]
    alone = defined(
        tmp_path / "1", columns, {"transform": [{"python": "one"}]}, files={"steps.py": code}
    )
    found = made(alone)
    assert titles(found["a"]) == []
    assert titles(found["one"]) == ["python one"]
    assert found["one"].of_all
    frame = defined(
        tmp_path / "2", columns, {"transform": [{"python": "all"}]}, files={"steps.py": code}
    )
    assert titles(made(frame)["a"]) == ["python all"]


def test_what_no_column_gives_is_said_to_be_added(tmp_path: Path) -> None:
    steps = {"enrich": [{"constants": {"c": 7}}, {"context": {"f": "source_file"}}]}
    found = made(defined(tmp_path, [column("a")], steps))
    assert found["c"].sources == ()
    assert found["c"].steps[0].text == "always 7"
    assert found["f"].steps[0].text == "the run's source file"
    assert titles(found["processed_date"]) == ["added to every row"]
