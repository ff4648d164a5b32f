"""Clean in its surroundings: repairs and rejected rows on S3, replays, merges."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from pipeline.constants import STAGES
from pipeline.errors import ReplayRefusedError, TooManyRejectsError
from tests.handlers.cloud import OUTPUT
from tests.handlers.orders import KEY, Deployments, Orders, Shelf, csv, order, replay_of_quarantine

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud

DEPENDENCY = {"columns": ["code"], "determines": "item", "min_share": 0.7}
REPAIRING = Orders(options={"clean": {"dependencies": [DEPENDENCY]}})
MOSTLY_TEA = [order(n, code="c", item="tea") for n in (1, 2, 3)]
"""Three rows of four that agree."""


def parsing(*steps: Any, **options: Any) -> Orders:
    """Orders whose code is a number after some steps, and tells repeated rows."""
    clean = {"columns": {"code": [*steps, {"parse_number": {}}]}, "dedupe": ["code"]}
    return Orders(options={"clean": clean, **options})


def repaired(cloud: Cloud, deploy: Deployments) -> tuple[dict[str, Any], dict[str, Any]]:
    """Event and run of a file with one repair."""
    deploy(REPAIRING)
    event = cloud.upload(KEY, csv(*MOSTLY_TEA, order(4, code="c", item="tee")))
    return event, cloud.run(event)


# --- Repairs -----------------------------------------------------------------------------------


def test_each_repair_is_on_record(cloud: Cloud, deploy: Deployments) -> None:
    _, run = repaired(cloud, deploy)

    # THEN the row has the right value, the record what undoes it, summary and report the figures
    address = f"s3://{OUTPUT}/repairs/orders/{run['run_id']}/clean.jsonl"
    record = {
        "row_number": 4,
        "line": None,
        "column": "item",
        "repair": "dependency",
        "before": "tee",
        "after": "tea",
        "message": "3 of 4 rows with the same code have the other item",
    }
    (output,) = run["outputs"]
    assert pq.read_table(io.BytesIO(cloud.read(output)))["item"].to_pylist() == ["tea"] * 4
    assert cloud.records(address) == [record]
    assert run["repairs"] == {
        "counts": [{"stage": "clean", "column": "item", "repair": "dependency", "cells": 1}],
        "files": [address],
        "sample": [{"stage": "clean", **record}],
    }
    assert cloud.document(run["report"])["repairs"] == run["repairs"]


def test_repairs_are_counted_in_the_metrics(
    cloud: Cloud, deploy: Deployments, printed: Callable[[], list[dict[str, Any]]]
) -> None:
    repaired(cloud, deploy)

    told = [line for line in printed() if "CellsRepaired" in line]
    assert [(line["stage"], line["CellsRepaired"]) for line in told] == [("clean", [1])]


def test_without_repairs_there_is_no_record(cloud: Cloud, deploy: Deployments) -> None:
    deploy(REPAIRING)

    run = cloud.run_pipeline(KEY, csv(*MOSTLY_TEA))

    assert run["repairs"] == {"counts": [], "files": [], "sample": []}
    assert cloud.keys("repairs/") == []


def test_a_replay_takes_repairs_over(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN an execution that ended after clean
    deploy(REPAIRING)
    event = cloud.upload(KEY, csv(*MOSTLY_TEA, order(4, code="c", item="tee")))
    *_, ended = cloud.states(event, STAGES[:2])

    # WHEN
    run = cloud.run(event | {"replay": {"of": "arn", "run": ended}})

    # THEN
    assert run["stages"][1]["resumed"]
    assert run["repairs"] == ended["repairs"]
    assert cloud.document(run["report"])["repairs"] == ended["repairs"]


def test_the_same_file_again_is_told_of_its_repairs(cloud: Cloud, deploy: Deployments) -> None:
    event, run = repaired(cloud, deploy)

    again = cloud.run(event, execution={"arn": "arn:other", "started_at": "2026-01-31T12:00:00Z"})

    assert again["outcome"] == "ALREADY_PROCESSED"
    assert again["repairs"] == run["repairs"]


# --- Rejected rows -----------------------------------------------------------------------------


def test_text_that_is_no_number_is_quarantined_with_its_row(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN
    deploy(parsing())
    good, bad = order(1, code=7), order(2, code="seven")

    # WHEN
    run = cloud.run_pipeline(KEY, csv(good, bad))

    # THEN
    address = f"s3://{OUTPUT}/quarantine/orders/{run['run_id']}/clean.jsonl"
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert (run["rows"]["written"], run["rows"]["rejected"]) == (1, 1)
    assert run["rejects"]["quarantine"] == [address]
    (record,) = cloud.records(address)
    assert (record["row_number"], record["column"], record["rule"]) == (2, "code", "type")
    assert record["value"] == "seven"
    assert record["raw"] == {"id": 2, "code": "seven", "day": 1, "quantity": 2, "item": "tea"}


def test_rows_that_clean_rejects_count_against_the_limit(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN one row more than may be rejected, one by validate and one by clean
    deploy(parsing(rejects={"max_rows": 1}))

    # WHEN
    with pytest.raises(TooManyRejectsError) as failed:
        cloud.run_pipeline(KEY, csv(order(1, code=7), order(2, code="seven"), order(3, day=77)))

    # THEN
    assert "2 of 3 rows break the contract" in failed.value.message
    assert cloud.keys("processed/") == []


# --- Merges ------------------------------------------------------------------------------------

STRICT = parsing()
RELAXED = parsing({"replace": {"text": "no. ", "with": ""}})


@pytest.mark.parametrize(
    ("codes", "published", "duplicates"),
    [
        (["5", "no. 6"], [1, 2], 0),
        (["5", "no. 5"], [1], 1),
        (["no. 5", "5"], [2], 1),  # the row that is published already has claimed the key
        (["no. 5", "5", "5"], [2], 2),
        (["no. 5", "no. 5", "6"], [1, 3], 1),
        (["six", "5"], [2], 0),
    ],
)
def test_rows_that_clean_rejected_join_the_output(
    cloud: Cloud, deploy: Deployments, codes: list[str], published: list[int], duplicates: int
) -> None:
    # GIVEN
    deploy(STRICT)
    event = cloud.upload(KEY, csv(*(order(n, code=code) for n, code in enumerate(codes, 1))))
    first = cloud.run(event)

    # WHEN
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, first))

    # THEN no key is there twice, and the books balance
    shelf = Shelf(cloud, first["source_id"])
    assert shelf.manifest is not None
    rows = shelf.manifest["run"]["rows"]
    assert shelf.rows == published
    assert rows["duplicates"] == duplicates
    assert rows["read"] == len(codes)
    assert rows["read"] == len(published) + duplicates + rows["rejected"]


@pytest.mark.parametrize(
    "clean",
    [
        {"dedupe": {"by": ["code"], "keep": "last"}},
        {"columns": {"code": [{"fill": {"previous": True}}]}},
        {"columns": {"quantity": [{"fill": {"statistic": "median"}}]}},
        {"dependencies": [DEPENDENCY]},
    ],
    ids=json.dumps,
)
def test_no_merge_where_rows_cannot_be_cleaned_apart(
    cloud: Cloud, deploy: Deployments, clean: dict[str, Any]
) -> None:
    # GIVEN a rejected row that the next version of the contract allows
    deploy(Orders(options={"clean": clean}))
    event = cloud.upload(KEY, csv(order(1), order(2, day=40)))
    first = cloud.run(event)
    deploy(Orders(last_day=40, options={"clean": clean}))

    # WHEN
    with pytest.raises(ReplayRefusedError) as refused:
        cloud.run(replay_of_quarantine(event, first))

    # THEN
    assert "depends on other rows of the file" in refused.value.message
    assert f"pipeline quarantine replay {first['run_id']} --whole-file" in refused.value.message


def test_no_merge_into_what_was_made_with_the_whole_file_in_sight(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN the second of two rows was kept; today the first one would be
    deploy(Orders(options={"clean": {"dedupe": {"by": ["code"], "keep": "last"}}}))
    event = cloud.upload(KEY, csv(order(1, code="c"), order(2, code="c"), order(3, day=40)))
    first = cloud.run(event)
    deploy(Orders(last_day=40))

    with pytest.raises(ReplayRefusedError, match="whole-file"):
        cloud.run(replay_of_quarantine(event, first))
