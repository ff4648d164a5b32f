from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.machine.alert_text import NO_FILE, NO_MESSAGE
from infra.machine.uncaught import UNCATCHABLE_ERRORS, UNCATCHABLE_STATUSES
from pipeline.constants import (
    STAGES,
    STATE_NOTICE,
    SUCCEEDED,
    SUCCEEDED_WITH_REJECTS,
    state_name,
)
from pipeline.errors import PipelineError, leaf_names, retryable_error_names
from tests.infra.failures import EVENT, KEY, SPECIAL, run_after, run_at_failure
from tests.state_machine.cases import NOTICE, ONE_OF_EACH_KIND, brief_weakness_of, failure_of

if TYPE_CHECKING:
    from tests.state_machine.engine import Engine

pytestmark = pytest.mark.network

ALL_STATES = [state_name(stage) for stage in STAGES]


def test_file_goes_through_all_stages(engine: Engine) -> None:
    # WHEN every stage succeeds
    ending = engine.run("AllPassed", EVENT)
    # THEN they ran in their order, and the execution's output is the last one's run
    assert ending.status == "SUCCEEDED"
    assert ending.states == [
        "Start",
        "Validate",
        "IsThereWork",
        *ALL_STATES[1:],
        "IsNoticeDue",
        "Succeeded",
    ]
    assert ending.output == run_after("write", SUCCEEDED)
    assert ending.failed_attempts == 0
    assert (ending.letters, ending.alerts) == ([], [])


@pytest.mark.parametrize("case", ["AlreadyProcessed", "Superseded"])
def test_file_without_work_ends_after_the_first_stage(engine: Engine, case: str) -> None:
    ending = engine.run(case, EVENT)
    assert ending.status == "SUCCEEDED"
    assert ending.states == ["Start", "Validate", "IsThereWork", "NothingToDo"]
    assert ending.output["outcome"]


def test_run_without_an_outcome_goes_on(engine: Engine) -> None:
    assert engine.run("NoOutcome", EVENT).output["outcome"] == SUCCEEDED


@pytest.mark.parametrize("stage", STAGES)
def test_transient_error_is_retried_twice(engine: Engine, stage: str) -> None:
    # WHEN a stage is throttled two times and succeeds then
    ending = engine.run(brief_weakness_of(stage), EVENT)
    # THEN nobody hears of it
    assert ending.status == "SUCCEEDED"
    assert ending.failed_attempts == 2
    assert (ending.letters, ending.alerts) == ([], [])


@pytest.mark.parametrize("error", ONE_OF_EACH_KIND)
@pytest.mark.parametrize("stage", STAGES)
def test_failure_is_retried_if_it_may_pass_and_told_once(
    engine: Engine, stage: str, error: str
) -> None:
    # WHEN a stage fails however often it is asked
    ending = engine.run(failure_of(stage, error), EVENT)
    # THEN it was asked as often as its kind of error is worth, and the execution fails with it
    assert ending.failed_attempts == (3 if error in retryable_error_names() else 1)
    assert (ending.status, ending.error, ending.cause) == ("FAILED", error, "the reason")
    # THEN exactly one letter and one alert tell it
    (letter,), (alert,) = ending.letters, ending.alerts
    assert letter["failure"] == {
        "stage": stage,
        "error": error,
        "message": "the reason",
        "status_code": ONE_OF_EACH_KIND[error],
    }
    assert f'in the stage "{stage}" with {error}.' in alert["Message"]
    assert f"Status: {ONE_OF_EACH_KIND[error]} - " in alert["Message"]


def test_letter_of_the_first_stage_has_what_the_event_says(engine: Engine) -> None:
    ending = engine.run(failure_of("validate", "Runtime.ExitError"), EVENT)
    (letter,) = ending.letters
    execution = letter.pop("execution")
    assert set(execution) == {"arn", "name", "started_at"}
    assert (execution["arn"], execution["name"]) == (ending.arn, ending.name)
    assert letter == {
        "schema_version": "2",
        "dataset": "",
        "source": {"bucket": "in", "key": KEY, "version_id": ""},
        "run_id": "",
        "failure": {
            "stage": "validate",
            "error": "Runtime.ExitError",
            "message": "the reason",
            "status_code": 500,
        },
        "rows": {},
        "rejects": {},
        "run": {},
        "event": EVENT,
    }
    assert "Dataset: not known\n" in ending.alerts[0]["Message"]


def test_letter_of_a_later_stage_has_the_run_that_the_stage_was_given(engine: Engine) -> None:
    given = run_after("transform")
    (letter,) = engine.run(failure_of("enrich", "Sandbox.Timedout"), EVENT).letters
    assert letter["run"] == given
    for field in ("dataset", "source", "run_id", "rows", "rejects"):
        assert letter[field] == given[field]


def test_letter_and_alert_have_the_run_that_the_exception_carries(engine: Engine) -> None:
    # WHEN a stage fails with an error of ours that says how far it had come
    ending = engine.run("CarriedRun", EVENT)
    # THEN the message is the prose alone
    assert ending.cause == SPECIAL
    (letter,), (alert,) = ending.letters, ending.alerts
    assert letter["failure"]["message"] == SPECIAL
    # THEN the letter has the run at its failure, beside what the stage was given
    for field, value in run_at_failure().items():
        assert letter[field] == value
    assert letter["run"] == run_after("transform")
    # THEN the alert says it in words, with commands that can be copied
    assert alert["Subject"] == "Lambda Pipelines: enrich stopped a file with LookupMissError"
    assert alert["Message"].splitlines() == [
        'A run of Lambda Pipelines failed in the stage "enrich" with LookupMissError.',
        "",
        *SPECIAL.splitlines(),
        "",
        "Dataset: flights",
        "File: s3://in/input/flights/a b+ü%20.csv",
        "Rows so far: 80 read, 0 expanded, 1 written, 2 rejected, 3 duplicates, 4 filtered, 5 "
        'dropped by a lookup; rejected rows are in ["s3://out/quarantine/flights/r/validate.jsonl"]',
        "Status: 400 - the file, its place or the dataset's definition is at fault. Trying again "
        "changes nothing until that is corrected, as the reason above says.",
        "",
        "The input file is untouched. Nothing of this run was published (in the stage "
        '"write": nothing, or all of it).',
        "Its dead letter is in the queue <MessagingDeadLetters30EBD3E2>",
        "",
        "To see what happened, type:",
        f"  pipeline show {ending.name}",
        "To run the file again, type:",
        f"  pipeline dead-letters replay {ending.name}",
        "What to do about this error: docs/runbook.md, section LookupMissError",
        f"Execution: {ending.arn}",
    ]


def test_error_of_any_name_gets_an_alert_with_a_subject_that_fits(engine: Engine) -> None:
    ending = engine.run("UnknownError", EVENT)
    (alert,) = ending.alerts
    assert alert["Subject"] == "Lambda Pipelines: enrich failed by the fault of the platform"
    assert "SurpriseÜxxx" in alert["Message"]
    assert "Status: 500 - the platform" in alert["Message"]


def test_message_is_told_letter_by_letter(engine: Engine) -> None:
    ending = engine.run("SpecialMessage", EVENT)
    assert ending.cause == SPECIAL
    assert ending.letters[0]["failure"]["message"] == SPECIAL
    assert SPECIAL in ending.alerts[0]["Message"]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("NoCause", NO_MESSAGE),
        ("PlainCause", "The service said no."),
        ("CutOffCause", '{"errorMessage": "too long, so it'),
        ("CauseOfNumbers", '{"errorMessage": 7, "a": "b"}'),
        ("NestedCause", '{"inner": {"errorMessage": "deep"}}'),
        ("ForeignJson", '{"message": "a", "run": {no}}'),
    ],
)
def test_cause_of_any_form_is_told(engine: Engine, case: str, message: str) -> None:
    ending = engine.run(case, EVENT)
    assert ending.status == "FAILED"
    assert ending.cause == message
    assert ending.letters[0]["failure"]["message"] == message
    assert message in ending.alerts[0]["Message"]


@pytest.mark.parametrize("event", [{}, {"detail": {"bucket": {"name": 1}, "object": {}}}])
def test_input_that_names_no_file_gets_an_alert(engine: Engine, event: dict[str, Any]) -> None:
    ending = engine.run(failure_of("validate", "StepError"), event)
    assert ending.letters[0]["event"] == event
    assert f"File: {NO_FILE}\n" in ending.alerts[0]["Message"]


def test_queue_that_refuses_does_not_silence_the_alert(engine: Engine) -> None:
    ending = engine.run("QueueRefuses", EVENT)
    assert (ending.status, ending.error, ending.cause) == ("FAILED", "StepError", "the reason")
    assert ending.letters == []
    (alert,) = ending.alerts
    assert "The dead-letter queue refused the letter" in alert["Message"]
    assert "Its dead letter is in the queue" not in alert["Message"]


def test_topic_that_refuses_does_not_hide_the_first_error(engine: Engine) -> None:
    ending = engine.run("TopicRefuses", EVENT)
    assert (ending.status, ending.error, ending.cause) == ("FAILED", "StepError", "the reason")
    assert len(ending.letters) == 1
    assert ending.alerts == []


# --- A notice of rejected rows ----------------------------------------------------------------


def test_notice_of_a_run_is_published(engine: Engine) -> None:
    ending = engine.run("Notice", EVENT)
    assert ending.status == "SUCCEEDED"
    assert ending.output == run_after("write", SUCCEEDED_WITH_REJECTS) | {"notice": NOTICE}
    (alert,) = ending.alerts
    assert {"subject": alert["Subject"], "message": alert["Message"]} == NOTICE
    assert ending.letters == []


def test_notice_that_is_refused_does_not_fail_the_run(engine: Engine) -> None:
    ending = engine.run("NoticeRefused", EVENT)
    assert ending.status == "SUCCEEDED"
    assert ending.output == run_after("write", SUCCEEDED_WITH_REJECTS) | {"notice": NOTICE}
    assert ending.failed_attempts == 3
    assert (ending.letters, ending.alerts) == ([], [])


def test_notice_without_text_is_none(engine: Engine) -> None:
    ending = engine.run("NoticeOfNothing", EVENT)
    assert ending.status == "SUCCEEDED"
    assert STATE_NOTICE not in ending.states
    assert ending.alerts == []


# --- What no Catch sees -----------------------------------------------------------------------


def test_execution_that_is_stopped_is_told_once(engine: Engine) -> None:
    # WHEN an execution is stopped while a function works
    event = EVENT | {"sleep": 1}
    ending = engine.abort(event)
    # THEN there is one letter, from which the run can be started again
    assert ending.status == "ABORTED"
    (letter,), (alert,) = ending.letters, ending.alerts
    assert json.loads(letter.pop("event")) == event
    assert letter == {
        "schema_version": "2",
        "execution": {"arn": ending.arn, "name": ending.name},
        "failure": {
            "stage": "unknown",
            "error": "ABORTED",
            "message": "The execution ended without an answer from any stage.",
            "status_code": 500,
        },
        "rows": {},
        "rejects": {},
        "run": {},
    }
    # THEN there is one alert, with the same commands as every other
    assert "ended with ABORTED before any stage could say why" in alert["Message"]
    assert f"type: pipeline show {ending.name} - " in alert["Message"]
    assert f"type: pipeline dead-letters replay {ending.name} - " in alert["Message"]
    assert "docs/runbook.md, section ABORTED - " in alert["Message"]
    assert ending.arn in alert["Message"]


def test_execution_that_fails_past_every_catch_is_told_once(engine: Engine) -> None:
    # WHEN an execution fails in a state that can have no Catch
    ending = engine.break_(EVENT)
    # THEN its error, not just its status, is told once
    assert ending.error in UNCATCHABLE_ERRORS
    (letter,), (alert,) = ending.letters, ending.alerts
    assert letter["failure"]["error"] == ending.error
    assert f"ended with {ending.error} before" in alert["Message"]


CAUGHT = (
    *leaf_names(PipelineError),
    *retryable_error_names(),
    *ONE_OF_EACH_KIND,
    "States.TaskFailed",
    "States.Permissions",
    "Runtime.UnmarshalError",
)
"""Errors that a Catch sees, so that the tail has told of them before the execution fails."""


@pytest.mark.parametrize(
    ("status", "error", "rules"),
    [
        *((status, None, 1) for status in UNCATCHABLE_STATUSES),
        *(("FAILED", error, 1) for error in UNCATCHABLE_ERRORS),
        *(("FAILED", error, 0) for error in CAUGHT),
        ("RUNNING", None, 0),
        ("SUCCEEDED", None, 0),
    ],
)
def test_ending_is_told_by_a_rule_if_no_catch_saw_it(
    engine: Engine, status: str, error: str | None, rules: int
) -> None:
    event: dict[str, Any] = {
        "id": "1",
        "account": "123456789012",
        "region": "us-east-1",
        "time": "2026-01-31T12:00:00Z",
        "resources": [],
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"stateMachineArn": engine.machine, "status": status, "error": error},
    }
    matching = [
        engine.events.test_event_pattern(
            EventPattern=json.dumps(rule["EventPattern"]), Event=json.dumps(event)
        )["Result"]
        for rule in engine.uncaught
    ]
    assert sum(matching) == rules


def test_alarm_is_told_when_it_is_raised_and_when_it_is_over(engine: Engine) -> None:
    for state in ("ALARM", "OK"):
        (told,) = engine.told_by_alarm(state)
        assert told["NewStateValue"] == state
        assert "type: pipeline dead-letters list - " in told["AlarmDescription"]
