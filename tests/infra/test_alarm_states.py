"""When each alarm is raised: the template's alarms over series of metrics, minute by minute."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.alarm_states import ALARM, OK, UNKNOWN, Measured, judged, states
from tests.infra.synthesis import Template, properties, resources

HOUR = 60
STAGES = ("Validate", "Clean", "Transform", "Enrich", "Write")
WAITING = "ApproximateNumberOfMessagesVisible"


def alarm_of(template: Template, name: str) -> dict[str, Any]:
    return properties(template, "AWS::CloudWatch::Alarm", f"Alarms{name}")


def raised(template: Template, measured: Measured, until: int) -> set[str]:
    """Names of the alarms that were raised at some time until a minute."""
    step = 1 if until <= HOUR else 5
    return {
        name.removeprefix("Alarms")[:-8]
        for name, alarm in resources(template, "AWS::CloudWatch::Alarm").items()
        if ALARM in states(alarm["Properties"], measured, range(0, until, step))
    }


class Stack(Measured):
    """Metrics as AWS's services tell them of runs."""

    def arrives(self, minute: int) -> None:
        self.tell("AWS/Events TriggeredRules", "TriggerRule", [minute])

    def ends(self, minute: int, how: str = "Succeeded") -> None:
        self.tell(f"AWS/States Executions{how}", "PipelineMachine", [minute])

    def calls(self, stage: str, minute: int, *, times: int = 1, errors: int = 0) -> None:
        self.tell("AWS/Lambda Invocations", f"{stage}Function", [minute], times)
        self.tell("AWS/Lambda Errors", f"{stage}Function", [minute], errors)
        self.tell("AWS/Lambda Duration", f"{stage}Function", [minute], 900)
        self.tell(
            "LambdaPipelines MemoryUtilization", f"AWS::StackName {stage.lower()}", [minute], 15
        )

    def good_file(self, minute: int) -> None:
        """A file that is uploaded and committed within the minute."""
        self.arrives(minute)
        for stage in STAGES:
            self.calls(stage, minute)
        self.ends(minute)
        self.tell("LambdaPipelines UploadToCommitSeconds", "AWS::StackName", [minute], 9)

    def bad_file(self, minute: int, *, attempts: int = 1) -> None:
        """A file that fails in its first stage."""
        self.arrives(minute)
        self.calls("Validate", minute, times=attempts, errors=attempts)
        self.ends(minute, "Failed")

    def letters(self, first: int, last: int, count: int = 1) -> None:
        """Letters that lie in the queue from one minute to another."""
        self.tell(f"AWS/SQS {WAITING}", "MessagingDeadLetters", range(first, last), count)


X, O, _ = 1, 0, None  # noqa: E741 - the guide's own marks: breaching, not breaching, missing


@pytest.mark.parametrize(
    ("points", "ignore", "not_breaching"),
    [
        ([O, _, X, _, X], OK, OK),
        ([O, _, _, _, _], OK, OK),
        ([_, _, _, _, _], "as before", OK),
        ([O, X, X, _, X], ALARM, ALARM),
        ([_, _, _, _, X], "as before", OK),
    ],
)
def test_missing_points_are_treated_as_in_the_guides_table(
    points: list[float | None], ignore: str, not_breaching: str
) -> None:
    alarm = {
        "EvaluationPeriods": 3,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    assert judged(alarm | {"TreatMissingData": "ignore"}, points, "as before") == ignore
    assert judged(alarm | {"TreatMissingData": "notBreaching"}, points, OK) == not_breaching


# --- All alarms together -------------------------------------------------------------------------


def test_a_stack_without_files_raises_nothing(aws_template: Template) -> None:
    assert raised(aws_template, Measured(), 3 * HOUR) == set()


def test_good_files_raise_nothing(aws_template: Template) -> None:
    stack = Stack()
    for minute in range(3, 6 * HOUR, 7):
        stack.good_file(minute)
    assert raised(aws_template, stack, 6 * HOUR) == set()


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("good_files_an_hour", [0, 3, 19, 60])
def test_one_bad_file_an_hour_is_not_told_by_more_than_its_letter(
    aws_template: Template, attempts: int, good_files_an_hour: int
) -> None:
    stack = Stack()
    for hour in range(6):
        for number in range(good_files_an_hour):
            stack.good_file(hour * HOUR + number * HOUR // good_files_an_hour)
        stack.bad_file(hour * HOUR + 11, attempts=attempts)
    stack.letters(11, 6 * HOUR)
    assert raised(aws_template, stack, 6 * HOUR) == {"DeadLetters"}


def test_a_supplier_whose_files_all_fail_raises_the_rates(aws_template: Template) -> None:
    stack = Stack()
    for minute in range(2 * HOUR):
        stack.good_file(minute)
        if minute % 5 == 0:
            stack.bad_file(minute)
    stack.letters(0, 2 * HOUR)
    assert raised(aws_template, stack, 2 * HOUR) == {"DeadLetters", "FailedRuns", "SuccessRate"}


def test_a_storage_that_is_down_raises_errors_too(aws_template: Template) -> None:
    stack = Stack()
    for minute in range(2 * HOUR):
        stack.bad_file(minute, attempts=3)
    stack.letters(0, 2 * HOUR)
    expected = {"DeadLetters", "FailedRuns", "SuccessRate", "ErrorRate", "ValidateErrors"}
    assert raised(aws_template, stack, 2 * HOUR) == expected


# --- Stall ---------------------------------------------------------------------------------------


def first_alarm(alarm: dict[str, Any], measured: Measured, until: int, extra: int) -> int | None:
    found = states(alarm, measured, range(until), extra)
    return found.index(ALARM) if ALARM in found else None


@pytest.mark.parametrize("extra", [0, 2, 5])
@pytest.mark.parametrize("arrival", [10, 14, 17, 59])
def test_a_file_whose_run_does_not_end_is_a_stall_after_30_minutes(
    aws_template: Template, arrival: int, extra: int
) -> None:
    stack = Stack()
    stack.good_file(3)
    stack.arrives(arrival)
    alarm = alarm_of(aws_template, "Stall")
    assert first_alarm(alarm, stack, 4 * HOUR, extra) == arrival + 30


def test_a_stall_lasts_until_a_run_ends(aws_template: Template) -> None:
    # GIVEN files that wait, and then nothing for hours, and then an end
    stack = Stack()
    for minute in (10, 11, 30):
        stack.arrives(minute)
    stack.ends(5 * HOUR)
    found = states(alarm_of(aws_template, "Stall"), stack, range(6 * HOUR))
    # THEN there is one alarm from the first file's 30th minute to that end
    expected = [UNKNOWN] * 40 + [ALARM] * (5 * HOUR + 1 - 40) + [OK] * (HOUR - 1)
    assert found == expected


@pytest.mark.parametrize("run_minutes", [0, 1, 29])
@pytest.mark.parametrize("how", ["Succeeded", "Failed", "TimedOut", "Aborted"])
def test_a_run_that_ends_in_time_is_no_stall(
    aws_template: Template, run_minutes: int, how: str
) -> None:
    stack = Stack()
    stack.arrives(10)
    stack.ends(10 + run_minutes, how)
    assert first_alarm(alarm_of(aws_template, "Stall"), stack, 2 * HOUR, 2) is None


def test_steady_files_with_slow_runs_are_no_stall(aws_template: Template) -> None:
    stack = Stack()
    for minute in range(0, 4 * HOUR, 2):
        stack.arrives(minute)
        stack.ends(minute + 25)
    assert first_alarm(alarm_of(aws_template, "Stall"), stack, 4 * HOUR, 2) is None


def test_more_files_than_endings_are_no_stall(aws_template: Template) -> None:
    stack = Stack()
    for minute in range(2 * HOUR):
        for _file in range(50):
            stack.arrives(minute)
        stack.ends(minute)
    assert first_alarm(alarm_of(aws_template, "Stall"), stack, 2 * HOUR, 2) is None


def test_files_that_keep_coming_do_not_hide_a_stall(aws_template: Template) -> None:
    stack = Stack()
    stack.good_file(59)
    for minute in range(HOUR, 4 * HOUR):
        stack.arrives(minute)
    assert first_alarm(alarm_of(aws_template, "Stall"), stack, 4 * HOUR, 2) == HOUR + 30


def test_silence_and_replays_are_no_stall(aws_template: Template) -> None:
    stack = Stack()
    for minute in range(30, 60):
        stack.ends(minute)
    assert first_alarm(alarm_of(aws_template, "Stall"), stack, 3 * HOUR, 2) is None


# --- Rates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("succeeded", "failed", "expected"),
    [
        (0, 0, False),
        (19, 0, False),
        (0, 19, False),  # too few for a rate
        (0, 20, True),
        (18, 2, True),  # 90 %
        (19, 1, False),  # 95 % is not below 95 %
        (94, 6, True),
        (95, 5, False),
        (200, 0, False),
    ],
)
@pytest.mark.parametrize("how", ["Failed", "TimedOut", "Aborted"])
def test_success_rate(
    aws_template: Template, succeeded: int, failed: int, how: str, expected: bool
) -> None:
    stack = Stack()
    for _run in range(succeeded):
        stack.ends(5)
    for _run in range(failed):
        stack.ends(40, how)
    found = states(alarm_of(aws_template, "SuccessRate"), stack, range(6, 8 * HOUR))
    assert (ALARM in found) is expected
    assert found[-1] == OK


@pytest.mark.parametrize(
    ("calls", "errors", "expected"),
    [
        (0, 0, False),
        (99, 99, False),  # fewer than the stages of 20 runs
        (100, 5, False),  # 5 % is not above 5 %
        (100, 6, True),
        (1000, 51, True),
        (1000, 0, False),
    ],
)
def test_error_rate(aws_template: Template, calls: int, errors: int, expected: bool) -> None:
    stack = Stack()
    for at, stage in enumerate(STAGES):
        share, rest = divmod(calls, len(STAGES))
        if calls:
            stack.calls(stage, at, times=share + (at < rest))
    stack.calls("Write", 30, times=0, errors=errors)
    found = states(alarm_of(aws_template, "ErrorRate"), stack, range(6, 8 * HOUR))
    assert (ALARM in found) is expected
    assert found[-1] == OK


@pytest.mark.parametrize("name", ["SuccessRate", "ErrorRate"])
def test_a_rate_is_over_when_its_hour_is(aws_template: Template, name: str) -> None:
    # GIVEN failures in one minute, and nothing afterwards
    stack = Stack()
    for _run in range(100):
        stack.bad_file(20)
    found = states(alarm_of(aws_template, name), stack, range(8 * HOUR))
    # THEN the alarm is raised as long as that minute is in the last hour
    assert [now for now, state in enumerate(found) if state == ALARM] == [*range(21, 20 + HOUR + 1)]


@pytest.mark.parametrize(("slow", "expected"), [(0, False), (5, False), (6, True)])
def test_latency_is_that_of_one_file_in_twenty(
    aws_template: Template, slow: int, expected: bool
) -> None:
    measured = Measured()
    metric = "LambdaPipelines UploadToCommitSeconds"
    measured.tell(metric, "AWS::StackName", [1] * (100 - slow), 300)
    measured.tell(metric, "AWS::StackName", [1] * slow, 301)
    assert (ALARM in states(alarm_of(aws_template, "Latency"), measured, range(90))) is expected


# --- Letters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("told_before", [True, False])
@pytest.mark.parametrize(("hours", "expected"), [(24, False), (25, True)])
def test_letters_that_nobody_tends_are_told_after_a_day(
    aws_template: Template, told_before: bool, hours: int, expected: bool
) -> None:
    # GIVEN a queue, which tells nothing while nobody uses it, and then holds a letter for hours
    stack, first = Stack(), 5 * HOUR
    if told_before:
        stack.letters(0, first, count=0)
    stack.letters(first, first + hours * HOUR)
    stack.letters(first + hours * HOUR, 36 * HOUR, count=0)
    found = states(alarm_of(aws_template, "DeadLetterAge"), stack, range(0, 36 * HOUR, 5))
    assert (ALARM in found) is expected


def test_a_queue_that_was_emptied_starts_a_new_day(aws_template: Template) -> None:
    stack = Stack()
    stack.letters(0, 20 * HOUR)
    stack.letters(20 * HOUR, 20 * HOUR + 5, count=0)
    stack.letters(20 * HOUR + 5, 40 * HOUR)
    found = states(alarm_of(aws_template, "DeadLetterAge"), stack, range(0, 40 * HOUR, 5))
    assert ALARM not in found


@pytest.mark.parametrize("queue", ["DeadLetters", "UndeliveredEvents"])
def test_looking_at_messages_does_not_end_their_alarm(aws_template: Template, queue: str) -> None:
    # GIVEN a message, and commands that hold it out of sight for a minute or two
    stack = Stack()
    for minute in range(3 * HOUR):
        seen = 0 if minute % 20 in (7, 8) else 1
        stack.tell(f"AWS/SQS {WAITING}", f"Messaging{queue}", [minute], seen)
    found = states(alarm_of(aws_template, queue), stack, range(5, 3 * HOUR))
    assert set(found) == {ALARM}


@pytest.mark.parametrize(
    ("metric", "about", "value", "alarm"),
    [
        (f"AWS/SQS {WAITING}", "MessagingUndeliveredEvents", 1, "UndeliveredEvents"),
        ("AWS/Events FailedInvocations", "TriggerRule", 1, "UploadsNotDelivered"),
        ("AWS/Events FailedInvocations", "UncaughtEnded", 1, "EndedRunsNotDelivered"),
        ("AWS/Events FailedInvocations", "UncaughtFailed", 1, "FailedRunsNotDelivered"),
        ("AWS/Events InvocationsFailedToBeSentToDlq", "TriggerRule", 1, "UploadsLost"),
        ("AWS/Events InvocationsFailedToBeSentToDlq", "UncaughtEnded", 1, "EndedRunsLost"),
        ("AWS/Events InvocationsFailedToBeSentToDlq", "UncaughtFailed", 1, "FailedRunsLost"),
        ("AWS/States ExecutionsTimedOut", "PipelineMachine", 1, "TimedOutRuns"),
        ("AWS/States ExecutionsFailed", "PipelineMachine", 5, "FailedRuns"),
        ("AWS/States ExecutionThrottled", "PipelineMachine", 1, "ThrottledStates"),
        ("AWS/Lambda Errors", "CleanFunction", 4, "CleanErrors"),
        ("AWS/Lambda Throttles", "EnrichFunction", 1, "EnrichThrottles"),
        ("AWS/Lambda Duration", "WriteFunction", 240_000, "WriteDuration"),
        ("LambdaPipelines MemoryUtilization", "AWS::StackName transform", 85, "TransformMemory"),
    ],
)  # fmt: skip
def test_alarm_is_raised_by_its_own_limit_alone(
    aws_template: Template, metric: str, about: str, value: float, alarm: str
) -> None:
    measured, nearly = Measured(), Measured()
    measured.tell(metric, about, [20], value)
    nearly.tell(metric, about, [20], value - 0.5)
    assert raised(aws_template, measured, HOUR) == {alarm}
    assert raised(aws_template, nearly, HOUR) == set()
