from __future__ import annotations

import datetime as dt
import json
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.accounting import RowCounts
from pipeline.constants import MAX_MESSAGE_CHARACTERS, MAX_PAYLOAD_BYTES
from pipeline.errors import (
    InvalidEventError,
    MemoryLimitError,
    NoRowsError,
    PayloadTooLargeError,
    PipelineError,
    PlanChangedError,
    UnbalancedBooksError,
    UnexpectedError,
    UnknownDatasetError,
)
from pipeline.observability import stage_logger
from pipeline.runtime import datasets_folder, stage_handler
from tests.unit.pipeline.support import event_of, plan_of, run_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.stage_context import StageContext

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:name"
EXECUTION = {"arn": ARN, "name": "name", "started_at": "2026-01-31T12:00:00Z"}
WHERE = "Dataset things, file s3://landing/input/things/one.csv: "


@pytest.fixture(autouse=True)
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "plan.json").write_text(json.dumps(plan_of({"a": "string"}).to_json()))
    monkeypatch.setenv("DATASETS_DIR", str(tmp_path))
    return tmp_path


def balanced(context: StageContext) -> None:
    """Count three rows in, two out, one filtered."""
    context.rows_in, context.rows_out = 3, 2
    context.counts = RowCounts(filtered=1)


def invoked(
    body: Callable[[StageContext], None] = balanced, *, stage: str = "clean", **state: Any
) -> dict[str, Any]:
    given = {"event": event_of(), "execution": EXECUTION, "run": run_of().to_json(), **state}
    return stage_handler(stage)(body)(given, None)


def seen(**state: Any) -> StageContext:
    """Context that a stage's body sees."""
    contexts: list[StageContext] = []
    invoked(contexts.append, **state)
    return contexts[0]


def test_a_stage_completes_the_run_and_returns_it() -> None:
    run = invoked()

    (record,) = run["stages"]
    assert (record["stage"], record["rows_in"], record["rows_out"]) == ("clean", 3, 2)
    assert record["seconds"] >= 0
    assert record["peak_memory_mb"] > 0
    assert run["run_id"] == run_of().run_id


def test_only_the_first_invocation_of_a_process_is_a_cold_start() -> None:
    # GIVEN a process that had an age when it made its handler
    stage = f"stage-{uuid.uuid4()}"
    handler = stage_handler(stage)(balanced)
    event = {"event": event_of(), "execution": EXECUTION, "run": run_of().to_json()}

    records = [handler(event, None)["stages"][0] for _ in range(3)]

    # THEN the first invocation alone has begun with it
    assert [record["cold_start"] for record in records] == [True, False, False]
    assert records[0]["init_seconds"] > 0
    assert [record["init_seconds"] for record in records[1:]] == [0, 0]


def test_a_process_whose_first_invocation_failed_is_warm() -> None:
    def failing(_context: StageContext) -> None:
        raise NoRowsError("No rows.")

    stage = f"stage-{uuid.uuid4()}"
    with pytest.raises(NoRowsError):
        invoked(failing, stage=stage)

    assert invoked(stage=stage)["stages"][0]["cold_start"] is False


def test_a_record_holds_what_is_billed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "8192")

    (record,) = invoked(attempt=2)["stages"]

    assert (record["memory_mb"], record["retries"], record["requests"]) == (8192, 2, {})


@pytest.mark.parametrize("state", [{}, {"attempt": None}, {"attempt": "2"}])
def test_an_execution_of_an_older_definition_is_at_its_first_attempt(state: dict[str, Any]) -> None:
    (record,) = invoked(**state)["stages"]

    assert (record["retries"], record["memory_mb"]) == (0, 0)


def test_the_first_stage_begins_the_run_and_the_others_go_on_with_it() -> None:
    begun = seen(stage="validate", run=None).run
    begun.stages.clear()
    carried = seen(run={**run_of().to_json(), "report": "carried"}).run

    assert begun == run_of()
    assert carried.report == "carried"


def test_the_context_knows_execution_and_start() -> None:
    context = seen()

    assert context.execution_arn == ARN
    assert context.started_at == dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    assert context.plan.dataset == "things"


def test_a_deployment_between_two_stages_stops_the_run() -> None:
    run = {**run_of().to_json(), "plan_hash": "another"}

    with pytest.raises(PlanChangedError, match="its plan was another") as raised:
        invoked(run=run)

    assert "Run the file again" in str(raised.value)


def test_without_execution_a_stage_starts_now() -> None:
    context = seen(execution=None)

    assert abs((dt.datetime.now(dt.UTC) - context.started_at).total_seconds()) < 60
    assert context.execution_arn == ""


def test_the_handler_keeps_the_name_of_its_body() -> None:
    assert stage_handler("clean")(balanced).__name__ == "balanced"


def test_a_named_error_says_dataset_and_file() -> None:
    def failing(_context: StageContext) -> None:
        raise NoRowsError("No rows.", remedy="Send some.")

    with pytest.raises(NoRowsError) as raised:
        invoked(failing)

    assert raised.value.message == f"{WHERE}No rows. Send some."


def test_the_cause_of_a_named_error_is_kept() -> None:
    cause = KeyError("x")

    def failing(_context: StageContext) -> None:
        raise NoRowsError("No rows.") from cause

    with pytest.raises(NoRowsError) as raised:
        invoked(failing)

    assert raised.value.__cause__ is cause


@pytest.mark.parametrize("error", [ValueError("é" * 10**6), KeyError("k"), RuntimeError()])
def test_any_other_exception_is_an_unexpected_error_of_bounded_length(error: Exception) -> None:
    def failing(_context: StageContext) -> None:
        raise error

    with pytest.raises(UnexpectedError) as raised:
        invoked(failing)

    assert raised.value.message.startswith(f"{WHERE}{type(error).__name__}:")
    assert len(raised.value.message) <= MAX_MESSAGE_CHARACTERS
    assert raised.value.__cause__ is error


def test_running_out_of_memory_has_a_name() -> None:
    def failing(_context: StageContext) -> None:
        raise MemoryError

    with pytest.raises(MemoryLimitError, match="ran out of memory after 0 rows"):
        invoked(failing)


@pytest.mark.parametrize("state", [{"event": {}}, {"event": None}, {"run": {}}, {"run": None}])
def test_a_state_without_event_or_run_is_named(state: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError):
        invoked(**state)


def test_an_unknown_dataset_is_named_with_its_file() -> None:
    with pytest.raises(UnknownDatasetError, match=r"^s3://landing/input/other/x\.csv: There is no"):
        invoked(event=event_of(key="input/other/x.csv"), stage="validate")


def test_a_folder_marker_is_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    run = invoked(event=event_of(key="input/things/", size=0), stage="validate", run=None)

    assert run["outcome"] == "IGNORED"
    assert run["stages"] == []
    # AND it is counted, under no dataset
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert described["Dimensions"] == [["stack"]]
    assert (line["Runs"], line["Outcome_IGNORED"], line["key"]) == ([1], [1], "input/things/")


def test_a_lost_row_stops_the_stage() -> None:
    def losing(context: StageContext) -> None:
        context.rows_in, context.rows_out = 3, 2

    with pytest.raises(UnbalancedBooksError, match=r"things.*3 rows in, 2 out"):
        invoked(losing)


def test_a_result_that_is_too_large_for_the_state_machine_is_an_error() -> None:
    def talkative(context: StageContext) -> None:
        context.run.outputs = ["s3://bucket/" + "k" * 1000] * (MAX_PAYLOAD_BYTES // 1000)

    with pytest.raises(PayloadTooLargeError, match="200,000"):
        invoked(talkative)


def test_every_log_line_says_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    stage = f"stage-{uuid.uuid4()}"
    invoked(stage=stage)

    lines = logged(capsys)
    assert set(lines) == {"stage started", "stage finished"}
    for line in lines.values():
        assert {
            key: line[key] for key in ("run_id", "dataset", "stage", "key", "execution_arn")
        } == {
            "run_id": run_of().run_id,
            "dataset": "things",
            "stage": stage,
            "key": "input/things/one.csv",
            "execution_arn": ARN,
        }


def test_a_failure_is_logged_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    def failing(_context: StageContext) -> None:
        raise ValueError("what happened")

    with pytest.raises(UnexpectedError):
        invoked(failing, stage=f"stage-{uuid.uuid4()}")

    line = logged(capsys)["stage failed"]
    assert line["level"] == "ERROR"
    assert "what happened" in line["exception"]


def test_a_failure_is_not_logged_as_the_run_before(capsys: pytest.CaptureFixture[str]) -> None:
    stage = f"stage-{uuid.uuid4()}"
    invoked(stage=stage)
    capsys.readouterr()
    for state in ({"event": {}, "execution": None, "run": None}, {"execution": "?", "run": ["?"]}):
        with pytest.raises(PipelineError):
            invoked(stage=stage, **state)

        line = logged(capsys)["stage failed"]
        assert not {"run_id", "execution_arn"} & line.keys()
        assert ("key" in line) is ("dataset" in line) is ("event" not in state)


def test_a_failure_names_what_the_state_machine_said(capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN an event that is none, which nothing but the rest of the state can name
    with pytest.raises(InvalidEventError):
        invoked(stage=f"stage-{uuid.uuid4()}", event={}, attempt=1)

    line = logged(capsys)["stage failed"]
    assert (line["run_id"], line["dataset"]) == (run_of().run_id, "things")
    assert (line["execution_arn"], line["attempt"], line["cold_start"]) == (ARN, 1, True)
    assert "key" not in line


def test_a_line_names_the_invocation_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    class LambdaContext:
        aws_request_id = "8476a536"

    given = {"event": event_of(), "execution": EXECUTION, "run": run_of().to_json()}
    handler = stage_handler(f"stage-{uuid.uuid4()}")(balanced)
    handler(given, LambdaContext())

    ids = [json.loads(line)["function_request_id"] for line in capsys.readouterr().out.splitlines()]
    assert set(ids) == {"8476a536"}


def test_the_run_is_named_as_what_it_turned_out_to_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an event without a version, so that the object must be opened to know whose run it is
    def identifying(context: StageContext) -> None:
        context.run = replace(context.run, run_id="f" * 32)

    stage = "validate"
    monkeypatch.setattr(stage_logger(stage).handlers[0], "stream", sys.stdout)
    run = invoked(identifying, stage=stage, event=event_of(version_id=None), run=None)

    lines = logged(capsys)
    assert "run_id" not in lines["stage started"]
    assert lines["stage finished"]["run_id"] == run["run_id"] == "f" * 32


@pytest.mark.parametrize("cost", [{"usd": "much"}, {}])
def test_no_run_fails_for_a_figure_that_cannot_be_told(
    cost: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def priced(context: StageContext) -> None:
        context.run.outcome, context.run.cost = "SUCCEEDED", cost
        context.note_commit(1)

    run = invoked(priced, stage=f"stage-{uuid.uuid4()}")

    lines = logged(capsys)
    assert run["outcome"] == "SUCCEEDED"
    assert lines["metrics not told"]["level"] == "WARNING"
    assert lines["stage finished"]["dataset"] == "things"


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """Log lines by their messages."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["message"]: line for line in lines if "message" in line}


def test_the_datasets_stand_beside_the_package_unless_named(
    datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert datasets_folder() == datasets
    monkeypatch.delenv("DATASETS_DIR")

    assert datasets_folder() == Path(__file__).parents[3] / "datasets"
