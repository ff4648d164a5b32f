"""Which columns each stage opens, for what a pipeline says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.column_use import next_readers, opened, passing
from pipeline.plan import ROW_NUMBER, Plan
from pipeline.plan_steps import Clean, Dedupe, Dependency, Enrich, Lookup, Step
from tests.unit.pipeline.support import plan_of

COLUMNS = {"a": "string", "b": "string", "n": "integer", "m": "integer", "d": "date"}
NAMES = ("a", "b", "n", "m", "d")


def plan_with(
    clean: Clean | None = None,
    transform: tuple[Step, ...] = (),
    enrich: Enrich | None = None,
    transformed: tuple[str, ...] = NAMES,
) -> Plan:
    stages = {"validate": NAMES, "clean": NAMES, "transform": transformed, "enrich": transformed}
    return replace(
        plan_of(COLUMNS),
        clean=clean or Clean(),
        transform=transform,
        enrich=enrich or Enrich(),
        schemas={stage: dict.fromkeys(names, "string") for stage, names in stages.items()},
    )


def steps_for(**columns: Step) -> Clean:
    return Clean(columns={name: (step,) for name, step in columns.items()})


@pytest.mark.parametrize(
    ("clean", "names"),
    [
        (Clean(), set()),
        (Clean(all=(Step("trim"),)), {"a", "b"}),
        (steps_for(n=Step("fill", 0)), {"n"}),
        (steps_for(n=Step("fill", {"column": "m"})), {"n", "m"}),
        (Clean(dedupe=Dedupe(by=("n", "d"))), {"n", "d"}),
    ],
)
def test_clean_opens_what_it_changes_and_what_it_compares(clean: Clean, names: set[str]) -> None:
    assert opened(plan_with(clean), "clean") == names | {ROW_NUMBER}


@pytest.mark.parametrize(
    "clean",
    [
        steps_for(n=Step("fill", {"previous": True})),
        steps_for(n=Step("fill", {"statistic": "median"})),
        steps_for(a=Step("parse_number")),
        Clean(dedupe=Dedupe(by=("n",), keep="last")),
        Clean(dependencies=(Dependency(columns=("a",), determines="b"),)),
    ],
)
def test_clean_opens_all_where_it_rejects_rows_or_looks_beyond_them(clean: Clean) -> None:
    plan = plan_with(clean)

    assert opened(plan, "clean") is None
    assert passing(plan, "clean") == frozenset()


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (Step("rename", {"a": "x"}), {"a", "x"}),
        (Step("derive", {"columns": {"x": "n + m"}, "inputs": ["n", "m"]}), {"n", "m", "x"}),
        (Step("filter", {"where": "n > 0", "inputs": ["n"]}), {"n"}),
        (Step("split", {"column": "a", "by": " ", "into": ["x", "y"]}), {"a", "x", "y"}),
        (Step("select", list(NAMES)), set()),
    ],
)
def test_transform_opens_what_its_steps_read_and_make(step: Step, names: set[str]) -> None:
    assert opened(plan_with(transform=(step,)), "transform") == names | {ROW_NUMBER}


@pytest.mark.parametrize("name", ["cast", "explode", "unpivot", "python"])
def test_transform_opens_all_where_rows_may_be_rejected_or_made(name: str) -> None:
    plan = plan_with(transform=(Step("filter", {"where": "n > 0", "inputs": ["n"]}), Step(name)))

    assert opened(plan, "transform") is None


def test_transform_opens_what_it_drops() -> None:
    """A column of a dropped one's name may come later; the dropped one must not come back."""
    plan = plan_with(transform=(Step("select", ["a", "n"]),), transformed=("a", "n"))

    assert opened(plan, "transform") == {"b", "m", "d", ROW_NUMBER}
    assert passing(plan, "transform") == {"a", "n"}


def lookup(**said: object) -> Enrich:
    return Enrich(lookups=(replace(Lookup("l", {"a": "key"}, {"x": "name", "b": "b"}), **said),))


@pytest.mark.parametrize("when_missing", ["keep", "fail"])
def test_enrich_opens_keys_and_what_it_adds(when_missing: str) -> None:
    enrich = replace(lookup(when_missing=when_missing), constants={"m": 1}, context={"d": "run_id"})

    names = opened(plan_with(enrich=enrich), "enrich")

    assert names == {"a", "x", "b", "m", "d", "processed_date", "status", ROW_NUMBER}


def test_enrich_opens_all_where_it_rejects_rows() -> None:
    assert opened(plan_with(enrich=lookup(when_missing="reject")), "enrich") is None


@pytest.mark.parametrize("stage", ["validate", "write"])
def test_the_ends_open_all(stage: str) -> None:
    assert opened(plan_with(), stage) is None


def test_a_column_waits_for_the_first_stage_that_opens_it() -> None:
    plan = plan_with(
        Clean(all=(Step("trim"),)),
        (Step("filter", {"where": "n > 0", "inputs": ["n"]}),),
        Enrich(lookups=(Lookup("l", {"m": "key"}, {}),)),
    )

    assert next_readers(plan, "validate") == {
        ROW_NUMBER: "clean",
        **dict.fromkeys(["a", "b"], "clean"),
        "n": "transform",
        "m": "enrich",
        "d": "write",
    }
    assert next_readers(plan, "transform") == {
        ROW_NUMBER: "enrich",
        "m": "enrich",
        **dict.fromkeys(["a", "b", "n", "d"], "write"),
    }
