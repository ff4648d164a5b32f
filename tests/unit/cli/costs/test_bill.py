"""Bills of executions, from histories in Step Functions' words and logs in Lambda's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from cli.costs.bill import HISTORY, LOG, RECORD, Bill, bill_of
from cli.costs.functions import FunctionLogs, FunctionSize
from cli.costs.texts import bill_lines, bill_record
from cli.output import stdout
from pipeline.cost import COMPUTE, STAGE_LOG_BYTES
from pipeline.prices import prices_for
from tests.unit.cli.events import START, at, entered, exited, failed_task, summary
from tests.unit.cli.moto_target import MotoCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:states:us-east-1:000000000000:execution:machine:one"
GROUP = "/aws/lambda/validate"
SIZE = FunctionSize("validate", GROUP, memory_mb=2048, storage_mb=1024)
PRICES = prices_for("us-east-1")
LATER: timedelta = datetime.now(UTC) - START - timedelta(hours=1)
"""CloudWatch Logs takes nothing that is older than a fortnight."""


@dataclass
class LogCloud(MotoCloud):
    """With a log group."""

    put: list[dict[str, Any]] = field(default_factory=list)

    def logs(self) -> Any:
        return self._client("logs")

    def write(self, seconds: float, *messages: str) -> None:
        """Write lines into the function's log, so many seconds after the start."""
        stamp = int((at(seconds) + LATER).timestamp() * 1000)
        events: Any = [{"timestamp": stamp, "message": message} for message in messages]
        self.logs().put_log_events(logGroupName=GROUP, logStreamName="s", logEvents=events)


@pytest.fixture
def cloud() -> Iterator[LogCloud]:
    with mock_aws():
        cloud = LogCloud()
        cloud.logs().create_log_group(logGroupName=GROUP)
        cloud.logs().create_log_stream(logGroupName=GROUP, logStreamName="s")
        yield cloud


def stage_report(stage: str = "validate", **changes: Any) -> dict[str, Any]:
    return {
        "stage": stage,
        "rows_in": 10,
        "rows_out": 10,
        "counts": {},
        "seconds": 0.4,
        "bytes_in": 1000,
        "bytes_out": 300,
        "peak_memory_mb": 150,
        "cold_start": True,
        "memory_mb": 1769,
        "init_seconds": 0.25,
        "requests": {"get": 2, "put": 1, "list": 1, "delete": 4},
    } | changes


def succeeded(seconds: float, run: dict[str, Any]) -> list[dict[str, Any]]:
    output = json.dumps({"Payload": run})
    return [
        {"type": "TaskScheduled", "timestamp": at(seconds)},
        {
            "type": "TaskSucceeded",
            "timestamp": at(seconds + 0.5),
            "taskSucceededEventDetails": {"output": output},
        },
    ]


def a_run(**changes: Any) -> dict[str, Any]:
    about = {"bucket": "in", "key": "input/flights/f.csv", "size": 2_000_000}
    return summary(source=about, outcome="SUCCEEDED") | {"stages": [stage_report()]} | changes


def good_events(run: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        entered("Start", 0, kind="Pass"),
        exited("Start", 0, kind="Pass"),
        entered("Validate", 0),
        *succeeded(0, run),
        exited("Validate", 0.5, {"current": {"run": run}}),
        entered("Succeeded", 0.5, kind="Succeed"),
        exited("Succeeded", 0.5, run, kind="Succeed"),
    ]


def report_line(request: str, billed_ms: int, peak_mb: int = 0) -> str:
    return (
        f"REPORT RequestId: {request}\tDuration: {billed_ms} ms\tBilled Duration: {billed_ms} ms\t"
        f"Memory Size: 1024 MB\tMax Memory Used: {peak_mb} MB"
    )


def own_line(request: str, attempt: int = 0, arn: str = ARN) -> str:
    line = {"execution_arn": arn, "attempt": attempt, "function_request_id": request}
    return json.dumps(line)


def bill(
    cloud: LogCloud, events: list[dict[str, Any]], run: dict[str, Any] | None = None, **sizes: Any
) -> Bill:
    found: Any = {
        "name": "one",
        "executionArn": ARN,
        "status": "SUCCEEDED" if run else "FAILED",
        "startDate": START,
        "stopDate": at(10),
        "input": "{}",
    } | ({"output": json.dumps(run)} if run else {})
    logs = FunctionLogs(cloud, sizes or {"validate": SIZE})  # type: ignore[arg-type]
    recent = [event | {"timestamp": event["timestamp"] + LATER} for event in events]
    return bill_of(found, recent, logs, PRICES)


def test_without_a_log_a_stage_is_billed_by_its_own_record(cloud: LogCloud) -> None:
    run = a_run()

    found = bill(cloud, good_events(run), run)

    (stage,) = found.stages
    (invocation,) = stage.invocations
    assert invocation.told_by == RECORD
    assert invocation.billed_s == pytest.approx(0.65)
    assert stage.usage[COMPUTE] == pytest.approx(0.65 * 1769 / 1024)
    assert stage.usage["lambda_storage_gb_second"] == pytest.approx(0.65 * 0.5)
    assert stage.usage["s3_get"] == 2
    assert stage.usage["s3_put"] == 2
    assert stage.usage["log_gb"] == STAGE_LOG_BYTES / 1024**3
    assert stage.peak_mb == 150


def test_lambda_s_own_report_goes_before_the_record(cloud: LogCloud) -> None:
    # GIVEN the log of this execution's request, and of another's at the same time
    run = a_run()
    mine = [own_line("r1"), report_line("r1", 700, peak_mb=190)]
    cloud.write(0.1, *mine, own_line("r2", arn=f"{ARN}-other"), report_line("r2", 99_000))
    # WHEN
    found = bill(cloud, good_events(run), run)
    # THEN
    (stage,) = found.stages
    (invocation,) = stage.invocations
    assert invocation.told_by == LOG
    assert invocation.billed_s == 0.7
    assert stage.memory_mb == 1024
    assert stage.peak_mb == 190
    assert invocation.log_bytes == sum(len(line) + 26 for line in mine)


def test_transitions_are_states_entered_and_retries(cloud: LogCloud) -> None:
    # GIVEN a stage that succeeds at its second attempt
    run = a_run()
    events = good_events(run)
    events[3:3] = failed_task(0, "StorageThrottledError")
    # WHEN
    found = bill(cloud, events, run)
    # THEN three states and one retry; two requests to the function
    assert found.cost.lines
    used = {line.item: line.quantity for line in found.cost.lines}
    assert used["state_transition"] == 3 + 1
    assert used["lambda_request"] == 2
    assert found.failed_attempts == 1


def test_a_failed_attempt_is_billed_by_the_log_or_by_the_clock(cloud: LogCloud) -> None:
    # GIVEN two failed attempts, of which the log knows the second
    failed = [
        entered("Validate", 0),
        *failed_task(0, "StorageThrottledError"),
        *failed_task(10, "StorageThrottledError"),
        entered("SendToDeadLetterQueue", 11),
        *succeeded(11, {}),
        entered("PublishAlert", 12),
        *succeeded(12, {}),
        entered("Failed", 13, kind="Fail"),
    ]
    cloud.write(10.2, own_line("r2", attempt=1), report_line("r2", 120))
    # WHEN
    found = bill(cloud, failed)
    # THEN
    first, second = found.stages[0].invocations
    assert (first.told_by, first.billed_s, first.memory_mb) == (HISTORY, 0.5, 2048)
    assert (second.told_by, second.billed_s, second.memory_mb) == (LOG, 0.12, 1024)
    used = {line.item: line.quantity for line in found.cost.lines}
    assert used["sqs_request"] == 1
    assert used["sns_publish"] == 1
    assert used["state_transition"] == 4 + 1
    assert found.status == "FAILED"
    assert "requests to S3 of 2 failed attempts" in bill_record(found)["left_out"]


def test_an_attempt_that_lambda_refused_is_a_transition_and_no_invocation(cloud: LogCloud) -> None:
    # GIVEN a stage that succeeds at its second attempt, of which the log knows the report
    run = a_run()
    events = good_events(run)
    events[3:3] = failed_task(0, "Lambda.TooManyRequestsException")
    cloud.write(0.4, own_line("r2", attempt=1), report_line("r2", 120))
    # WHEN
    found = bill(cloud, events, run)
    # THEN
    (invocation,) = found.stages[0].invocations
    assert invocation.billed_s == 0.12
    used = {line.item: line.quantity for line in found.cost.lines}
    assert (used["lambda_request"], used["state_transition"]) == (1, 3 + 1)
    assert found.failed_attempts == 0


def test_an_execution_with_nothing_to_do_has_no_price_by_rows(cloud: LogCloud) -> None:
    # GIVEN a duplicate event: its run tells the rows of the execution that has committed them
    run = a_run(outcome="ALREADY_PROCESSED")

    record = bill_record(bill(cloud, good_events(run), run))

    assert record["status"] == "ALREADY_PROCESSED"
    assert record["usd"] > 0
    assert (record["rows"], record["bytes"]) == (0, 0)
    assert record["usd_per_million_rows"] is record["usd_per_gb"] is None


def test_a_stage_that_a_replay_took_over_was_paid_for_before(cloud: LogCloud) -> None:
    run = a_run(stages=[stage_report(resumed=True)])

    found = bill(cloud, good_events(run), run)

    (stage,) = found.stages
    assert stage.resumed
    assert stage.usage["s3_put"] == 0
    assert stage.invocations[0].told_by == HISTORY


def test_a_stage_of_an_older_deployment_is_billed_by_its_seconds(cloud: LogCloud) -> None:
    newer = ("memory_mb", "init_seconds", "requests")
    known = {name: value for name, value in stage_report().items() if name not in newer}
    older = known | {"no_longer_known": 1}

    found = bill(cloud, good_events(a_run(stages=[older])), a_run(stages=[older]))

    assert found.stages[0].invocations[0].billed_s == 0.4
    assert found.stages[0].memory_mb == 2048


def test_a_log_that_may_not_be_read_is_told(cloud: LogCloud) -> None:
    run = a_run()
    logs = FunctionLogs(cloud, {"validate": FunctionSize("f", "/none", 1024)})  # type: ignore[arg-type]
    described: Any = {"name": "one", "executionArn": ARN, "status": "SUCCEEDED"}

    bill_of(described | {"output": json.dumps(run)}, good_events(run), logs, PRICES)

    assert logs.unreadable == ["/none: ResourceNotFoundException"]


def test_the_record_says_what_the_bill_says(cloud: LogCloud) -> None:
    run = a_run()

    record = bill_record(bill(cloud, good_events(run), run))

    assert json.loads(json.dumps(record)) == record
    assert record["usd"] == pytest.approx(sum(line["usd"] for line in record["lines"]), abs=1e-7)
    assert record["usd_per_million_rows"] == pytest.approx(record["usd"] * 100_000, rel=1e-3)
    assert record["usd_per_gb"] == pytest.approx(record["usd"] * 500, rel=1e-3)
    assert record["region"] == "us-east-1"
    assert record["stages"][0]["sizing"]["advice"] == "keep"
    for line in record["lines"]:
        assert line["usd"] == pytest.approx(line["quantity"] * line["unit_usd"], abs=1e-7)


def test_people_see_the_sum_the_stages_and_what_is_not_in_it(
    cloud: LogCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run()

    for line in bill_lines(bill(cloud, good_events(run), run)):
        stdout().print(line)

    said = capsys.readouterr().out
    assert "one: SUCCEEDED - $0.000" in said
    assert "in us-east-1, list prices as of" in said
    assert "validate" in said
    assert "state transitions, Standard" in said
    assert "Billed seconds by the stage's own record." in said
    assert "Not in it: storage of files and logs" in said
