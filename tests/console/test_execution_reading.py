from __future__ import annotations

import json
from typing import Any

import pytest

from cli.history import state_runs
from console.reading.graph import condition, definition_of, state_machine_graph
from console.reading.logs import between, function_of, log_line
from console.reading.state import frame, status_code
from console.reading.timeline import timeline
from tests.console.history_service import FUNCTION, Told, at, failed_twice, task

MAPPED: dict[str, Any] = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "Work",
                "States": {"Work": {"Type": "Pass", "End": True}},
            },
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
                {"StartAt": "Right", "States": {"Right": {"Type": "Wait", "End": True}}},
            ],
            "End": True,
        },
    },
}


def test_states_within_states_are_drawn_within_them() -> None:
    graph = state_machine_graph(MAPPED, [], now=at(0), selected=None, whole=False)
    each, both = graph["nodes"]
    assert [[node["name"] for node in part["nodes"]] for part in each["parts"]] == [["Work"]]
    assert [part["nodes"][0]["name"] for part in both["parts"]] == ["Left", "Right"]
    assert definition_of(MAPPED, "Right") == {"Type": "Wait", "End": True}


def test_of_two_ways_to_the_same_state_the_one_that_was_gone_is_shown() -> None:
    definition: dict[str, Any] = {
        "StartAt": "Validate",
        "States": {"Validate": task("Failed", catch="Failed")},
    }
    definition["States"]["Failed"] = {"Type": "Fail"}
    states = state_runs(failed_twice())
    graph = state_machine_graph(definition, states, now=at(6), selected=None, whole=False)
    assert [edge["kind"] for edge in graph["edges"] if edge["taken"]] == ["catch"]


@pytest.mark.parametrize(
    "definition",
    [{}, {"States": None}, {"States": {"A": None, "B": {"Choices": [1], "Catch": {}, "Next": 3}}}],
)
def test_an_odd_definition_makes_a_graph_all_the_same(definition: dict[str, Any]) -> None:
    graph = state_machine_graph(definition, [], now=at(0), selected="A", whole=True)
    assert graph["edges"] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Variable": "$.a", "IsPresent": True, "Next": "X"}, "$.a is present"),
        ({"Variable": "$.a", "IsPresent": False}, "$.a is not present"),
        ({"Variable": "$.a", "IsString": True}, "$.a is string"),
        ({"Variable": "$.a", "StringEquals": "b"}, "$.a = b"),
        ({"Variable": "$.a", "NumericLessThanEqualsPath": "$.b"}, "$.a ≤ $.b"),
        (
            {
                "And": [
                    {"Variable": "$.a", "IsNull": False},
                    {"Or": [{"Variable": "$.a", "StringMatches": "b*"}]},
                ]
            },
            "$.a is not null and ($.a matches b*)",
        ),
        ({"Not": {"Variable": "$.a", "NumericGreaterThan": 1}}, "not $.a > 1"),
        ({"Condition": "{% $rows > 0 %}"}, "$rows > 0"),
        ({}, ""),
    ],
)
def test_a_rule_of_a_choice_in_words(rule: dict[str, Any], words: str) -> None:
    assert condition(rule) == words


def test_the_timeline_has_attempts_and_the_pause_between_them() -> None:
    found = timeline(state_runs(failed_twice()), at(0), at(10))
    (line,) = found.lines
    assert [(bar.kind, bar.start, bar.width) for bar in line.bars] == [
        ("waiting", 0, 60),
        ("failed", 0, 10),
        ("failed", 40, 20),
        ("pause", 10, 30),
    ]
    assert found.left_out == 1
    assert list(found.ticks) == [
        (0, "0 s"),
        (20, "2 s"),
        (40, "4 s"),
        (60, "6 s"),
        (80, "8 s"),
        (100, "10 s"),
    ]


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (0, ["0.0000 s", "0.0002 s", "0.0004 s", "0.0006 s", "0.0008 s", "0.0010 s"]),
        (0.35, ["0.0 s", "0.1 s", "0.2 s", "0.3 s"]),
        (7000, ["0 s", "2000 s", "4000 s", "6000 s"]),
    ],
)
def test_the_axis_has_round_numbers(seconds: float, ticks: list[str]) -> None:
    assert [words for _, words in timeline([], at(0), at(seconds)).ticks] == ticks


def test_a_state_that_waits_for_its_next_attempt_has_a_pause_up_to_now() -> None:
    told = Told()
    told.add("TaskStateEntered", 0, name="Validate", input="{}")
    told.add("TaskScheduled", 0)
    told.add("TaskFailed", 1, error="Slow")
    (line,) = timeline(state_runs(told.events), at(0), at(4)).lines
    assert (line.bars[-1].kind, line.bars[-1].start, line.bars[-1].width) == ("pause", 25, 75)


def test_whose_fault_an_error_is() -> None:
    assert status_code("MissingColumnError") == 400
    assert status_code("StorageUnavailableError") == 500
    assert status_code("States.Timeout") == 500
    assert status_code("annotations") == 500


@pytest.mark.parametrize(
    ("path", "place", "is_ours"),
    [
        ("/var/task/functions/clean/core.py", "functions/clean/core.py", True),
        ("/tmp/code/0123/pipeline/storage.py", "pipeline/storage.py", True),
        ("/opt/python/pandas/core/frame.py", "pandas/core/frame.py", False),
        ("/var/lang/lib/python3.13/contextlib.py", "lib/python3.13/contextlib.py", False),
    ],
)
def test_frames_of_ours_are_known_by_their_place(path: str, place: str, is_ours: bool) -> None:
    found = frame(f'  File "{path}", line 7, in work\n    go()\n')
    assert (found.place, found.line, found.function, found.code) == (place, "7", "work", "go()")
    assert found.is_ours is is_ours


def test_an_entry_of_no_known_form_is_shown_as_it_is() -> None:
    assert frame("[Previous line repeated 3 times]\n").code == "[Previous line repeated 3 times]"


def test_which_function_works_in_a_state() -> None:
    assert function_of(task("X")) == FUNCTION
    assert function_of({"Type": "Task", "Resource": FUNCTION}) == FUNCTION
    assert function_of({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage"}) is None
    assert function_of({"Type": "Pass"}) is None


def test_a_line_of_ours_is_its_message_and_its_fields() -> None:
    line = log_line(0, '{"level":"INFO","message":"stage started","timestamp":"x","attempt":2}')
    assert (line.level, line.message, line.rest) == ("INFO", "stage started", {"attempt": 2})


@pytest.mark.parametrize(
    ("message", "level", "words"),
    [
        ("START RequestId: 1 Version: $LATEST", "PLATFORM", "START RequestId: 1 Version: $LATEST"),
        ('{"time":"t","type":"platform.report","record":{}}', "PLATFORM", "platform.report"),
        ("[ERROR] Broken: no\n", "ERROR", "[ERROR] Broken: no"),
        ('{"_aws":{},"Retries":[1.0],"stage":"clean"}', "METRIC", "Retries 1"),
        ('{"message":{"a":1}}', "", '{"a": 1}'),
        ("[1, 2]", "", "[1, 2]"),
        ("", "", ""),
    ],
)
def test_lines_of_others(message: str, level: str, words: str) -> None:
    line = log_line(0, message)
    assert (line.level, line.message) == (level, words)


def test_lines_of_other_requests_of_the_same_process_are_left_out() -> None:
    stream = [
        "START RequestId: one",
        "REPORT RequestId: one",
        "START RequestId: two",
        "plain",
        json.dumps({"function_request_id": "two"}),
        "REPORT RequestId: two",
        "START RequestId: three",
    ]
    assert list(between(stream, "two")) == [2, 3, 4, 5]
    assert list(between(stream, "three")) == [6]
