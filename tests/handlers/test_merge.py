"""Replay of the quarantine: rejected rows join the file's output, none twice, and books balance."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from pipeline.errors import ObjectChangedError, ReplayRefusedError, UnbalancedBooksError
from tests.handlers.cloud import OUTPUT
from tests.handlers.faults import Killed
from tests.handlers.orders import (
    KEY,
    Deployments,
    Orders,
    Shelf,
    before_write,
    csv,
    order,
    replay_of_quarantine,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud
    from tests.handlers.conftest import Race
    from tests.handlers.faults import Faults

STRICT, RELAXED = Orders(), Orders(last_day=40)
LATE, TOO_LATE = 40, 41
ROWS = (order(1), order(2, day=LATE), order(3, day=2), order(4, day=TOO_LATE), order(5, day=LATE))
LOST = ("rejected", "duplicates", "filtered", "dropped_by_lookup")


def committed(cloud: Cloud, body: bytes = csv(*ROWS), key: str = KEY) -> Any:
    """Event of an upload, and its run."""
    event = cloud.upload(key, body)
    return event, cloud.run(event)


def shelf_of(cloud: Cloud, run: dict[str, Any]) -> Shelf:
    return Shelf(cloud, run["source_id"])


def manifest_of(cloud: Cloud, run: dict[str, Any]) -> dict[str, Any]:
    manifest = shelf_of(cloud, run).manifest
    assert manifest is not None
    return manifest


def sum_of_lookups(manifest: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Rows that each lookup matched (or not), in the file's own run and in the merges into it."""
    runs = [manifest["run"], *manifest["merges"]]
    names = {name for run in runs for name in run["lookups"]}
    sums = {name: Counter[str]() for name in names}
    for run in runs:
        for name, counters in run["lookups"].items():
            sums[name].update(counters)
    return {name: dict(counters) for name, counters in sums.items()}


def quarantined(cloud: Cloud, run: dict[str, Any]) -> list[int]:
    """Numbers of the rows that the manifest has in the quarantine."""
    places = manifest_of(cloud, run)["run"]["rejects"]["quarantine"]
    return sorted(found["row_number"] for place in places for found in cloud.records(place))


def published(cloud: Cloud, run: dict[str, Any]) -> list[dict[str, Any]]:
    """All published rows with their partition, by id."""
    rows = []
    for output in manifest_of(cloud, run)["outputs"]:
        table = pq.read_table(io.BytesIO(cloud.read(f"s3://{OUTPUT}/{output['key']}")))
        day = output["key"].split("day=")[1].split("/")[0]
        rows += [{**row, "day": int(day)} for row in table.to_pylist()]
    return sorted(rows, key=lambda row: int(row["id"]))


def assert_books_balance(cloud: Cloud, run: dict[str, Any]) -> None:
    """Every row of the file is in the manifest's books once, and where they say."""
    manifest = manifest_of(cloud, run)
    rows = manifest["run"]["rows"]
    assert rows["read"] == rows["written"] + sum(rows[name] for name in LOST)
    assert rows["written"] == sum(output["rows"] for output in manifest["outputs"])
    assert len(quarantined(cloud, run)) == rows["rejected"] + rows["dropped_by_lookup"]
    shelf_of(cloud, run).assert_tidy()


# --- What joins and what does not ----------------------------------------------------------


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


# --- Again, and again under another contract -----------------------------------------------


def test_merge_again_is_already_processed(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))
    before = cloud.s3.list_object_versions(Bucket=OUTPUT)["Versions"]

    # WHEN
    again = cloud.run(replay_of_quarantine(event, run))

    # THEN nothing is written
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert cloud.s3.list_object_versions(Bucket=OUTPUT)["Versions"] == before


def test_merge_under_the_plan_that_rejected_is_already_processed(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(STRICT)
    event, run = committed(cloud)

    again = cloud.run(replay_of_quarantine(event, run))

    assert again["outcome"] == "ALREADY_PROCESSED"
    assert [stage["stage"] for stage in again["stages"]] == ["validate"]
    assert quarantined(cloud, run) == [2, 4, 5]


def test_second_correction_takes_the_rest(cloud: Cloud, deploy: Deployments) -> None:
    # GIVEN a merge that left a row behind
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    first = cloud.run(replay_of_quarantine(event, run))
    assert quarantined(cloud, run) == [4]

    # WHEN the contract is corrected again; the rows are now in the quarantine of the merge
    deploy(Orders(last_day=TOO_LATE))
    second = cloud.run(replay_of_quarantine(event, first))

    # THEN
    assert second["outcome"] == "SUCCEEDED"
    assert (second["rows"]["read"], second["rows"]["written"]) == (1, 1)
    assert shelf_of(cloud, run).rows == [1, 2, 3, 4, 5]
    assert quarantined(cloud, run) == []
    merges = manifest_of(cloud, run)["merges"]
    assert [merge["quarantine_of"] for merge in merges] == [run["run_id"], first["run_id"]]
    assert_books_balance(cloud, run)
    # AND nothing is left to do for either
    for earlier in (run, first, second):
        assert cloud.run(replay_of_quarantine(event, earlier))["outcome"] == "ALREADY_PROCESSED"


def test_duplicate_of_the_original_event_changes_nothing_after_a_merge(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))
    merged = shelf_of(cloud, run).manifest

    # WHEN S3 sends the event once more, and the functions are the old ones
    deploy(STRICT)
    again = cloud.run(event)

    # THEN
    assert again["outcome"] == "ALREADY_PROCESSED"
    assert again["rows"]["written"] == 4
    assert shelf_of(cloud, run).manifest == merged


@pytest.mark.parametrize("how", ["newer version", "whole file"])
def test_whole_run_replaces_the_merges_files_too(
    cloud: Cloud, deploy: Deployments, how: str
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))

    # WHEN
    if how == "newer version":
        event = cloud.upload(KEY, csv(order(8)))
    whole = cloud.run(event)

    # THEN
    assert whole["outcome"] in {"SUCCEEDED", "SUCCEEDED_WITH_REJECTS"}
    assert shelf_of(cloud, run).rows == ([8] if how == "newer version" else [1, 2, 3, 5])
    assert manifest_of(cloud, run)["merges"] == []
    assert not [key for key in cloud.keys("processed/") if "-" in key.rpartition("/")[2]]
    assert_books_balance(cloud, run)


# --- Refused, overtaken --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (Orders(last_day=LATE, dialect={"delimiter": ";"}), "row numbers may not be the same"),
        (Orders(last_day=LATE, format="json"), "row numbers may not be the same"),
        (
            Orders(last_day=LATE, options={"write": {"format": "parquet"}}),
            "publishes other columns, types, partitions",
        ),
        (
            Orders(last_day=LATE, options={"transform": [{"derive": {"x": "quantity + 1"}}]}),
            "publishes other columns, types, partitions",
        ),
        (
            Orders(last_day=LATE, columns={"code": {"logicalType": "number"}}),
            "publishes other columns, types, partitions",
        ),
    ],
)
def test_rows_of_another_kind_are_not_merged(
    cloud: Cloud, deploy: Deployments, changed: Orders, reason: str
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    before = shelf_of(cloud, run).manifest
    deploy(changed)

    # WHEN
    with pytest.raises(ReplayRefusedError, match=reason) as refused:
        cloud.run(replay_of_quarantine(event, run))

    # THEN it says what to do instead, and nothing is touched
    assert f"pipeline quarantine replay {run['run_id']} --whole-file" in refused.value.message
    assert refused.value.status_code == 400
    assert shelf_of(cloud, run).manifest == before


def test_nothing_is_merged_into_nothing(cloud: Cloud, deploy: Deployments) -> None:
    deploy()
    event = cloud.upload(KEY, csv(*ROWS))

    with pytest.raises(ReplayRefusedError, match="Nothing of this file is published"):
        cloud.run({**event, "replay": {"quarantine": "0" * 32}})


@pytest.mark.parametrize("asked", ["0" * 32, "quarantine", "orders", "validate.jsonl", OUTPUT])
def test_quarantine_that_is_not_the_files_is_not_replayed(
    cloud: Cloud, deploy: Deployments, asked: str
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)

    # WHEN
    other = cloud.run({**event, "replay": {"quarantine": asked}})

    # THEN
    assert other["outcome"] == "SUPERSEDED"
    assert quarantined(cloud, run) == [2, 4, 5]


def test_rejected_rows_of_an_older_version_are_superseded(
    cloud: Cloud, deploy: Deployments
) -> None:
    deploy(STRICT)
    event, run = committed(cloud)
    cloud.run_pipeline(KEY, csv(order(8)))
    deploy(RELAXED)

    late = cloud.run(replay_of_quarantine(event, run))

    assert late["outcome"] == "SUPERSEDED"
    assert shelf_of(cloud, run).rows == [8]


@pytest.mark.parametrize("named", [True, False], ids=["version named", "version not named"])
def test_row_numbers_of_one_version_are_not_looked_up_in_another(
    cloud: Cloud, deploy: Deployments, named: bool
) -> None:
    # GIVEN a committed version, and a newer one that no run has committed
    deploy(STRICT)
    event, run = committed(cloud)
    newer = cloud.upload(KEY, csv(order(11), order(12), order(13), order(14), order(15)))
    if not named:
        newer = event
        del newer["detail"]["object"]["version-id"], newer["detail"]["object"]["etag"]
    deploy(RELAXED)

    # WHEN the quarantine is replayed with an event that leads to the newer one
    with pytest.raises(ReplayRefusedError, match="another version of the object"):
        cloud.run(replay_of_quarantine(newer, run))

    # THEN
    assert shelf_of(cloud, run).rows == [1, 3]


def test_of_two_merges_at_once_one_commits(cloud: Cloud, deploy: Deployments, race: Race) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    race.between(asked, enriched)

    # WHEN
    loser = cloud.run_stage("write", asked, enriched)

    # THEN the rows are there once, in the winner's versions
    assert race.winner["outcome"] == loser["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert len(manifest_of(cloud, run)["merges"]) == 1
    assert_books_balance(cloud, run)


@pytest.mark.parametrize("at", ["before the last stage", "at the commit"])
@pytest.mark.parametrize("other", ["newer version", "whole file"])
def test_merge_that_is_overtaken_leaves_nothing(
    cloud: Cloud, deploy: Deployments, race: Race, other: str, at: str
) -> None:
    # GIVEN a merge before its last stage, and another run of the object that is faster
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    faster = cloud.upload(KEY, csv(order(8))) if other == "newer version" else event
    faster_enriched = before_write(cloud, faster)
    if at == "at the commit":
        race.between(faster, faster_enriched)
    else:
        cloud.run_stage("write", faster, faster_enriched)

    # WHEN
    late = cloud.run_stage("write", asked, enriched)

    # THEN
    assert late["outcome"] == "SUPERSEDED"
    assert late["outputs"] == []
    assert shelf_of(cloud, run).rows == ([8] if other == "newer version" else [1, 2, 3, 5])
    assert_books_balance(cloud, run)


def test_run_of_an_older_version_does_not_undo_a_merge(cloud: Cloud, deploy: Deployments) -> None:
    deploy(STRICT)
    old = cloud.upload(KEY, csv(order(8)))
    old_enriched = before_write(cloud, old)
    event, run = committed(cloud)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))

    deploy(STRICT)
    assert cloud.run_stage("write", old, old_enriched)["outcome"] == "SUPERSEDED"

    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert_books_balance(cloud, run)


def test_late_event_of_an_older_version_does_not_hide_a_merges_files(
    cloud: Cloud, deploy: Deployments, race: Race
) -> None:
    # GIVEN a merge that has published its files and is about to commit
    deploy(RELAXED)
    old = cloud.upload(KEY, csv(order(8)))
    old_enriched = before_write(cloud, old)
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    race.between(old, old_enriched)

    # WHEN an execution of the version before finds itself superseded
    merge = cloud.run_stage("write", asked, enriched)

    # THEN
    assert race.winner["outcome"] == "SUPERSEDED"
    assert merge["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert_books_balance(cloud, run)


def test_older_version_that_is_broken_is_superseded_whatever_notes_there_are(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a note of a run that is under way, and an older version that could not be processed
    deploy(STRICT)
    old = cloud.upload(KEY, b"")
    _, run = committed(cloud)
    place = f"pending/orders/{run['source_id']}/{'0' * 32}.json"
    cloud.s3.put_object(Bucket=OUTPUT, Key=place, Body=b"{}")

    # WHEN, THEN nobody is told of a file that is not wanted any more
    assert cloud.run(old)["outcome"] == "SUPERSEDED"


def test_newer_version_that_loses_to_a_merge_tries_again(
    cloud: Cloud, deploy: Deployments, race: Race
) -> None:
    # GIVEN
    deploy(STRICT)
    event, run = committed(cloud)
    deploy(RELAXED)
    asked = replay_of_quarantine(event, run)
    enriched = before_write(cloud, asked)
    newer = cloud.upload(KEY, csv(order(8)))
    newer_enriched = before_write(cloud, newer)
    race.between(asked, enriched)

    # WHEN
    with pytest.raises(ObjectChangedError):
        cloud.run_stage("write", newer, newer_enriched)

    # THEN until the retry the merge stands, and then the newer version
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]
    assert cloud.run_stage("write", newer, newer_enriched)["outcome"] == "SUCCEEDED"
    assert shelf_of(cloud, run).rows == [8]
    assert_books_balance(cloud, run)


def test_merge_of_which_no_row_joins_adds_no_file(cloud: Cloud, deploy: Deployments) -> None:
    deploy(STRICT)
    event, run = committed(cloud)
    before = manifest_of(cloud, run)["outputs"]
    deploy(Orders(last_day=33))

    merge = cloud.run(replay_of_quarantine(event, run))

    assert (merge["rows"]["written"], merge["outputs"]) == (0, [])
    assert manifest_of(cloud, run)["outputs"] == before
    assert quarantined(cloud, run) == [2, 4, 5]
    assert_books_balance(cloud, run)


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_merge_into_text_files(cloud: Cloud, deploy: Deployments, format_: str) -> None:
    # GIVEN outputs without partitions
    write = {"write": {"format": format_}}
    deploy(Orders(options=write))
    event, run = committed(cloud)

    # WHEN
    deploy(Orders(options=write, last_day=LATE))
    cloud.run(replay_of_quarantine(event, run))

    # THEN the merge's file lies beside the run's
    outputs = manifest_of(cloud, run)["outputs"]
    assert [output["rows"] for output in outputs] == [2, 2]
    texts = [cloud.read(f"s3://{OUTPUT}/{output['key']}").decode() for output in outputs]
    assert all("tea" in text for text in texts)


# --- The quarantine's files ----------------------------------------------------------------


def numbers_of(place: str) -> str:
    """Key of the row numbers beside a file of the quarantine."""
    return place.split("/", 3)[3].replace(".jsonl", ".rows")


def test_merge_needs_the_numbers_of_the_rejected_rows_only(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a quarantine whose records nobody can read any more
    deploy(STRICT)
    event, run = committed(cloud, csv(*ROWS, order(6, item="gold")))
    places = run["rejects"]["quarantine"]
    assert [place.rpartition("/")[2] for place in places] == ["validate.jsonl", "enrich.jsonl"]
    for place in places:
        cloud.s3.delete_object(Bucket=OUTPUT, Key=place.split("/", 3)[3])

    # WHEN
    deploy(Orders(last_day=LATE, items={"tea": 3, "gold": 9}))
    cloud.run(replay_of_quarantine(event, run))

    # THEN
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5, 6]
    assert quarantined(cloud, run) == [4]


def test_quarantine_without_row_numbers_is_replayed_with_the_whole_file(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a quarantine of before there were any, or one that was cleared away
    deploy(STRICT)
    event, run = committed(cloud)
    (place,) = run["rejects"]["quarantine"]
    cloud.s3.delete_object(Bucket=OUTPUT, Key=numbers_of(place))
    deploy(RELAXED)

    # WHEN, THEN
    with pytest.raises(ReplayRefusedError, match="row numbers are not in the quarantine") as no:
        cloud.run(replay_of_quarantine(event, run))
    assert f"pipeline quarantine replay {run['run_id']} --whole-file" in no.value.message


def test_stage_that_dies_between_the_two_files_writes_both_again(
    cloud: Cloud, deploy: Deployments, faults: Faults
) -> None:
    # GIVEN a validate that dies before each of its requests in turn
    deploy(STRICT)
    event = cloud.upload(KEY, csv(*ROWS))
    seen, survived = set(), False
    while not survived:
        with faults.killed_at(len(seen) + 1), suppress(Killed):
            cloud.run_stage("validate", event, None)
            survived = True
        left = tuple(key.rpartition("/")[2] for key in cloud.keys("quarantine/"))
        seen.add((len(seen), left))

    # THEN rows are never there without their numbers
    assert {files for _, files in seen} == {
        (),
        ("validate.rows",),
        ("validate.jsonl", "validate.rows"),
    }

    # AND what the retry has written is what a merge goes by
    run = cloud.run(event)
    deploy(RELAXED)
    cloud.run(replay_of_quarantine(event, run))
    assert shelf_of(cloud, run).rows == [1, 2, 3, 5]


def test_count_that_the_quarantine_does_not_bear_out_stops_the_merge(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a quarantine that lacks rows: somebody has put another file's in its place
    deploy(STRICT)
    event, run = committed(cloud)
    _, other = committed(cloud, csv(order(1), order(2, day=LATE)), "input/orders/b.csv")
    (place,), (shorter,) = run["rejects"]["quarantine"], other["rejects"]["quarantine"]
    numbers = cloud.read(f"s3://{OUTPUT}/{numbers_of(shorter)}")
    cloud.s3.put_object(Bucket=OUTPUT, Key=numbers_of(place), Body=numbers)
    deploy(RELAXED)

    # WHEN, THEN
    with pytest.raises(UnbalancedBooksError, match="holds 1 rows, the manifest says 3"):
        cloud.run(replay_of_quarantine(event, run))
