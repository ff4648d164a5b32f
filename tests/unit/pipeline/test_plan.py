from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidPlanError, UnknownDatasetError
from pipeline.plan import PLAN_VERSION, Plan, known_datasets, load_plan, plan_from_json
from pipeline.plan_contract import Check, Column, Relationship, Rule, Source, Spelling
from pipeline.plan_steps import (
    Clean,
    Dedupe,
    Dependency,
    Duplicates,
    Enrich,
    Lookup,
    Rejects,
    Step,
    Write,
)
from tests.unit.pipeline.support import plan_of

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.text("abc_é", min_size=1, max_size=5)
ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
STEPS = st.lists(st.builds(Step, NAMES, ARGUMENTS), max_size=2).map(tuple)
SEVERAL = st.lists(NAMES, max_size=2).map(tuple)
DUPLICATES = st.builds(Duplicates, NAMES, st.none() | NAMES)
MAPS = st.dictionaries(NAMES, NAMES, max_size=2)
PLANS = st.builds(
    Plan,
    dataset=NAMES,
    hash=NAMES,
    contract_version=NAMES,
    source=st.builds(Source, NAMES, missing_values=SEVERAL),
    columns=st.lists(
        st.builds(
            Column,
            NAMES,
            NAMES,
            st.booleans(),
            spelling=st.builds(Spelling, st.none() | NAMES, missing=st.none() | SEVERAL),
            rules=st.lists(st.builds(Rule, NAMES, ARGUMENTS, NAMES), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    key=SEVERAL,
    unique=st.lists(SEVERAL, max_size=2).map(tuple),
    relationships=st.lists(st.builds(Relationship, SEVERAL, NAMES, SEVERAL), max_size=2).map(tuple),
    checks=st.lists(st.builds(Check, NAMES, SEVERAL, NAMES, ARGUMENTS), max_size=2).map(tuple),
    rejects=st.builds(Rejects, st.floats(0, 1), st.none() | st.integers()),
    clean=st.builds(
        Clean,
        STEPS,
        st.dictionaries(NAMES, STEPS, max_size=2),
        st.lists(st.builds(Dependency, SEVERAL, NAMES), max_size=2).map(tuple),
        st.none() | st.builds(Dedupe, SEVERAL, NAMES, SEVERAL),
    ),
    transform=STEPS,
    enrich=st.builds(
        Enrich,
        st.lists(
            st.builds(Lookup, NAMES, MAPS, MAPS, NAMES, duplicates=st.none() | DUPLICATES),
            max_size=2,
        ).map(tuple),
        st.dictionaries(NAMES, ARGUMENTS, max_size=2),
        MAPS,
    ),
    write=st.builds(Write, NAMES, SEVERAL, SEVERAL, st.none() | NAMES),
    schemas=st.dictionaries(NAMES, MAPS, max_size=2),
)


@given(PLANS)
def test_a_plan_survives_being_written_as_json(plan: Plan) -> None:
    document = json.loads(json.dumps(plan.to_json()))

    assert plan_from_json(document) == plan


@pytest.mark.parametrize("word", [word.name for word in fields(Write)])
def test_each_word_of_write_makes_other_files(word: str) -> None:
    plan = plan_of({"a": "string"})
    changed = {"str": "x", "bool": True, "int | None": 5, "str | None": "x"}
    kind = str(next(found.type for found in fields(Write) if found.name == word))
    write = replace(Write(), **{word: changed.get(kind, ("a",))})

    assert replace(plan, write=write).publishing != plan.publishing


def document_of(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(plan_of({"a": "string"}).to_json())), **changes}


@pytest.mark.parametrize("version", [None, PLAN_VERSION + 1])
def test_a_plan_of_another_version_is_refused_with_what_to_do(version: int | None) -> None:
    with pytest.raises(InvalidPlanError, match="Deploy again"):
        plan_from_json(document_of(plan_version=version))


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": None},
        {"columns": [{"unheard": 1}]},
        {"clean": {"all": []}},
        {"clean": {"all": [], "columns": [], "dedupe": []}},
        {"source": {"format": "csv"}},
        {"write": {"partition_by": [], "colour": "red"}},
    ],
)
def test_a_document_that_is_no_plan_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidPlanError, match="cannot be read"):
        plan_from_json(document_of(**changes))


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.json").write_text(json.dumps(document_of(dataset=name)))
    (tmp_path / "no-dataset").mkdir()
    return tmp_path


def test_a_plan_is_loaded_once_and_knows_its_folder(datasets: Path) -> None:
    plan = load_plan(datasets, "a")

    assert plan.dataset == "a"
    assert plan.folder == datasets / "a"
    assert load_plan(datasets, "a") is plan


def test_known_datasets_are_sorted(datasets: Path) -> None:
    assert known_datasets(datasets) == ("a", "b")


@pytest.mark.parametrize("name", ["c", "no-dataset", "../a", ""])
def test_an_unknown_dataset_is_refused_with_the_known_ones(datasets: Path, name: str) -> None:
    with pytest.raises(UnknownDatasetError, match="this stack knows: a, b"):
        load_plan(datasets, name)


def test_a_stack_without_datasets_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownDatasetError, match="this stack knows: none"):
        load_plan(tmp_path, "a")


def test_a_plan_that_is_no_json_is_the_configurations_fault(datasets: Path) -> None:
    (datasets / "a" / "plan.json").write_text("{")

    with pytest.raises(InvalidPlanError, match="cannot be read"):
        load_plan(datasets, "a")
