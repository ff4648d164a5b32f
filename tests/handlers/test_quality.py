"""Rules over the whole file: what fails, what is only counted, and what a replay makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.errors import QualityError, TooManyRejectsError
from tests.handlers.cloud import OUTPUT
from tests.handlers.orders import (
    KEY,
    Deployments,
    Orders,
    csv,
    order,
    replay_of_quarantine,
)

if TYPE_CHECKING:
    from tests.handlers.cloud import Cloud

ROWS = (order(1), order(2, day=40), order(3, item="juice"))


def with_check(**rule: Any) -> Orders:
    """Orders whose items are held to a rule of the file: tea and coffee are valid."""
    usual = {"metric": "invalidValues", "arguments": {"validValues": ["tea", "coffee"]}}
    return Orders(columns={"item": {"quality": [{**usual, **rule}]}}, when_missing="keep")


def test_a_broken_rule_of_the_file_fails_it_and_keeps_the_quarantine(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN
    deploy(with_check(mustBeLessThan=10, unit="percent", name="known items"))
    event = cloud.upload(KEY, csv(*ROWS))

    # WHEN
    with pytest.raises(QualityError) as raised:
        cloud.run(event)

    # THEN
    assert (
        "Of 3 rows, known items (invalidValues) of item: 1 rows (33.33%), must be less than 10 "
        "percent of the rows."
    ) in raised.value.message
    assert raised.value.checks == ("known items",)
    (place,) = [key for key in cloud.keys("quarantine/") if key.endswith(".jsonl")]
    assert [row["row_number"] for row in cloud.records(f"s3://{OUTPUT}/{place}")] == [2]
    assert not cloud.keys("manifests/")


def test_too_many_rejects_are_told_before_the_file_s_rules(
    cloud: Cloud, deploy: Deployments
) -> None:
    orders = with_check(mustBeLessThan=1, unit="percent")
    deploy(Orders(columns=orders.columns, options={"rejects": {"max_rows": 0}}))

    with pytest.raises(TooManyRejectsError):
        cloud.run(cloud.upload(KEY, csv(*ROWS)))


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_warnings_are_in_the_run_the_report_and_the_manifest(
    cloud: Cloud, deploy: Deployments, severity: str
) -> None:
    # GIVEN
    deploy(with_check(mustBe=0, severity=severity))

    # WHEN
    run = cloud.run(cloud.upload(KEY, csv(*ROWS)))

    # THEN
    (check,) = run["checks"]
    assert (check["rule"], check["columns"], check["severity"]) == (
        "validValues",
        ["item"],
        severity,
    )
    assert (check["rows"], check["outcome"]) == (1, "failed")
    assert run["rows"]["rejected"] == 1
    assert cloud.document(run["report"])["checks"] == [check]
    assert cloud.document(run["manifest"])["run"]["checks"] == [check]


def test_the_rejected_rows_alone_are_not_held_to_the_file_s_rules(
    cloud: Cloud, deploy: Deployments
) -> None:
    # GIVEN a file that has three rows, as it should
    count = {"metric": "invalidValues", "mustBeGreaterThan": 0}
    deploy(with_check(**count))
    event = cloud.upload(KEY, csv(*ROWS))
    run = cloud.run(event)

    # WHEN its one rejected row is replayed under a contract that takes it
    orders = with_check(**count)
    deploy(Orders(last_day=40, columns=orders.columns, when_missing="keep"))
    merged = cloud.run(replay_of_quarantine(event, run))

    # THEN
    assert merged["rows"]["written"] == 1
    assert merged["checks"] == []
