"""`pipeline cost` on the deployed stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import STAGES
from pipeline.cost import TRANSITIONS
from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from tests.end_to_end.cloud import Cloud


@pytest.fixture(scope="module")
def result(cloud: Cloud) -> dict[str, Any]:
    """The record of a run that ended well."""
    file = cloud.home / "cost" / "flights.csv"
    file.parent.mkdir()
    file.write_bytes(flights(flight(1), flight(2)))
    ran = cloud.cli("run", file, "--json")
    assert ran.returncode == 0, ran.stderr
    record: dict[str, Any] = json.loads(ran.stdout)[0]
    return record


def bill(cloud: Cloud, *arguments: str) -> dict[str, Any]:
    said = cloud.cli("cost", *arguments, "--json")
    assert said.returncode == 0, said.stderr
    document: dict[str, Any] = json.loads(said.stdout)
    return document


def quantities(document: dict[str, Any]) -> dict[str, float]:
    return {line["item"]: line["quantity"] for line in document["lines"]}


def test_a_run_tells_its_cost(cloud: Cloud, result: dict[str, Any]) -> None:
    shown = json.loads(cloud.cli("show", result["execution_arn"], "--json").stdout)
    manifest = json.loads(cloud.read(shown["output"]["manifest"]))
    assert manifest["run"]["cost"] == result["cost"]
    assert result["cost_usd"] == result["cost"]["usd"] > 0
    assert result["cost"]["region"] == cloud.status["region"]


def test_the_bill_is_by_lambda_s_reports_and_the_history(
    cloud: Cloud, result: dict[str, Any]
) -> None:
    document = bill(cloud, result["execution_arn"])

    assert [stage["stage"] for stage in document["stages"]] == list(STAGES)
    invocations = [each for stage in document["stages"] for each in stage["invocations"]]
    assert {each["seconds_by"] for each in invocations} == {"log"}
    assert quantities(document)["state_transition"] == TRANSITIONS
    assert quantities(document)["lambda_request"] == len(STAGES)
    assert document["usd"] > 0
    assert document["rows"] == 2


def test_the_estimate_is_near_the_bill(cloud: Cloud, result: dict[str, Any]) -> None:
    """The two count the same things, but for the log and the seconds of the commit."""
    estimated, billed = quantities(result["cost"]), quantities(bill(cloud, "last"))

    same = ("state_transition", "lambda_request", "s3_put", "s3_get", "trace")
    assert {item: estimated[item] for item in same} == {item: billed[item] for item in same}
    assert estimated["log_gb"] == pytest.approx(billed["log_gb"], rel=0.35)


def test_a_failed_execution_has_a_bill(cloud: Cloud) -> None:
    empty = cloud.home / "cost" / "empty.csv"
    empty.touch()
    (failed,) = json.loads(cloud.cli("run", empty, "--dataset", "flights", "--json").stdout)

    document = bill(cloud, failed["execution_arn"], "--as-region", "eu-central-1")

    assert document["status"] == "FAILED"
    assert document["region"] == "eu-central-1"
    assert document["stages"][0]["invocations"][0]["error"] == "EmptyFileError"
    assert quantities(document)["sqs_request"] == 1


def test_a_forecast_is_by_the_dataset_s_runs_and_what_stands(
    cloud: Cloud, result: dict[str, Any]
) -> None:
    dataset = result["dataset"]
    options = ("--forecast", "--files", "200", "--size", "30MB", "--per", "day")

    document = bill(cloud, *options, "--dataset", dataset)

    assert "of flights" in document["profile"]
    standing = quantities(document["standing"])
    assert standing["alarm_month"] >= 1
    assert standing["metric_month"] > 0
    assert document["metrics"] == "stages"
    assert document["files_per_month"] == pytest.approx(200 * 730 / 24, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no execution is named"),
        (("--forecast", "--size", "1MB"), "a forecast needs --files and --size"),
        (("last", "--forecast", "--files", "1", "--size", "1MB"), "is about no execution"),
        (("--forecast", "--files", "1", "--size", "much"), "'much' is no size"),
        (("last", "--prices", "/none.json"), "/none.json cannot be read"),
        (("last", "--files", "3"), "--files is about a forecast. Add --forecast"),
        (
            ("--forecast", "--files", "1", "--size", "1", "--stack", "none"),
            "there is no stack none",
        ),
    ],
    ids=str,
)
def test_wrong_use_is_told_in_a_line(
    cloud: Cloud, result: dict[str, Any], arguments: tuple[str, ...], said: str
) -> None:
    del result  # so that there is a last execution
    answer = cloud.cli("cost", *arguments)

    assert answer.returncode == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr
