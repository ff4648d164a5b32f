from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from pipeline.findings import Repair
from pipeline.plan_contract import Column
from pipeline.quarantine import RepairWriter
from pipeline.repairs import (
    MAX_COUNTS,
    MAX_SAMPLE,
    joined,
    no_repairs,
    repairs_of_stage,
    repairs_of_stages,
)
from pipeline.storage import read_object
from tests.unit.pipeline.support import plan_of

REPAIR = Repair(3, "city", "dependency", "Nwe York", "New York", "9 of 10 rows agree", line=4)
ROW = Repair(5, None, "cells", "a,b,,", "a,b", "two empty cells at the end", line=6)
Kinds = Counter[tuple[str | None, str]]
PLAN = plan_of({"city": "string", "n": "integer"})


def test_repairs_are_json_lines(bucket: str) -> None:
    with RepairWriter(bucket, "r", PLAN) as repairs:
        repairs.write([REPAIR])
        repairs.write([])
        repairs.write([ROW, replace(REPAIR, row_number=7)])

    found = read_object(bucket, "r")
    assert found is not None
    lines = [json.loads(line) for line in found[0].decode().splitlines()]
    assert lines[0] == {
        "row_number": 3,
        "column": "city",
        "repair": "dependency",
        "before": "Nwe York",
        "after": "New York",
        "message": "9 of 10 rows agree",
        "line": 4,
    }
    assert [line["row_number"] for line in lines] == [3, 5, 7]
    assert repairs.counts == {("city", "dependency"): 2, (None, "cells"): 1}
    assert repairs.sample == [REPAIR, ROW, replace(REPAIR, row_number=7)]


def test_without_repairs_there_is_no_object(bucket: str) -> None:
    with RepairWriter(bucket, "r", PLAN) as repairs:
        repairs.write([])

    assert repairs.finish() is None
    assert read_object(bucket, "r") is None


@pytest.mark.parametrize("masked", ["city", "n"])
def test_masked_values_are_not_written(bucket: str, masked: str) -> None:
    # GIVEN a repair of a column, and one of a row, which any masked column may be part of
    columns = tuple(Column(name, "string", masked=name == masked) for name in ("city", "n"))
    plan = replace(PLAN, columns=columns)

    with RepairWriter(bucket, "r", plan) as repairs:
        repairs.write([REPAIR, ROW])

    found = read_object(bucket, "r")
    assert found is not None
    assert (b"York" in found[0]) == (masked != "city")
    assert b"a,b" not in found[0]
    assert [repair.after for repair in repairs.sample][1] == "***"


def test_counts_beyond_the_most_frequent_are_one() -> None:
    counts: Kinds = Counter({(f"c{n}", "dependency"): 1000 - n for n in range(MAX_COUNTS + 2)})

    found = repairs_of_stage("clean", counts, [], "s3://b/k")

    assert len(found["counts"]) == MAX_COUNTS + 1
    assert sum(entry["cells"] for entry in found["counts"]) == counts.total()
    assert found["counts"][-1] == {
        "stage": "clean",
        "column": None,
        "repair": "others",
        "cells": (1000 - MAX_COUNTS) + (1000 - MAX_COUNTS - 1),
    }


def test_long_texts_are_shortened_in_the_sample() -> None:
    # GIVEN a run summary has to be passed from state to state
    long = replace(REPAIR, before="x" * 1000, after=1.5, message="y" * 1000)

    (record,) = repairs_of_stage("clean", Counter(), [long], "a")["sample"]

    assert len(record["before"]) < 100
    assert len(record["message"]) <= 200
    assert record["after"] == 1.5
    assert record["stage"] == "clean"


def test_entries_of_a_run_and_a_merge_into_it_become_one() -> None:
    counts: Kinds = Counter({("city", "dependency"): 2})
    one = repairs_of_stage("clean", counts, [REPAIR] * MAX_SAMPLE, "a")
    other = repairs_of_stage("clean", counts, [REPAIR], "b")

    both = joined(one, other)

    assert [entry["cells"] for entry in both["counts"]] == [4]
    assert both["files"] == ["a", "b"]
    assert len(both["sample"]) == MAX_SAMPLE


def test_stages_that_are_done_again_lose_their_repairs() -> None:
    counts: Kinds = Counter({("city", "dependency"): 2})
    of_validate = repairs_of_stage("validate", counts, [ROW], "s3://b/repairs/d/r/validate.jsonl")
    of_clean = repairs_of_stage("clean", counts, [REPAIR], "s3://b/repairs/d/r/clean.jsonl")

    both = joined(joined(no_repairs(), of_validate), of_clean)

    assert repairs_of_stages(both, ["validate"]) == of_validate
    assert repairs_of_stages(both, []) == no_repairs()
