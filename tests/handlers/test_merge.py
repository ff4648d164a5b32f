"""Replay of the quarantine: rejected rows join the file's output, none twice, and books balance."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.handlers.merges import (
    LATE,
    RELAXED,
    ROWS,
    STRICT,
    TOO_LATE,
    assert_books_balance,
    committed,
    manifest_of,
    published,
    quarantined,
    shelf_of,
    sum_of_lookups,
)
from tests.handlers.orders import (
    Deployments,
    Orders,
    csv,
    order,
    replay_of_quarantine,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud


@dataclass(frozen=True)
class Case:
    """A row that the strict dataset rejects, and its fate (a column of the books) later."""

    bad: dict[str, Any] | str
    strict: Orders = STRICT
    relaxed: Orders = RELAXED
    fate: str = "written"
    first: str = "rejected"
    good: tuple[dict[str, Any], ...] = (order(1), order(2, day=3))
    whoever_comes_second: bool = False


NO_FILTER = {"transform": []}
OPTIONAL = {"quantity": {"required": False}}
CASES = {
    "range": Case(order(9, day=LATE)),
    "range of another row": Case(order(9, day=TOO_LATE), fate="rejected"),
    "required": Case(
        order(9, quantity=""),
        Orders(options=NO_FILTER),
        Orders(options=NO_FILTER, columns=OPTIONAL),
    ),
    "type": Case(
        order(9, quantity="n/a"),
        Orders(options=NO_FILTER, columns=OPTIONAL),
        Orders(options=NO_FILTER, columns=OPTIONAL, missing_values=("", "n/a")),
    ),
    "type still wrong": Case(order(9, quantity="many"), fate="rejected"),
    "pattern": Case(
        order(9, code="C9"),
        Orders(columns={"code": {"logicalTypeOptions": {"pattern": "^c[0-9]$"}}}),
        Orders(),
    ),
    "primary key": Case(order(1, code="c9"), fate="rejected", whoever_comes_second=True),
    "primary key of a row that was filtered": Case(
        order(2, code="c9"),
        fate="rejected",
        good=(order(1), order(2, quantity=0)),
        whoever_comes_second=True,
    ),
    "unique": Case(
        order(9, code="c1"),
        Orders(columns={"code": {"unique": True}}, options={"clean": {}}),
        Orders(options={"clean": {}}),
        whoever_comes_second=True,
    ),
    "unique in another row of the contract": Case(
        order(9, code="c1", day=LATE),
        Orders(columns={"code": {"unique": True}}),
        Orders(columns={"code": {"unique": True}}, last_day=LATE),
        fate="rejected",
    ),
    "cells": Case("9,c9,1", fate="rejected"),
    "lookup": Case(
        order(9, item="gold"),
        relaxed=Orders(items={"tea": 3, "coffee": 4, "gold": 9}),
        first="dropped_by_lookup",
    ),
    "lookup that still lacks the key": Case(
        order(9, item="gold"), first="dropped_by_lookup", fate="dropped_by_lookup"
    ),
    "range and then lookup": Case(order(9, day=LATE, item="gold"), fate="dropped_by_lookup"),
    "filter": Case(order(9, day=LATE, quantity=0), fate="filtered"),
    "dedupe against a settled row": Case(order(9, day=LATE, code="c2"), fate="duplicates"),
    "dedupe against a settled row that was filtered": Case(
        order(9, day=LATE, code="c2"), fate="duplicates", good=(order(1), order(2, quantity=0))
    ),
    "new partition": Case(order(9, day=33)),
    "partition that is there": Case(
        order(9, quantity=-1),
        Orders(columns={"quantity": {"logicalTypeOptions": {"minimum": 0}}}, options=NO_FILTER),
        Orders(options=NO_FILTER),
    ),
}


POSITIONS = [
    pytest.param(case, position, id=f"{name}, {position}")
    for name, case in CASES.items()
    for position in ("first", "last")
    if position == "last" or not case.whoever_comes_second
]


@pytest.mark.parametrize(("case", "position"), POSITIONS)
def test_rejected_row_meets_todays_contract(
    cloud: Cloud, deploy: Deployments, case: Case, position: str
) -> None:
    # GIVEN a file with one bad row
    rows = [case.bad, *case.good] if position == "first" else [*case.good, case.bad]
    deploy(case.strict)
    event, run = committed(cloud, csv(*rows))
    assert run["rows"][case.first] == 1
    before = published(cloud, run)

    # WHEN
    deploy(case.relaxed)
    merge = cloud.run(replay_of_quarantine(event, run))

    # THEN the row is where it belongs, in the books, the output and the quarantine
    joined = case.fate == "written"
    lost = case.fate in ("rejected", "dropped_by_lookup")
    assert merge["rows"] == dict.fromkeys(merge["rows"], 0) | {"read": 1, case.fate: 1}
    assert merge["outcome"] == ("SUCCEEDED_WITH_REJECTS" if lost else "SUCCEEDED")
    manifest = manifest_of(cloud, run)
    expected = run["rows"] | {case.first: 0}
    expected[case.fate] += 1
    assert manifest["run"]["rows"] == expected
    assert manifest["run"]["outcome"] == merge["outcome"]
    assert quarantined(cloud, run) == ([1 if position == "first" else len(rows)] if lost else [])
    after = published(cloud, run)
    assert [row for row in after if row in before] == before
    assert len(after) == len(before) + joined
    assert_books_balance(cloud, run)
    # AND the manifest says what was merged
    (record,) = manifest["merges"]
    assert record["run_id"] == merge["run_id"]
    assert record["quarantine_of"] == run["run_id"]
    assert record["rows"] == merge["rows"]
    assert (manifest["run"]["run_id"], manifest["rejected_by"]) == (
        run["run_id"],
        merge["plan_hash"],
    )


def as_csv(rows: tuple[dict[str, Any], ...]) -> bytes:
    return csv(*rows)


def as_gzip(rows: tuple[dict[str, Any], ...]) -> bytes:
    return gzip.compress(csv(*rows))


def as_json_lines(rows: tuple[dict[str, Any], ...]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def as_json_array(rows: tuple[dict[str, Any], ...]) -> bytes:
    return json.dumps(rows, indent=1).encode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.csv", as_csv),
        ("a.csv.gz", as_gzip),
        ("a.jsonl", as_json_lines),
        ("a.json", as_json_array),
    ],
)
def test_merge_gives_what_the_whole_file_gives(
    cloud: Cloud, deploy: Deployments, name: str, written: Callable[[Any], bytes]
) -> None:
    # GIVEN a file with rows that today's contract takes, and one that it does not
    body = written(ROWS)
    deploy(STRICT)
    event, run = committed(cloud, body, f"input/orders/{name}")
    assert quarantined(cloud, run) == [2, 4, 5]

    # WHEN
    deploy(RELAXED)
    merge = cloud.run(replay_of_quarantine(event, run))
    _, whole = committed(cloud, body, f"input/orders/whole/{name}")

    # THEN
    assert (merge["rows"]["read"], merge["rows"]["written"], merge["rows"]["rejected"]) == (3, 2, 1)
    assert published(cloud, run) == published(cloud, whole)
    assert quarantined(cloud, run) == quarantined(cloud, whole) == [4]
    assert manifest_of(cloud, run)["run"]["rows"] == whole["rows"]
    assert sum_of_lookups(manifest_of(cloud, run)) == whole["lookups"]
    assert_books_balance(cloud, run)
    # AND the merge says what it was
    assert merge["merges"]["run_id"] == run["run_id"]
    assert merge["merges"]["rows"] == 3
    assert cloud.document(merge["report"])["merges"] == merge["merges"]


def test_line_that_is_no_json_stays_in_the_quarantine(cloud: Cloud, deploy: Deployments) -> None:
    deploy(STRICT)
    body = as_json_lines(ROWS) + b"{broken\n" + as_json_lines((order(6), order(7, day=LATE)))
    event, run = committed(cloud, body, "input/orders/a.jsonl")
    assert quarantined(cloud, run) == [2, 4, 5, 6, 8]

    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))

    assert quarantined(cloud, run) == [4, 6]
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5, 6, 7]
    assert_books_balance(cloud, run)


def test_rejected_rows_that_repeat_each_other_join_once(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN two bad rows with one key, and two with one code
    rows = [order(1), order(2, day=LATE), order(2, day=LATE), order(3, day=LATE, code="c2")]
    deploy(STRICT)
    event, run = committed(cloud, csv(*rows))
    assert quarantined(cloud, run) == [2, 3, 4]

    # WHEN
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))

    # THEN
    assert shelf_of(cloud, run).rows == [1, 2]
    assert quarantined(cloud, run) == [3]
    assert manifest_of(cloud, run)["run"]["rows"]["duplicates"] == 1
    assert_books_balance(cloud, run)


def test_row_without_lookup_joins_though_it_has_duplicates(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a row whose lookup lacked the key, and a later row that was dropped as its duplicate
    deploy(STRICT)
    event, run = committed(cloud, csv(order(1), order(2, item="gold"), order(3, code="c2")))
    assert (run["rows"]["dropped_by_lookup"], run["rows"]["duplicates"]) == (1, 1)

    # WHEN
    deploy(Orders(items={"tea": 3, "gold": 9}))
    cloud.run(replay_of_quarantine(event, run))

    # THEN one of them is published
    assert shelf_of(cloud, run).rows == [1, 2]
