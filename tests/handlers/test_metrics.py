"""What an execution leaves in the metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import metrics
from pipeline.constants import ENV_METRICS_DETAIL, ENV_STACK_NAME, STAGES
from pipeline.errors import (
    EmptyFileError,
    PayloadTooLargeError,
    StorageUnavailableError,
    UnknownDatasetError,
)
from pipeline.guard import ENV_MEMORY_MB
from pipeline.metrics import MetricName, MetricsDetail
from tests.handlers.cloud import EXECUTION, INPUT
from tests.handlers.emf import told, values
from tests.handlers.orders import KEY as ORDERS_KEY
from tests.handlers.orders import Deployments, Orders, csv, order, replay_of_quarantine
from tests.handlers.samples import flight, flights
from tests.handlers.test_resume import resumed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handlers.cloud import Cloud
    from tests.handlers.faults import Faults

    Printed = Callable[[], list[dict[str, Any]]]

KEY = "input/flights/a.csv"
BODY = flights(flight(1), flight(2), flight(3, month=13))
STACK = "Blue"
MEMORY_MB = 8192


@pytest.fixture(autouse=True)
def _function(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stack and Lambda tell each function."""
    monkeypatch.setenv(ENV_STACK_NAME, STACK)
    monkeypatch.setenv(ENV_MEMORY_MB, str(MEMORY_MB))
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stage")


def runs_of(lines: list[dict[str, Any]], dataset: str = "flights") -> dict[str, list[float]]:
    """What is told of a dataset's runs."""
    return values(lines, stack=STACK, dataset=dataset)


def test_each_stage_tells_its_rows_by_stack_dataset_and_stage(
    cloud: Cloud, printed: Printed
) -> None:
    # WHEN
    run = cloud.run_pipeline(KEY, BODY)

    # THEN
    lines = printed()
    for record in run["stages"]:
        found = values(lines, stack=STACK, dataset="flights", stage=record["stage"])
        first = record["stage"] == "validate"
        assert (found["RowsIn"], found["RowsOut"]) == ([3.0 if first else 2.0], [2.0])
        assert found["RowsRejected"] == [float(first)]
        assert found["StageSeconds"] == [record["seconds"]]
        assert found["BytesIn"] == [record["bytes_in"]]
        assert not {"Retries", "StageErrors"} & found.keys()
        of_function = values(lines, stack=STACK, stage=record["stage"])
        assert of_function["ColdStarts"] == found["ColdStarts"] == [record["cold_start"]]


def test_a_run_is_told_once_by_dataset_and_once_for_the_stack(
    cloud: Cloud, printed: Printed
) -> None:
    # GIVEN an upload of a minute and a half ago
    event = cloud.upload(KEY, BODY)
    event["time"] = (datetime.now(UTC) - timedelta(seconds=90)).isoformat(timespec="seconds")

    # WHEN
    run = cloud.run(event)

    # THEN
    lines = printed()
    found = runs_of(lines)
    assert values(lines, stack=STACK) == found
    (seconds,) = found.pop("UploadToCommitSeconds")
    assert 90 <= seconds < 100
    sizes = [cloud.head(address)["ContentLength"] for address in run["outputs"]]
    assert found == {
        "Runs": [1],
        "Outcome_SUCCEEDED_WITH_REJECTS": [1],
        "RowsRead": [3],
        "RowsWritten": [2],
        "RowsRejected": [1],
        "RowsDuplicate": [0],
        "RowsFiltered": [0],
        "BytesRead": [len(BODY)],
        "BytesWritten": [sum(sizes)],
        "EstimatedCost": [run["cost"]["usd"]],
    }


def test_a_run_without_work_tells_its_outcome_alone(cloud: Cloud, printed: Printed) -> None:
    # GIVEN
    event = cloud.upload(KEY, BODY)
    cloud.run(event)
    printed()

    # WHEN
    cloud.run(event)

    # THEN no row is counted a second time
    lines = printed()
    assert runs_of(lines) == {"Runs": [1], "Outcome_ALREADY_PROCESSED": [1]}
    of_stage = values(lines, stack=STACK, dataset="flights", stage="validate")
    assert of_stage["RowsIn"] == of_stage["RowsRejected"] == [0]


@pytest.mark.parametrize("time", [None, "soon", "2026-01-31T11:59:59"])
def test_without_a_time_in_the_event_the_object_s_is_taken(
    cloud: Cloud, printed: Printed, time: str | None
) -> None:
    event = {**cloud.upload(KEY, BODY), "time": time}

    cloud.run(event)

    assert 0 <= runs_of(printed())["UploadToCommitSeconds"][0] < 10


def test_neither_replays_nor_clocks_that_disagree_tell_how_long_an_upload_waited(
    cloud: Cloud, deploy: Deployments, printed: Printed
) -> None:
    # GIVEN an upload of tomorrow, a replay of it, and one of its rejected rows
    deploy(Orders(last_day=30))
    event = cloud.upload(ORDERS_KEY, csv(order(1), order(2, day=31)))
    event["time"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    run = cloud.run(event)
    other = cloud.upload("input/orders/b.csv", csv(order(3)))
    cloud.run(resumed(other, None))
    deploy(Orders(last_day=31))
    merged = cloud.run(replay_of_quarantine(event, run))

    # THEN
    found = runs_of(printed(), "orders")
    assert "UploadToCommitSeconds" not in found
    # AND what they did is told, the merge's own bytes alone
    assert found["Runs"] == [1, 1, 1]
    assert found["RowsWritten"] == [1, 1, 1]
    (mine,) = set(merged["outputs"]) - set(run["outputs"])
    assert found["BytesWritten"][-1] == cloud.head(mine)["ContentLength"]


def test_what_a_replay_takes_over_is_not_told_again(cloud: Cloud, printed: Printed) -> None:
    # GIVEN an execution that failed after three stages
    event = cloud.upload(KEY, BODY)
    *_, transformed = cloud.states(event, STAGES[:3])
    printed()

    # WHEN
    cloud.run(resumed(event, transformed))

    # THEN
    lines = printed()
    rows = {(dict(one.dimensions)["stage"]) for one in told(lines) if one.metric == "RowsIn"}
    assert rows == {"enrich", "write"}
    assert runs_of(lines)["RowsRead"] == [3]


def test_a_commit_whose_attempt_died_is_told_by_the_next(
    cloud: Cloud, faults: Faults, printed: Printed
) -> None:
    # GIVEN a write that has committed, and did not live to tell
    event = cloud.upload(KEY, BODY) | {"time": datetime.now(UTC).isoformat(timespec="seconds")}
    *_, enriched = cloud.states(event, STAGES[:-1])
    number = _manifest_write(cloud, event, enriched)
    printed()
    with (
        faults.all_answers_lost_at(number),
        pytest.raises(StorageUnavailableError),
    ):
        cloud.run_stage("write", event, enriched)
    assert runs_of(printed()) == {}

    # WHEN
    cloud.run_stage("write", event, enriched, attempt=1)

    # THEN
    lines = printed()
    found = runs_of(lines)
    assert (found["Outcome_SUCCEEDED_WITH_REJECTS"], found["RowsWritten"]) == ([1], [2])
    assert found["BytesWritten"][0] > 0
    assert 0 <= found["UploadToCommitSeconds"][0] < 10
    of_stage = values(lines, stack=STACK, dataset="flights", stage="write")
    assert of_stage["Retries"] == [1]
    assert values(lines, stack=STACK, stage="write")["Retries"] == [1]


def _manifest_write(cloud: Cloud, event: dict[str, Any], enriched: dict[str, Any]) -> int:
    """Number of the write that commits, among all of the last stage."""
    cloud.calls.clear()
    run = cloud.run_stage("write", event, enriched)
    writes = ("PutObject", "CompleteMultipartUpload", "DeleteObject")
    keys = [call.key for call in cloud.calls if call.operation in writes]
    cloud.empty("results", keep="quarantine/")
    return 1 + keys.index(run["manifest"].partition("results/")[2])


@pytest.mark.parametrize(("attempt", "retries"), [(0, {}), (2, {"Retries": [1]})])
def test_a_failed_invocation_is_counted_with_its_error_beside(
    cloud: Cloud, printed: Printed, attempt: int, retries: dict[str, list[float]]
) -> None:
    # WHEN
    with pytest.raises(EmptyFileError):
        cloud.run_stage("validate", cloud.upload(KEY, b""), None, attempt=attempt)

    # THEN with nothing of what it had begun
    lines = printed()
    of_function = values(lines, stack=STACK, stage="validate")
    del of_function["MemoryUtilization"]
    assert of_function == {"ColdStarts": of_function["ColdStarts"], **retries}
    of_stage = values(lines, stack=STACK, dataset="flights", stage="validate")
    assert of_stage == {"StageErrors": [1], **of_function}
    assert runs_of(lines) == {}
    (line,) = [line for line in lines if "StageErrors" in line]
    assert (line["error"], line["status_code"], line["key"]) == ("EmptyFileError", 400, KEY)


def test_whatever_a_key_names_makes_no_metric_of_its_own(cloud: Cloud, printed: Printed) -> None:
    # WHEN
    with pytest.raises(UnknownDatasetError):
        cloud.run_stage("validate", cloud.upload("input/trains/b.csv", BODY), None)

    # THEN
    lines = printed()
    assert {dict(one.dimensions).get("dataset") for one in told(lines)} == {"unknown", None}
    # AND the log says what it was
    assert {line["dataset"] for line in lines if "_aws" not in line} == {"trains"}


def test_a_failed_stage_leaves_nothing_to_the_next_run(cloud: Cloud, printed: Printed) -> None:
    # GIVEN
    with pytest.raises(EmptyFileError):
        cloud.run_pipeline(KEY, b"")
    printed()

    # WHEN
    cloud.run_pipeline(KEY, flights(flight()))

    # THEN
    lines = printed()
    found = values(lines, stack=STACK, dataset="flights", stage="validate")
    assert (found["RowsIn"], found.get("StageErrors")) == ([1], None)
    assert not any("error" in line for line in lines)


def test_a_run_that_cannot_be_handed_on_is_told_as_failed_alone(
    cloud: Cloud,
    printed: Printed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = cloud.upload(KEY, BODY)
    *_, enriched = cloud.states(event, STAGES[:-1])
    printed()
    monkeypatch.setattr("pipeline.runtime.MAX_PAYLOAD_BYTES", 100)

    with pytest.raises(PayloadTooLargeError):
        cloud.run_stage("write", event, enriched)

    lines = printed()
    assert runs_of(lines) == {}
    assert "StageErrors" in values(lines, stack=STACK, dataset="flights", stage="write")


@pytest.mark.parametrize("body", [BODY, b""], ids=["good", "failed"])
def test_memory_is_told_as_a_share_of_the_function_s(
    cloud: Cloud, printed: Printed, body: bytes
) -> None:
    event = cloud.upload(KEY, body)
    try:
        cloud.run_stage("validate", event, None)
    except EmptyFileError:
        assert not body

    (share,) = values(printed(), stack=STACK, stage="validate")["MemoryUtilization"]
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    held = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert share == pytest.approx(100 * held / 1024 / MEMORY_MB, abs=0.5)


def test_outside_lambda_no_share_of_memory_is_told(
    cloud: Cloud, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENV_MEMORY_MB)

    cloud.run_pipeline(KEY, BODY)

    assert not any("MemoryUtilization" in line for line in printed())


def everything(cloud: Cloud, deploy: Deployments) -> None:
    """Let the handlers do all that makes them tell something."""
    dependency = {"columns": ["code"], "determines": "item", "min_share": 0.7}
    transform = [
        {"explode": {"column": "code", "by": ";"}},
        {"filter": "quantity > 0"},
    ]
    clean = {"dependencies": [dependency], "dedupe": ["id"]}
    deploy(Orders(options={"clean": clean, "transform": transform}))
    rows = [order(n, code="c;d") for n in (1, 2, 3)]
    rows += [order(4, code="c;d", item="tee"), order(5, item="gold"), order(6, quantity=0)]
    event = cloud.upload(ORDERS_KEY, csv(*rows, order(1), order(7, day=99)))
    run = cloud.run(event)
    assert run["rows"]["rejected"] and run["rows"]["dropped_by_lookup"], run["rows"]
    cloud.run(event)
    older = event["detail"]["object"] | {"sequencer": "0", "version-id": _older(cloud, csv())}
    cloud.run({**event, "detail": {**event["detail"], "object": older}})
    cloud.run(cloud.upload("input/orders/good.csv", csv(order(1))))
    cloud.run(cloud.upload("input/orders/", b""))
    with pytest.raises(EmptyFileError):
        cloud.run_stage("validate", cloud.upload("input/orders/empty.csv", b""), None, attempt=1)


def _older(cloud: Cloud, body: bytes) -> str:
    """Version of the object that is there beside the committed one."""
    return cloud.s3.put_object(Bucket=INPUT, Key=ORDERS_KEY, Body=body)["VersionId"]


def test_what_is_named_is_told_and_what_is_told_is_named(
    cloud: Cloud, deploy: Deployments, printed: Printed
) -> None:
    # GIVEN all names, units and dimensions that alarms and the dashboard may use
    outcomes = (
        "SUCCEEDED",
        "SUCCEEDED_WITH_REJECTS",
        "ALREADY_PROCESSED",
        "SUPERSEDED",
        "IGNORED",
    )
    named = {found for found in vars(metrics).values() if isinstance(found, MetricName)}
    named |= {metrics.outcome_metric(outcome) for outcome in outcomes}

    # WHEN
    everything(cloud, deploy)

    # THEN the functions tell these and no others, under these dimensions and no others
    found = {(one.metric, one.unit, tuple(dict(one.dimensions))) for one in told(printed())}
    by_stack_alone = {("Outcome_IGNORED", "Count", ("stack", "dataset"))}
    assert found == {(n.name, n.unit, names) for n in named for names in n.sets} - by_stack_alone


def test_of_runs_alone_the_stages_figures_stand_in_the_log(
    cloud: Cloud, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN
    monkeypatch.setenv(ENV_METRICS_DETAIL, MetricsDetail.RUNS)

    # WHEN
    run = cloud.run_pipeline(KEY, BODY)

    # THEN functions and runs alone have metrics
    lines = printed()
    found = {tuple(dict(one.dimensions)) for one in told(lines)}
    assert found == {("stack", "stage"), ("stack", "dataset"), ("stack",)}
    assert (runs_of(lines)["RowsRead"], runs_of(lines)["RowsRejected"]) == ([3], [1])
    # AND whoever searches the log finds each stage's figures, and whose they are
    for record in run["stages"]:
        (line,) = [one for one in lines if "RowsIn" in one and one["stage"] == record["stage"]]
        assert (line["stack"], line["dataset"]) == (STACK, "flights")
        assert (line["run_id"], line["execution_arn"]) == (run["run_id"], EXECUTION["arn"])
        assert (line["RowsIn"], line["RowsOut"]) == ([record["rows_in"]], [record["rows_out"]])
        assert line["StageSeconds"] == [record["seconds"]]


def test_of_runs_alone_a_failure_stands_in_the_log(
    cloud: Cloud, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_METRICS_DETAIL, MetricsDetail.RUNS)

    with pytest.raises(EmptyFileError):
        cloud.run_stage("validate", cloud.upload(KEY, b""), None, attempt=1)

    lines = printed()
    assert {tuple(dict(one.dimensions)) for one in told(lines)} == {("stack", "stage")}
    assert values(lines, stack=STACK, stage="validate")["Retries"] == [1]
    (line,) = [line for line in lines if "StageErrors" in line]
    assert (line["error"], line["dataset"], line["stage"]) == (
        "EmptyFileError",
        "flights",
        "validate",
    )
    assert (line["StageErrors"], line["Retries"]) == ([1], [1])
