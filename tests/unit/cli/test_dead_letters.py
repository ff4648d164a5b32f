"""`pipeline dead-letters` as it is typed, over real queues' and buckets' behaviour."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer

from cli.main import exit_status
from tests.unit.cli.events import entered, exited, task
from tests.unit.cli.moto_target import (
    EXECUTION,
    INPUT,
    MACHINE,
    about,
    commit,
    letter_body,
    run_so_far,
    s3_event,
    send,
    send_undelivered,
    source,
    uncaught_body,
    visible,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions

    Answer = tuple[int, Any]


@pytest.fixture
def ask(target: Target, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Exit status and JSON document of a verb."""

    def answer(*arguments: str) -> Answer:
        capsys.readouterr()
        status = exit_status(["dead-letters", *arguments, "--json"])
        return status, json.loads(capsys.readouterr().out or "null")

    return answer


def last_input(service: FakeStepFunctions) -> dict[str, Any]:
    """Input of the execution that was started last."""
    found: dict[str, Any] = json.loads(service.executions[0]["input"])
    return found


def test_an_empty_queue_is_an_empty_list(ask: Callable[..., Answer]) -> None:
    assert ask("list") == (0, [])
    assert ask("replay", "--all") == (0, [])


def test_the_list_takes_nothing_away(target: Target, ask: Callable[..., Answer]) -> None:
    send(target, letter_body("first"), letter_body("second"), "no letter at all")
    send_undelivered(target, s3_event("lost.csv"), ERROR_CODE="NO_PERMISSIONS")

    status, listed = ask("list")

    assert status == 0
    assert {entry["kind"] for entry in listed} == {"failed", "undelivered", "other"}
    [failed] = [entry for entry in listed if entry["kind"] == "failed"]
    assert (failed["letters"], failed["resumes_from"]) == (2, "clean")
    assert len(visible(target)) == 4


def test_the_list_is_filtered(target: Target, ask: Callable[..., Answer]) -> None:
    send(target, letter_body("a"), uncaught_body("b", event=json.dumps(s3_event("b.csv"))))

    assert [entry["id"] for entry in ask("list", "--error", "ABORTED")[1]] == ["b"]
    assert len(ask("list", "--dataset", "flights")[1]) == 2
    assert ask("list", "--dataset", "weather") == (0, [])


def test_a_replay_resumes_and_deletes_every_letter(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    send(target, letter_body("first"), letter_body("second"), letter_body("z", **about("z.csv")))

    status, [record] = ask("replay", "second")

    assert status == 0
    assert record["action"] == "replayed"
    assert record["resumes_from"] == "clean"
    assert record["deleted"] is True
    assert record["result"]["status"] == "SUCCEEDED"
    assert last_input(service) == s3_event(**{"version-id": "v1"}) | {
        "replay": {"of": f"{EXECUTION}:second", "run": run_so_far("validate")}
    }
    assert [json.loads(body)["execution"]["name"] for body in visible(target)] == ["z"]


def test_a_replay_that_fails_keeps_the_letters(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    send(target, letter_body("first"))
    service.ends_as["input/flights/f.csv"] = "FAILED"

    status, [record] = ask("replay", "first")

    assert (status, record["action"], record["deleted"]) == (1, "replayed", False)
    assert record["result"]["error"]
    assert len(visible(target)) == 1


def test_an_undelivered_event_starts_what_it_should_have_started(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    send_undelivered(target, s3_event(), ERROR_CODE="NO_PERMISSIONS")

    status, [record] = ask("replay", "--all")

    assert (status, record["resumes_from"], record["deleted"]) == (0, None, True)
    assert last_input(service) == s3_event()
    assert visible(target) == []


def test_an_unsent_lineage_event_is_no_run_to_repeat(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    event = s3_event()
    event["detail"]["object"]["key"] = "lineage/flights/0123.json"
    send_undelivered(target, event, ERROR_CODE="NO_PERMISSIONS")

    status, [record] = ask("replay", "--all")

    assert (status, record["action"], record["deleted"]) == (1, "refused", False)
    assert f"aws s3 cp s3://{INPUT}/lineage/flights/0123.json " in record["reason"]
    assert "pipeline dead-letters discard" in record["reason"]
    assert service.executions == []
    assert len(visible(target)) == 1


def test_a_newer_version_that_is_committed_refuses_the_replay(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    # GIVEN sequencers of different lengths, which S3 says to pad on the right
    send(target, letter_body("old"), letter_body("current", **about("g.csv")))
    commit(target, source(version_id="v2", etag="e2", sequencer="0A1"))
    commit(target, source("g.csv"))

    status, records = ask("replay", "--all")

    assert status == 1
    by_id = {record["id"]: record for record in records}
    assert by_id["old"]["action"] == "refused"
    assert "newer version" in by_id["old"]["reason"]
    assert "pipeline dead-letters discard old" in by_id["old"]["reason"]
    assert by_id["current"]["deleted"] is True
    assert len(service.executions) == 1
    assert len(visible(target)) == 1


def test_an_older_version_that_is_committed_does_not(
    target: Target, ask: Callable[..., Answer]
) -> None:
    send(target, letter_body("new"))
    commit(target, source(version_id="v0", etag="e0", sequencer="09FF"))

    assert ask("replay", "--all")[0] == 0


def test_what_holds_no_event_is_refused(target: Target, ask: Callable[..., Answer]) -> None:
    send(target, "no letter at all")

    status, [record] = ask("replay", "--all")

    assert (status, record["action"]) == (1, "refused")
    assert f"pipeline dead-letters show {record['id']}" in record["reason"]


def test_a_dry_run_changes_nothing(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    send(target, letter_body("first"))
    send(target, letter_body("old", **about("g.csv")))
    commit(target, source("g.csv", version_id="v2", etag="e2", sequencer="0B"))

    status, records = ask("replay", "--all", "--dry-run")

    assert status == 1
    assert {(each["id"], each["action"], each["resumes_from"]) for each in records} == {
        ("first", "would_replay", "clean"),
        ("old", "refused", None),
    }
    assert service.executions == []
    assert len(visible(target)) == 2


def test_an_uncaught_failure_resumes_by_its_history(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    run = run_so_far("validate", "clean")
    events = [entered("Clean", 0), *task(0, result=run), exited("Clean", 1), entered("Write", 1)]
    service.starts("stopped", "input/flights/f.csv", "e1", *events)
    send(target, uncaught_body("stopped"))

    _, [listed] = ask("list")
    _, [record] = ask("replay", "stopped")

    assert listed["resumes_from"] == record["resumes_from"] == "transform"
    assert last_input(service)["replay"] == {"of": f"{EXECUTION}:stopped", "run": run}


def test_an_event_that_eventbridge_left_out_is_read_from_the_execution(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    service.starts("stopped", "input/flights/f.csv", "e1")
    service.executions[0]["input"] = json.dumps(s3_event())
    send(target, uncaught_body("stopped", event=None))

    status, [record] = ask("replay", "stopped")

    assert (status, record["deleted"]) == (0, True)
    assert last_input(service)["detail"] == s3_event()["detail"]


def test_a_replay_is_of_the_version_that_failed(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    # GIVEN an event that names no version, and a letter that does
    send(target, letter_body(event=s3_event()))

    ask("replay", "--all")

    assert last_input(service)["detail"]["object"]["version-id"] == "v1"


def test_without_a_history_everything_is_done_again(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    send(target, uncaught_body("forgotten"))

    _, [record] = ask("replay", "forgotten")

    assert record["resumes_from"] is None
    assert last_input(service)["replay"] == {"of": f"{EXECUTION}:forgotten", "run": {}}


def test_a_replay_that_failed_at_once_hands_its_summary_on(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    # GIVEN a replay whose first stage failed before it had taken anything up
    replayed = {"replay": {"of": "arn:first", "run": run_so_far("validate", "clean")}}
    failure = {"stage": "validate", "error": "StorageThrottledError", "message": "slow"}
    send(target, letter_body("again", failure=failure, run={}, event=s3_event() | replayed))

    _, [record] = ask("replay", "--all")

    assert record["resumes_from"] == "transform"
    assert last_input(service)["replay"] == {
        "of": f"{EXECUTION}:again",
        "run": run_so_far("validate", "clean"),
    }


def test_a_merge_stays_a_merge(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    merge = s3_event() | {"replay": {"of": "arn:x", "quarantine": "q" * 32}}
    send(target, letter_body("merge", event=merge))

    ask("replay", "--all")

    assert last_input(service)["replay"]["quarantine"] == "q" * 32


def test_a_summary_that_step_functions_would_not_take_is_left_out(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    # GIVEN a letter that fits into a message of SQS, with a summary of 4-byte characters
    run = run_so_far("validate") | {"outputs": ["\N{AIRPLANE}\N{GRINNING FACE}" * 40_000]}
    letter = json.dumps(letter_body("large", run=run), ensure_ascii=False)
    assert len(letter.encode()) > 262_144
    send(target, letter)

    _, [record] = ask("replay", "--all")

    assert record["resumes_from"] is None
    assert last_input(service)["replay"]["run"] == {}


def test_ten_replays_run_at_once_at_most(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    send(target, *(letter_body(f"failed-{n}", **about(f"{n}.csv")) for n in range(23)))
    service.looks_until_end = 3

    status, records = ask("replay", "--all")

    assert (status, len(records)) == (0, 23)
    assert service.most_running == 10
    assert len({record["result"]["execution_arn"] for record in records}) == 23
    assert visible(target) == []


def test_a_replay_that_does_not_end_keeps_its_letters(
    target: Target, service: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    send(target, letter_body("slow"))
    service.looks_until_end = 9
    service.ends_as["input/flights/f.csv"] = "RUNNING"

    assert exit_status(["dead-letters", "replay", "--all", "--timeout", "0"]) == 2

    assert "still running after 0 s, and goes on; the letters stay" in capsys.readouterr().err
    assert len(visible(target)) == 1


def test_an_interrupted_replay_gives_the_letters_back(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    send(target, letter_body("slow"), letter_body("other", **about("g.csv")))
    target.cloud.stepfunctions().looks_until_end = 9  # type: ignore[attr-defined]
    monkeypatch.setattr("cli.follow.time.sleep", interrupt)

    assert exit_status(["dead-letters", "replay", "--all"]) == 130

    assert len(visible(target)) == 2


def test_a_replay_says_what_became_of_everything(
    target: Target, service: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    send(target, letter_body("fails-again"), letter_body("succeeds", **about("g [1].csv")))
    service.ends_as["input/flights/f.csv"] = "FAILED"

    assert exit_status(["dead-letters", "replay", "--all"]) == 1

    said = capsys.readouterr().out
    assert "succeeds input/flights/g [1].csv: SUCCEEDED" in said
    assert "letters     deleted" in said
    assert "letters     kept; the new failure has left one of its own beside them" in said


def test_show_tells_what_a_replay_would_do(target: Target, ask: Callable[..., Answer]) -> None:
    send(target, letter_body("first"), letter_body("second"))

    status, shown = ask("show", f"{EXECUTION}:first")

    assert (status, shown["id"], shown["resumes_from"]) == (0, "second", "clean")
    assert shown["refusal"] is None
    assert shown["quarantine"] == "s3://results/quarantine/flights/r/clean.jsonl"
    assert [failure["name"] for failure in shown["failures"]] == ["first", "second"]
    assert shown["event"] == s3_event()
    assert len(visible(target)) == 2


def test_discard_deletes_what_it_is_told_to(target: Target, ask: Callable[..., Answer]) -> None:
    send(target, letter_body("first"), letter_body("other", **about("g.csv")))

    status, [record] = ask("discard", "first", "--yes")

    assert (status, record["action"], record["deleted"]) == (0, "discarded", True)
    assert [json.loads(body)["execution"]["name"] for body in visible(target)] == ["other"]


@pytest.mark.parametrize(("answer", "left"), [(True, 0), (False, 1)])
def test_discard_asks_at_a_terminal(
    target: Target,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: bool,
    left: int,
) -> None:
    send(target, letter_body("first"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: answer)

    assert exit_status(["dead-letters", "discard", "first"]) == 0

    said = capsys.readouterr().err
    assert f"first: StepError, s3://{INPUT}/input/flights/f.csv; letters: 1." in said
    assert "it can only be processed by uploading it again" in said
    assert len(visible(target)) == left


def test_messages_in_other_hands_are_told(
    target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    send(target, letter_body("first"))
    target.cloud.sqs().receive_message(QueueUrl=target.dead_letter_queue_url)

    assert exit_status(["dead-letters", "list"]) == 0

    said = capsys.readouterr().err
    assert "About 1 more messages are being read by another command" in said
    assert "There is no dead letter." in said


def test_replays_start_this_stacks_state_machine(
    target: Target, ask: Callable[..., Answer]
) -> None:
    send(target, letter_body("first"))

    _, [record] = ask("replay", "first")

    expected = MACHINE.replace(":stateMachine:", ":execution:")
    assert record["result"]["execution_arn"].startswith(expected)
