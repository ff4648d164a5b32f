"""What the functions, the queue and the topic answer, by the name of the test case."""

from __future__ import annotations

import json
from typing import Any

from pipeline.constants import ALREADY_PROCESSED, STAGES, SUCCEEDED, SUPERSEDED, state_name

Answer = dict[str, Any]
Answers = dict[str, Answer]
"""Answers of one state by attempt: `0`, or `0-2` for the first three."""

SPECIAL = "a \"quoted\" {curly} 'b' \\ back\nsecond line: ü €"


def run(stage: str, outcome: str | None = None) -> dict[str, Any]:
    """Run summary as `stage` returns it, as far as the state machine looks at it."""
    return {"run_id": "r", "stages": [stage], "outcome": outcome}


def returned(stage: str, outcome: str | None = None) -> Answer:
    return {"Return": {"StatusCode": 200, "Payload": run(stage, outcome)}}


def raised(error: str, message: str = "the reason") -> Answer:
    """Answer of the Lambda service for an exception."""
    cause = {"errorMessage": message, "errorType": error, "stackTrace": ["line"]}
    return thrown(error, json.dumps(cause))


def thrown(error: str, cause: str | None) -> Answer:
    return {"Throw": {"Error": error, "Cause": cause}}


def all_passed() -> dict[str, Answers]:
    outcomes: dict[str, str | None] = {STAGES[-1]: SUCCEEDED}
    return {state_name(stage): {"0-9": returned(stage, outcomes.get(stage))} for stage in STAGES}


def failing(stage: str, answer: Answer) -> dict[str, Answers]:
    """Case in which `stage` gives the same answer however often it is asked."""
    return all_passed() | {state_name(stage): {"0-9": answer}}


def data_error_at(stage: str) -> str:
    return f"DataErrorAt{state_name(stage)}"


def brief_weakness_of(stage: str) -> str:
    return f"BriefWeaknessOf{state_name(stage)}"


def brief_weakness(stage: str) -> dict[str, Answers]:
    """Case in which the engine's own function answers for `stage`: no mock can recover."""
    return {name: answers for name, answers in all_passed().items() if name != state_name(stage)}


CASES: dict[str, dict[str, Answers]] = {
    "AllPassed": all_passed(),
    "AlreadyProcessed": {"Validate": {"0": returned("validate", ALREADY_PROCESSED)}},
    "Superseded": {"Validate": {"0": returned("validate", SUPERSEDED)}},
    "NoOutcome": all_passed() | {"Validate": {"0": {"Return": {"Payload": {"run_id": "r"}}}}},
    "LastingWeakness": failing("transform", raised("StorageUnavailableError")),
    "UnknownError": failing("enrich", raised("SurpriseÜ" + "x" * 200)),
    "SpecialMessage": failing("clean", raised("EncodingError", SPECIAL)),
    "NoCause": failing("clean", thrown("States.Timeout", None)),
    "PlainCause": failing("clean", thrown("Lambda.Unknown", "The service said no.")),
    "CutOffCause": failing("clean", thrown("StepError", '{"errorMessage": "too long, so it')),
    "CauseOfNumbers": failing("clean", thrown("StepError", '{"errorMessage": 7}')),
    "NestedCause": failing("clean", thrown("StepError", '{"inner": {"errorMessage": "deep"}}')),
    "QueueRefuses": failing("write", raised("StepError"))
    | {"SendToDeadLetterQueue": {"0-9": thrown("SQS.Refused", "no")}},
    "TopicRefuses": failing("write", raised("StepError"))
    | {"PublishAlert": {"0-9": thrown("SNS.Refused", "no")}},
    **{data_error_at(stage): failing(stage, raised("MissingColumnError")) for stage in STAGES},
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
