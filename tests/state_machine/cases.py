"""What the functions, the queue and the topic answer, by the name of the test case."""

from __future__ import annotations

from typing import Any

from pipeline.constants import (
    ALREADY_PROCESSED,
    STAGES,
    STATE_ALERT,
    STATE_DEAD_LETTER,
    STATE_NOTICE,
    SUCCEEDED,
    SUCCEEDED_WITH_REJECTS,
    SUPERSEDED,
    state_name,
)
from tests.infra.failures import SPECIAL, cause_of, document, run_after, run_at_failure

Answer = dict[str, Any]
Answers = dict[str, Answer]
"""Answers of one state by attempt: `0`, or `0-2` for the first three."""

NOTICE = {"subject": "2 rows of flights were rejected", "message": SPECIAL}
ONE_OF_EACH_KIND = {
    "StorageUnavailableError": 500,
    "RowLimitError": 400,
    "StepError": 400,
    "TimeLimitError": 500,
    "Sandbox.Timedout": 500,
    "Runtime.ExitError": 500,
    "Lambda.Unknown": 500,
    "States.Timeout": 500,
}
"""Errors of every branch of the tree and of the platform, with their status codes."""


def returned(stage: str, outcome: str | None = None, **fields: object) -> Answer:
    payload = run_after(stage, outcome) | fields
    return {"Return": {"StatusCode": 200, "Payload": payload}}


def raised(error: str, message: str = "the reason") -> Answer:
    """Answer of the Lambda service for an exception."""
    return thrown(error, cause_of(error, message))


def thrown(error: str, cause: str | None) -> Answer:
    return {"Throw": {"Error": error, "Cause": cause}}


def all_passed() -> dict[str, Answers]:
    outcomes: dict[str, str | None] = {STAGES[-1]: SUCCEEDED}
    return {state_name(stage): {"0-9": returned(stage, outcomes.get(stage))} for stage in STAGES}


def failing(stage: str, answer: Answer) -> dict[str, Answers]:
    """Case in which `stage` gives the same answer however often it is asked."""
    return all_passed() | {state_name(stage): {"0-9": answer}}


def failure_of(stage: str, error: str) -> str:
    return f"{state_name(stage)}FailsWith{error.replace('.', '')}"


def brief_weakness_of(stage: str) -> str:
    return f"BriefWeaknessOf{state_name(stage)}"


def brief_weakness(stage: str) -> dict[str, Answers]:
    """Case in which the engine's own function answers for `stage`: no mock can recover."""
    return {name: answers for name, answers in all_passed().items() if name != state_name(stage)}


def with_notice(notice: object) -> dict[str, Answers]:
    """Case in which the last stage's run has a notice to be published."""
    last = STAGES[-1]
    answer = returned(last, SUCCEEDED_WITH_REJECTS, notice=notice)
    return all_passed() | {state_name(last): {"0": answer}}


CASES: dict[str, dict[str, Answers]] = {
    "AllPassed": all_passed(),
    "AlreadyProcessed": {"Validate": {"0": returned("validate", ALREADY_PROCESSED)}},
    "Superseded": {"Validate": {"0": returned("validate", SUPERSEDED)}},
    "NoOutcome": all_passed() | {"Validate": {"0": {"Return": {"Payload": {"run_id": "r"}}}}},
    "Notice": with_notice(NOTICE),
    "NoticeRefused": with_notice(NOTICE) | {STATE_NOTICE: {"0-9": thrown("SNS.Refused", "no")}},
    "NoticeOfNothing": with_notice({"subject": None, "message": 7}),
    "UnknownError": failing("enrich", raised("SurpriseÜ" + "x" * 200)),
    "SpecialMessage": failing("clean", raised("EncodingError", SPECIAL)),
    "CarriedRun": failing("enrich", raised("LookupMissError", document(SPECIAL, run_at_failure()))),
    "ForeignJson": failing("clean", raised("ValueError", '{"message": "a", "run": {no}}')),
    "NoCause": failing("clean", thrown("States.Timeout", None)),
    "PlainCause": failing("clean", thrown("Lambda.Unknown", "The service said no.")),
    "CutOffCause": failing("clean", thrown("StepError", '{"errorMessage": "too long, so it')),
    "CauseOfNumbers": failing("clean", thrown("StepError", '{"errorMessage": 7, "a": "b"}')),
    "NestedCause": failing("clean", thrown("StepError", '{"inner": {"errorMessage": "deep"}}')),
    "QueueRefuses": failing("write", raised("StepError"))
    | {STATE_DEAD_LETTER: {"0-9": thrown("SQS.Refused", "no")}},
    "TopicRefuses": failing("write", raised("StepError"))
    | {STATE_ALERT: {"0-9": thrown("SNS.Refused", "no")}},
    **{
        failure_of(stage, error): failing(stage, raised(error))
        for stage in STAGES
        for error in ONE_OF_EACH_KIND
    },
    **{brief_weakness_of(stage): brief_weakness(stage) for stage in STAGES},
}


def mock_configuration(machine: str) -> dict[str, Any]:
    """All cases in the format of AWS Step Functions Local."""
    return {
        "StateMachines": {
            machine: {
                "TestCases": {
                    case: {state: f"{case}-{state}" for state in states}
                    for case, states in CASES.items()
                }
            }
        },
        "MockedResponses": {
            f"{case}-{state}": answers
            for case, states in CASES.items()
            for state, answers in states.items()
        },
    }
