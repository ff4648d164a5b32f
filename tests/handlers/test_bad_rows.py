"""Bad rows: set aside with all that a person needs to mend them, and counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import TooManyRejectsError
from tests.handlers.samples import flight, flights, json_lines, reading

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud


def test_quarantine_says_where_what_and_why(cloud: Cloud) -> None:
    # GIVEN a row with two mistakes, one that is too short, one that repeats a key
    body = flights(
        flight(1),
        flight(2, month=13, origin="BOS"),
        "2013,1,1",
        flight(3),
        flight(3, dep_delay=45),
        flight(4),
    )

    # WHEN
    run = cloud.run_pipeline("input/flights/a.csv", body)

    # THEN a run with bad rows does not look like one without
    assert run["outcome"] == "SUCCEEDED_WITH_REJECTS"
    assert (run["rows"]["read"], run["rows"]["written"], run["rows"]["rejected"]) == (6, 3, 3)
    # AND each record names row, column, rule and value
    (address,) = run["rejects"]["quarantine"]
    assert address == f"s3://results/quarantine/flights/{run['run_id']}/validate.jsonl"
    wrong, short, repeated = cloud.records(address)
    assert (wrong["row_number"], wrong["column"], wrong["rule"], wrong["value"]) == (
        2,
        "month",
        "maximum",
        "13",
    )
    assert [(v["column"], v["value"]) for v in wrong["violations"]] == [
        ("month", "13"),
        ("origin", "BOS"),
    ]
    assert wrong["raw"]["dest"] == "IAH"
    assert (short["row_number"], short["rule"], short["raw"]) == (3, "cells", "2013,1,1")
    assert (repeated["row_number"], repeated["rule"]) == (5, "primaryKey")
    # AND the good rows have none of it
    assert cloud.table(run["outputs"]).column("flight").to_pylist() == [1, 3, 4]


def test_summary_counts_rows_by_rule(cloud: Cloud) -> None:
    # GIVEN
    bad = [flight(n, month=13) for n in range(3, 6)] + [flight(6, carrier="")]

    # WHEN
    run = cloud.run_pipeline("input/flights/a.csv", flights(*map(flight, range(10, 20)), *bad))

    # THEN
    assert run["rejects"]["top_rules"] == [
        {"stage": "validate", "column": "month", "rule": "maximum", "rows": 3},
        {"stage": "validate", "column": "carrier", "rule": "required", "rows": 1},
    ]


def test_values_of_a_json_file_are_quarantined_as_they_were(cloud: Cloud) -> None:
    # GIVEN values of other JSON types, beside objects that the contract does not know
    bad = reading(9, temp="warm", humid=10.50, note={"by": "Ann"})
    wild = reading(10, temp=999.5, note=[1, None])
    good = [reading(hour) for hour in range(11, 15)]

    # WHEN
    run = cloud.run_pipeline("input/weather/day.jsonl", json_lines(bad, wild, "?", *good))

    # THEN
    first, second, third = cloud.records(run["rejects"]["quarantine"][0])
    assert (first["column"], first["rule"], first["value"]) == ("temp", "type", "warm")
    assert first["raw"] == bad
    assert (second["column"], second["rule"]) == ("temp", "maximum")
    assert second["raw"] == wild
    assert (third["row_number"], third["rule"], json.loads(third["raw"])) == (3, "syntax", "?")


def test_all_violations_of_a_json_row_are_collected(cloud: Cloud) -> None:
    # GIVEN a number where the contract says text, and a number that is too large
    bad = reading(9, origin=5, temp=999)

    # WHEN
    run = cloud.run_pipeline("input/weather/day.jsonl", json_lines(bad, reading(10), reading(11)))

    # THEN
    (record,) = cloud.records(run["rejects"]["quarantine"][0])
    assert [(v["column"], v["rule"]) for v in record["violations"]] == [
        ("origin", "type"),
        ("temp", "maximum"),
    ]


def test_good_file_has_no_quarantine(cloud: Cloud) -> None:
    # WHEN
    run = cloud.run_pipeline("input/flights/a.csv", flights(flight()))

    # THEN
    assert run["rejects"] == {"top_rules": [], "quarantine": []}
    assert cloud.keys("quarantine/") == []


@pytest.mark.parametrize(("bad", "stopped"), [(2, False), (3, True)])
def test_more_than_half_of_the_rows_stop_the_run(cloud: Cloud, bad: int, stopped: bool) -> None:
    # GIVEN two good rows; the dataset allows as many bad ones
    rows = [flight(1), flight(2), *(flight(3 + n, day=32) for n in range(bad))]
    event = cloud.upload("input/flights/a.csv", flights(*rows))

    # WHEN
    if not stopped:
        assert cloud.run(event)["rows"]["rejected"] == bad
        return
    with pytest.raises(TooManyRejectsError) as failed:
        cloud.run(event)

    # THEN the message has the figures, the reason and where the rows are, and they are there
    said = failed.value.message
    assert "3 of 5 rows" in said
    assert "day: maximum (3 rows)" in said
    key, numbers = cloud.keys("quarantine/flights/")
    assert f"s3://results/{key}" in said
    assert [record["row_number"] for record in cloud.records(f"s3://results/{key}")] == [3, 4, 5]
    assert numbers == key.replace(".jsonl", ".rows")
    # AND nothing is published
    assert cloud.keys("processed/") == cloud.keys("manifests/") == []
