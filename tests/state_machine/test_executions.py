from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import STAGES, SUCCEEDED, state_name
from tests.state_machine.cases import (
    SPECIAL,
    brief_weakness_of,
    data_error_at,
    run,
)

if TYPE_CHECKING:
    from tests.state_machine.engine import Engine

pytestmark = pytest.mark.network

EVENT: dict[str, Any] = {
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "in"}, "object": {"key": "input/flights/a b+ü%20.csv"}},
}
ALL_STATES = [state_name(stage) for stage in STAGES]


def test_file_goes_through_all_stages(engine: Engine) -> None:
    # WHEN every stage succeeds
    ending = engine.run("AllPassed", EVENT)
    # THEN they ran in their order, and the execution's output is the last one's run
    assert ending.status == "SUCCEEDED"
    assert ending.states == ["Start", "Validate", "IsThereWork", *ALL_STATES[1:], "Succeeded"]
    assert ending.output == run("write", SUCCEEDED)
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


def test_transient_error_that_lasts_fails_after_two_retries(engine: Engine) -> None:
    ending = engine.run("LastingWeakness", EVENT)
    assert (ending.status, ending.error) == ("FAILED", "StorageUnavailableError")
    (letter,) = ending.letters
    assert letter["failure"]["stage"] == "transform"
    assert letter["failure"]["status_code"] == 500
    assert ending.failed_attempts == 3


@pytest.mark.parametrize("stage", STAGES)
def test_data_error_is_not_retried_and_reaches_queue_and_people(engine: Engine, stage: str) -> None:
    # WHEN a stage refuses the file
    ending = engine.run(data_error_at(stage), EVENT)
    # THEN it was asked once, and the execution fails with its error and message
    assert (ending.status, ending.error) == ("FAILED", "MissingColumnError")
    assert ending.cause == "the reason"
    assert ending.failed_attempts == 1
    # THEN the dead letter has all that a replay and a person need
    (letter,) = ending.letters
    assert letter["schema_version"] == "1"
    assert letter["event"] == EVENT
    assert letter["execution"]["arn"] == ending.arn
    assert set(letter["execution"]) == {"arn", "name", "started_at"}
    assert letter["failure"] == {
        "stage": stage,
        "error": "MissingColumnError",
        "message": "the reason",
        "status_code": 400,
    }
    # THEN the alert says what failed, whose fault it is, what was lost and what to type
    (alert,) = ending.alerts
    assert alert["Subject"] == f"Lambda Pipelines: {stage} stopped a file with MissingColumnError"
    text = alert["Message"]
    assert f'in the stage "{stage}" with MissingColumnError' in text
    assert "File: s3://in/input/flights/a b+ü%20.csv\n" in text
    assert "Status: 400 - the file" in text
    assert "The input file is untouched" in text
    assert "kept in the dead-letter queue" in text
    assert f"type: pipeline show {ending.arn}\n" in text


def test_run_so_far_is_in_the_dead_letter(engine: Engine) -> None:
    (letter,) = engine.run(data_error_at("validate"), EVENT).letters
    assert letter["run"] == {}
    (letter,) = engine.run(data_error_at("enrich"), EVENT).letters
    assert letter["run"] == run("transform")


def test_error_of_any_name_gets_an_alert_with_a_subject_that_fits(engine: Engine) -> None:
    ending = engine.run("UnknownError", EVENT)
    (alert,) = ending.alerts
    assert alert["Subject"] == "Lambda Pipelines: enrich failed by the platform's or our own fault"
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
        ("NoCause", "The platform gave no reason; the execution's history may say more."),
        ("PlainCause", "The service said no."),
        ("CutOffCause", '{"errorMessage": "too long, so it'),
        ("CauseOfNumbers", '{"errorMessage": 7}'),
        ("NestedCause", '{"inner": {"errorMessage": "deep"}}'),
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
    ending = engine.run(data_error_at("validate"), event)
    assert ending.letters[0]["event"] == event
    assert "File: none that the execution's input names" in ending.alerts[0]["Message"]


def test_queue_that_refuses_does_not_silence_the_alert(engine: Engine) -> None:
    ending = engine.run("QueueRefuses", EVENT)
    assert (ending.status, ending.error, ending.cause) == ("FAILED", "StepError", "the reason")
    assert ending.letters == []
    (alert,) = ending.alerts
    assert "The dead-letter queue refused the message" in alert["Message"]
    assert "kept in the dead-letter queue" not in alert["Message"]


def test_topic_that_refuses_does_not_hide_the_first_error(engine: Engine) -> None:
    ending = engine.run("TopicRefuses", EVENT)
    assert (ending.status, ending.error, ending.cause) == ("FAILED", "StepError", "the reason")
    assert len(ending.letters) == 1
    assert ending.alerts == []
