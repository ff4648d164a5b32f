from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import Settings
from pipeline.constants import STAGES, STATE_NOTICE, state_name
from pipeline.errors import (
    PLATFORM_TRANSIENT,
    InternalError,
    TransientError,
    client_error_names,
    leaf_names,
)
from tests.infra.failures import EVENT, run_after
from tests.infra.states_language import TaskFailedError, executed
from tests.infra.synthesis import Template, definition, properties, synthesised, text

if TYPE_CHECKING:
    from pathlib import Path

States = dict[str, Any]


def tasks(states: States) -> States:
    return {name: state for name, state in states.items() if state["Type"] == "Task"}


def reachable(states: States, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(followers(states[name]))
    return found


def followers(state: dict[str, Any]) -> list[str]:
    branches = [*state.get("Choices", []), *state.get("Catch", [])]
    return [
        *(branch["Next"] for branch in branches),
        *(state[key] for key in ("Next", "Default") if key in state),
    ]


def test_stages_run_in_the_order_of_the_constants(states: States) -> None:
    # GIVEN the way through the machine on which nothing fails
    names = [state_name(stage) for stage in STAGES]
    # THEN it starts with validate, and each stage is followed by the next one
    assert states["Start"]["Next"] == names[0]
    assert states[names[0]]["Next"] == "IsThereWork"
    assert states["IsThereWork"]["Default"] == names[1]
    assert [states[name]["Next"] for name in names[1:]] == [*names[2:], "IsNoticeDue"]
    assert states["IsNoticeDue"]["Default"] == "Succeeded"


def test_start_wraps_the_input_as_the_adr_says(states: States) -> None:
    assert states["Start"]["Parameters"] == {
        "event.$": "$",
        "execution": {
            "arn.$": "$$.Execution.Id",
            "name.$": "$$.Execution.Name",
            "started_at.$": "$$.Execution.StartTime",
        },
        "current": {"stage": "validate", "run": {}},
    }


@pytest.mark.parametrize(("stage", "following"), [*pairwise(STAGES), ("write", "write")])
def test_stage_gets_and_leaves_the_state_of_the_adr(
    states: States, stage: str, following: str
) -> None:
    task = states[state_name(stage)]
    assert task["Resource"] == "arn:aws:states:::lambda:invoke"
    assert task["Parameters"]["Payload"] == {
        "event.$": "$.event",
        "execution.$": "$.execution",
        "run.$": "$.current.run",
        "attempt.$": "$$.State.RetryCount",
    }
    assert task["ResultSelector"] == {"stage": following, "run.$": "$.Payload"}
    assert task["ResultPath"] == "$.current"


def test_every_choice_has_a_default_for_no_catch_sees_one_that_fails(states: States) -> None:
    choices = [state for state in states.values() if state["Type"] == "Choice"]
    assert choices and all("Default" in choice for choice in choices)


def test_every_task_has_timeout_one_retry_with_two_attempts_and_catch(states: States) -> None:
    for name, task in tasks(states).items():
        (retry,) = task["Retry"]
        assert retry["ErrorEquals"], name
        assert retry == {
            "ErrorEquals": retry["ErrorEquals"],
            "IntervalSeconds": 2,
            "BackoffRate": 2,
            "MaxAttempts": 2,
            "JitterStrategy": "FULL",
        }, name
        (catch,) = task["Catch"]
        assert catch["ErrorEquals"] == ["States.ALL"], name
        assert task["TimeoutSeconds"] > 0, name


@pytest.mark.parametrize("stage", STAGES)
def test_stage_is_retried_after_the_transient_errors_of_the_tree_and_no_others(
    states: States, stage: str
) -> None:
    (retry,) = states[state_name(stage)]["Retry"]
    assert retry["ErrorEquals"] == [*leaf_names(TransientError), *PLATFORM_TRANSIENT]


@pytest.mark.parametrize("stage", STAGES)
def test_failure_of_a_stage_reaches_queue_topic_and_fail(states: States, stage: str) -> None:
    # GIVEN the Catch of a stage, which keeps the cause and leaves the stage's name in place
    (catch,) = states[state_name(stage)]["Catch"]
    assert catch["ResultPath"] == "$.failure"
    # THEN whatever way is taken from there leads through queue and topic into Fail
    tail = reachable(states, catch["Next"])
    ends = {name for name in tail if not followers(states[name])}
    assert {"SendToDeadLetterQueue", "PublishAlert"} <= tail
    assert ends == {"Failed"}
    for skipped in ("SendToDeadLetterQueue", "PublishAlert"):
        without = {name: state for name, state in states.items() if name != skipped}
        without[skipped] = {"Type": "Fail"}
        assert "Failed" not in reachable(without, catch["Next"])


def test_fault_is_told_by_the_branches_of_the_tree(states: States) -> None:
    names = [
        tuple(condition["StringEquals"] for condition in choice["Or"])
        for choice in states["WhoseFault"]["Choices"]
    ]
    assert names == [client_error_names(), leaf_names(InternalError)]
    branches = [*states["WhoseFault"]["Choices"], {"Next": states["WhoseFault"]["Default"]}]
    codes = [states[branch["Next"]]["Parameters"]["status_code"] for branch in branches]
    assert codes == [400, 500, 500]


def test_dead_letter_has_the_fields_of_the_adr(states: States) -> None:
    assert states["SendToDeadLetterQueue"]["Parameters"]["MessageBody"] == {
        "schema_version": "2",
        "execution.$": "$.execution",
        "dataset.$": "$.failure.dataset",
        "source.$": "$.failure.source",
        "run_id.$": "$.failure.run_id",
        "failure": {
            "stage.$": "$.failure.stage",
            "error.$": "$.failure.error",
            "message.$": "$.failure.message",
            "status_code.$": "$.failure.status_code",
        },
        "rows.$": "$.failure.rows",
        "rejects.$": "$.failure.rejects",
        "run.$": "$.current.run",
        "event.$": "$.event",
    }


def test_notice_that_is_refused_ends_as_the_run_did(states: States) -> None:
    notice = states[STATE_NOTICE]
    (catch,) = notice["Catch"]
    assert (catch["Next"], notice["Next"]) == ("Succeeded", "Succeeded")
    for result_path in (catch["ResultPath"], notice["ResultPath"]):
        assert not result_path.startswith("$.current")
    assert notice["Parameters"] == {
        "TopicArn": states["PublishAlert"]["Parameters"]["TopicArn"],
        "Subject.$": "$.current.run.notice.subject",
        "Message.$": "$.current.run.notice.message",
    }


def test_runs_end_with_the_run_or_with_the_first_error(states: States) -> None:
    assert states["Succeeded"] == {"Type": "Succeed", "OutputPath": "$.current.run"}
    assert states["NothingToDo"] == {"Type": "Succeed", "OutputPath": "$.current.run"}
    assert states["Failed"] == {
        "Type": "Fail",
        "ErrorPath": "$.failure.error",
        "CausePath": "$.failure.message",
    }


@pytest.mark.parametrize("stage", STAGES)
def test_each_attempt_of_a_stage_is_told_its_number(states: States, stage: str) -> None:
    # GIVEN a stage that fails as long as it may
    seen: list[int] = []

    def answer(name: str, parameters: Any) -> Any:
        if name == state_name(stage):
            seen.append(parameters["Payload"]["attempt"])
            raise TaskFailedError("StorageThrottledError")
        return {"Payload": run_after(name.lower())} if name.lower() in STAGES else {}

    # WHEN
    executed(states, "Start", EVENT, answer)

    # THEN
    assert seen == [0, 1, 2]


def test_execution_outlives_all_timeouts_and_retries_so_that_a_catch_sees_them(
    aws_template: Template, states: States
) -> None:
    # GIVEN the longest time that the stages and their retries can take, and the tail's
    # THEN the execution's own timeout, which no Catch sees, comes later
    assert definition(aws_template)["TimeoutSeconds"] > longest(states)


def test_execution_outlives_the_longest_functions_too(tmp_path: Path) -> None:
    machine = definition(synthesised(tmp_path, target="local", timeout_s="900"))
    assert machine["TimeoutSeconds"] > longest(machine["States"]) > 5 * 3 * 900


def longest(states: States) -> int:
    """Seconds that all tasks take if they fail by their timeouts whenever they are tried."""
    attempts, waits = 3, 2 + 4
    return sum(task["TimeoutSeconds"] * attempts + waits for task in tasks(states).values())


def test_function_times_out_before_its_task_does(aws_template: Template, states: States) -> None:
    for stage in STAGES:
        name = state_name(stage)
        function = properties(aws_template, "AWS::Lambda::Function", f"{name}Function")
        assert function["Timeout"] == Settings().stages[stage].timeout_s
        assert function["Timeout"] < states[name]["TimeoutSeconds"]


def test_only_plain_jsonpath_is_used(aws_template: Template) -> None:
    whole = str(definition(aws_template))
    assert definition(aws_template).get("QueryLanguage", "JSONPath") == "JSONPath"
    assert "Assign" not in whole
    intrinsics = {part.split("(")[0] for part in whole.split("States.")[1:] if "(" in part[:20]}
    assert intrinsics <= {"Format", "StringToJson", "JsonToString", "Array"}


def test_machine_is_standard_traced_and_logged_with_data(aws_template: Template) -> None:
    machine = properties(aws_template, "AWS::StepFunctions::StateMachine", "Pipeline")
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", True)
    (destination,) = logging["Destinations"]
    assert text(destination["CloudWatchLogsLogGroup"]["LogGroupArn"]).startswith("<PipelineLogs")
    group = properties(aws_template, "AWS::Logs::LogGroup", "PipelineLogs")
    assert group["RetentionInDays"] == 90


@pytest.mark.parametrize("kept", [True, False])
def test_whether_the_log_holds_what_states_take_and_give_is_a_setting(
    tmp_path: Path, *, kept: bool
) -> None:
    template = synthesised(tmp_path, log_execution_data=str(kept).lower())
    machine = properties(template, "AWS::StepFunctions::StateMachine", "Pipeline")
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", kept)
