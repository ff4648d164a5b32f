"""Some rejected rows of each rule, read from the quarantine as far as needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.report.samples import CELL_WIDTH, LOOKED_THROUGH, SHOWN_CELLS, samples_of
from tests.unit.cli.report_samples import put_rejects, reject

if TYPE_CHECKING:
    import pytest

    from cli.target import Target

MAXIMUM = ("validate", "month", "maximum")
TYPE = ("validate", "day", "type")


def test_a_rule_has_its_first_five_rows(target: Target) -> None:
    address = put_rejects(target, "validate", *(reject(row) for row in range(1, 9)))

    found = samples_of(target.cloud.s3(), [address], [MAXIMUM])

    assert [row["row_number"] for row in found.by_rule[MAXIMUM]] == [1, 2, 3, 4, 5]
    assert found.looked_through == 5


def test_a_rare_rule_is_looked_for_behind_a_frequent_one(target: Target) -> None:
    rows = [reject(row) for row in range(1, 50)] + [reject(50, "day", "type")]
    address = put_rejects(target, "validate", *rows)

    found = samples_of(target.cloud.s3(), [address], [MAXIMUM, TYPE])

    assert [row["row_number"] for row in found.by_rule[TYPE]] == [50]
    assert len(found.by_rule[MAXIMUM]) == 5


def test_a_row_that_breaks_two_rules_is_a_sample_of_both(target: Target) -> None:
    both = [
        {"column": "month", "rule": "maximum", "value": "13", "message": "must be at most 12"},
        {"column": "day", "rule": "type", "value": "x", "message": "must be of type integer"},
    ]
    address = put_rejects(target, "validate", reject(1, violations=both))

    found = samples_of(target.cloud.s3(), [address], [])

    assert {rule: rows[0]["value"] for rule, rows in found.by_rule.items()} == {
        MAXIMUM: "13",
        TYPE: "x",
    }


def test_each_stage_has_its_own_file(target: Target) -> None:
    addresses = [put_rejects(target, stage, reject(1)) for stage in ("validate", "clean")]

    found = samples_of(target.cloud.s3(), addresses, [])

    assert set(found.by_rule) == {MAXIMUM, ("clean", "month", "maximum")}


def test_a_huge_row_is_cut_and_says_so(target: Target) -> None:
    raw = {f"c{number}": "x" * 10_000 for number in range(500)}
    address = put_rejects(target, "validate", reject(1, raw=raw, violations=None))

    sample = samples_of(target.cloud.s3(), [address], []).by_rule[MAXIMUM][0]

    assert len(sample["raw"]) == SHOWN_CELLS
    assert sample["cells_left_out"] == 500 - SHOWN_CELLS
    assert {len(value) for value in sample["raw"].values()} == {CELL_WIDTH}


def test_a_line_that_is_no_row_is_shown_as_it_was(target: Target) -> None:
    address = put_rejects(target, "validate", reject(1, raw='a,"b', violations=None, value=None))

    sample = samples_of(target.cloud.s3(), [address], []).by_rule[MAXIMUM][0]

    assert (sample["raw"], sample["value"]) == ('a,"b', None)


def test_reading_ends_where_nothing_is_found(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.report.samples.LOOKED_THROUGH", 30)
    address = put_rejects(target, "validate", *(reject(row) for row in range(1, 100)))

    found = samples_of(target.cloud.s3(), [address], [MAXIMUM, TYPE])

    assert found.looked_through == 30 < LOOKED_THROUGH
