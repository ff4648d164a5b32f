"""What becomes of every error, by the rules of the language: retried, routed, told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.machine.alert_text import NO_FILE, NO_MESSAGE
from pipeline.constants import STAGES, STATE_ALERT, STATE_DEAD_LETTER, state_name
from pipeline.errors import (
    PLATFORM_TRANSIENT,
    InternalError,
    PipelineError,
    TransientError,
    leaf_names,
    leaves,
)
from tests.infra.failures import (
    EVENT,
    KEY,
    QUARANTINE,
    SPECIAL,
    cause_of,
    document,
    run_after,
    run_at_failure,
)
from tests.infra.states_language import TaskFailedError, Trace, executed
from tests.infra.synthesis import definition

States = dict[str, Any]

NOT_OURS = (
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "States.Timeout",
    "States.TaskFailed",
    "Runtime.UnmarshalError",
    "Runtime.Unknown",
    "SurpriseÜ" + "x" * 200,
)
SUBJECT_LIMIT = 100


def failed(
    states: States, stage: str, error: str, cause: str | None = None, event: Any = None
) -> Trace:
    """Trace of an execution in which `stage` fails however often it is tried."""

    def answer(name: str, _parameters: Any) -> Any:
        if name == state_name(stage):
            raise TaskFailedError(error, cause_of(error) if cause is None else cause)
        if name in (STATE_DEAD_LETTER, STATE_ALERT):
            return {"MessageId": "m"}
        return {"Payload": run_after(name.lower())}

    return executed(states, "Start", EVENT if event is None else event, answer)


def letter(trace: Trace) -> dict[str, Any]:
    return dict(trace.parameters[STATE_DEAD_LETTER]["MessageBody"])


def fault(leaf: type[PipelineError]) -> str:
    if leaf.status_code == 400:
        return "FaultOfTheFile"
    return "FaultOfTheStack" if issubclass(leaf, InternalError) else "FaultOfThePlatform"


@pytest.mark.parametrize("leaf", leaves(PipelineError), ids=lambda leaf: leaf.__name__)
@pytest.mark.parametrize("stage", STAGES)
def test_every_leaf_is_routed_as_its_kind_says(
    states: States, stage: str, leaf: type[PipelineError]
) -> None:
    # WHEN a stage fails with it, however often it is tried
    trace = failed(states, stage, leaf.__name__)
    # THEN the stage was tried again, twice, if the error may pass by itself
    assert trace.attempts[state_name(stage)] == (3 if issubclass(leaf, TransientError) else 1)
    # THEN stage, error and fault are told once each
    assert fault(leaf) in trace.states
    assert (trace.attempts[STATE_DEAD_LETTER], trace.attempts[STATE_ALERT]) == (1, 1)
    assert letter(trace)["failure"] == {
        "stage": stage,
        "error": leaf.__name__,
        "message": "the reason",
        "status_code": leaf.status_code,
    }
    assert leaf.__name__ in trace.parameters[STATE_ALERT]["Message"]
    # THEN the execution fails with the error
    assert (trace.states[-1], trace.error, trace.cause) == (
        "Failed",
        leaf.__name__,
        "the reason",
    )


@pytest.mark.parametrize("error", [*PLATFORM_TRANSIENT, *NOT_OURS])
@pytest.mark.parametrize("stage", STAGES)
def test_platforms_errors_are_retried_if_they_may_pass(
    states: States, stage: str, error: str
) -> None:
    trace = failed(states, stage, error)
    assert trace.attempts[state_name(stage)] == (3 if error in PLATFORM_TRANSIENT else 1)
    assert letter(trace)["failure"]["status_code"] == 500
    assert trace.error == error


@pytest.mark.parametrize("stage", STAGES)
def test_subject_fits_whatever_the_error(states: States, stage: str) -> None:
    for error in (*leaf_names(PipelineError), *NOT_OURS):
        subject = failed(states, stage, error).parameters[STATE_ALERT]["Subject"]
        assert len(subject) <= SUBJECT_LIMIT
        assert subject.isascii() and subject.isprintable()
        assert stage in subject


def test_letter_tells_the_run_that_the_exception_carries(states: States) -> None:
    carried = run_at_failure()
    cause = cause_of("TooManyRejectsError", document(SPECIAL, carried))
    told = letter(failed(states, "enrich", "TooManyRejectsError", cause))
    assert told["failure"]["message"] == SPECIAL
    assert {name: told[name] for name in carried} == carried
    # THEN what the stage was given is kept beside it, for a replay
    assert told["run"] == run_after("transform")
    assert told["event"] == EVENT


def test_letter_tells_the_run_that_the_stage_was_given_where_the_platform_failed(
    states: States,
) -> None:
    given_run = run_after("transform")
    told = letter(failed(states, "enrich", "Runtime.ExitError"))
    for name in ("run_id", "dataset", "source", "rows", "rejects"):
        assert told[name] == given_run[name]


def without(document: Any, *path: str) -> Any:
    """Document without one of its fields."""
    field, *rest = path
    others = {name: value for name, value in document.items() if name != field}
    return others | ({field: without(document[field], *rest)} if rest else {})


PARTS_OF_A_RUN = (
    ("run_id",),
    ("dataset",),
    ("source",),
    ("source", "bucket"),
    ("source", "key"),
    *(("rows", name) for name in run_at_failure()["rows"]),
    ("rejects",),
    ("rejects", "quarantine"),
)


@pytest.mark.parametrize(
    "payload",
    [None, {}, "text", *(without(run_after("validate"), *part) for part in PARTS_OF_A_RUN)],
)
def test_letter_tells_the_events_file_where_no_run_is_known(states: States, payload: Any) -> None:
    def answer(name: str, _parameters: Any) -> Any:
        if name == "Clean":
            raise TaskFailedError("Lambda.Unknown")
        return {"Payload": payload} if name == "Validate" else {}

    told = letter(executed(states, "Start", EVENT, answer))
    assert told["source"] == {"bucket": "in", "key": KEY, "version_id": ""}
    assert (told["dataset"], told["run_id"]) == ("", "")
    assert (told["rows"], told["rejects"], told["run"]) == ({}, {}, payload)


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        "text",
        without(EVENT, "detail"),
        without(EVENT, "detail", "bucket"),
        without(EVENT, "detail", "object", "key"),
        {"detail": {"bucket": {"name": 1}, "object": {"key": "k"}}},
        {"detail": {"bucket": {"name": "b"}, "object": {"key": None}}},
    ],
)
def test_letter_names_no_file_where_the_input_names_none(states: States, event: Any) -> None:
    trace = failed(states, "validate", "InvalidEventError", event=event)
    assert letter(trace)["source"] == {"bucket": "", "key": "", "version_id": ""}
    assert letter(trace)["event"] == event
    assert f"File: {NO_FILE}\n" in trace.parameters[STATE_ALERT]["Message"]


# --- Whatever the cause and the input are ---------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
RUNS = st.just(run_at_failure()) | st.sampled_from(PARTS_OF_A_RUN).map(
    lambda part: without(run_at_failure(), *part)
)
ERRORS = st.sampled_from(leaf_names(PipelineError) + NOT_OURS) | st.text(min_size=1)
PROSE = st.text().filter(lambda text: not text.startswith("{"))
LOOKS_LIKE_OURS = st.sampled_from(
    ['{"message": "a", "run": {no}}', '{"message": "", "run": {}}', '{"message": "a"} {"b"}']
)


@st.composite
def told_causes(draw: st.DrawFn) -> tuple[str, str | None, str]:
    """Error, cause, and the message that a person must read."""
    error, prose = draw(ERRORS), draw(PROSE)
    whole = cause_of(error, prose)
    cut = whole[: draw(st.integers(0, len(whole) - 1))].rstrip("}")
    foreign = draw(LOOKS_LIKE_OURS)
    other = json.dumps(draw(st.dictionaries(st.text(), JSON)))
    return draw(
        st.sampled_from(
            [
                (error, prose, prose),
                (error, whole, prose),
                (error, cut, cut),
                (error, other, other),
                ("DataError", document(prose, {}), document(prose, {})),
                ("NoRowsError", cause_of("NoRowsError", document(prose, {})), prose),
                ("NoRowsError", cause_of("NoRowsError", document(prose, draw(RUNS))), prose),
                ("NoRowsError", cause_of("NoRowsError", other), other),
                ("ValueError", cause_of("ValueError", foreign), foreign),
                ("SurpriseError", cause_of("SurpriseError", other), other),
            ]
        )
    )


@given(told=told_causes(), stage=st.sampled_from(STAGES), event=st.just(EVENT) | JSON)
def test_no_cause_and_no_input_break_the_tail(
    states: States, told: tuple[str, str, str], stage: str, event: Any
) -> None:
    error, cause, message = told
    trace = failed(states, stage, error, cause, {} if event is None else event)
    assert (trace.error, trace.cause) == (error, message)
    assert letter(trace)["failure"]["message"] == message
    assert message in trace.parameters[STATE_ALERT]["Message"]


def test_failure_without_a_cause_says_so(states: States) -> None:
    def answer(name: str, _parameters: Any) -> Any:
        if name == "Validate":
            raise TaskFailedError("States.Timeout")
        return {}

    assert executed(states, "Start", {}, answer).cause == NO_MESSAGE


def test_alert_says_all_that_a_person_on_call_must_know(states: States) -> None:
    # WHEN a file has too many bad rows
    cause = cause_of("TooManyRejectsError", document(SPECIAL, run_at_failure()))
    alert = failed(states, "clean", "TooManyRejectsError", cause).parameters[STATE_ALERT]
    # THEN the alert says it in these words
    arn = "arn:aws:states:us-east-1:123456789012:execution:Pipeline:name"
    options = "--region <AWS::Region> --stack <AWS::StackName>"
    queue = states[STATE_DEAD_LETTER]["Parameters"]["QueueUrl"]
    assert alert["Subject"] == "Lambda Pipelines: clean stopped a file with TooManyRejectsError"
    assert alert["Message"].splitlines() == [
        'A run of Lambda Pipelines failed in the stage "clean" with TooManyRejectsError.',
        "",
        *SPECIAL.splitlines(),
        "",
        "Dataset: flights",
        "File: s3://in/input/flights/a b+ü%20.csv",
        "Rows so far: 80 read, 0 expanded, 1 written, 2 rejected, 3 duplicates, 4 filtered, 5 "
        f'dropped by a lookup; rejected rows are in ["{QUARANTINE}"]',
        "Status: 400 - the file, its place or the dataset's definition is at fault. Trying again "
        "changes nothing until that is corrected, as the reason above says.",
        "",
        "The input file is untouched. Nothing of this run was published (in the stage "
        '"write": nothing, or all of it).',
        f"Its dead letter is in the queue {queue}",
        "",
        "To see what happened, type:",
        f"  pipeline show name {options}",
        "To run the file again, type:",
        f"  pipeline dead-letters replay name {options}",
        "What to do about this error: docs/runbook.md, section TooManyRejectsError",
        "Execution: https://<AWS::Region>.console.aws.amazon.com/states/home"
        f"?region=<AWS::Region>#/v2/executions/details/{arn}",
    ]


def test_alert_says_whether_trying_again_helps(states: States) -> None:
    for error, words in {
        "StorageThrottledError": "the platform is at fault, not the file",
        "Sandbox.Timedout": "the platform is at fault, not the file",
        "MemoryLimitError": "this software or the size of its functions is at fault",
        "MissingColumnError": "the file, its place or the dataset's definition is at fault",
    }.items():
        assert words in failed(states, "clean", error).parameters[STATE_ALERT]["Message"]


def test_local_alert_has_commands_as_they_are_typed_locally(local_template: Any) -> None:
    states = definition(local_template)["States"]
    message = failed(states, "clean", "NoRowsError").parameters[STATE_ALERT]["Message"]
    assert "  pipeline show name\n" in message
    assert "  pipeline dead-letters replay name\n" in message
    assert "https://" not in message
    arn = "arn:aws:states:us-east-1:123456789012:execution:Pipeline:name"
    assert message.endswith(f"Execution: {arn}\n")
