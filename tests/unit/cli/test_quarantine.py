"""`pipeline quarantine` as it is typed, over what a real bucket would answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.main import exit_status
from cli.quarantine import records
from cli.quarantine_texts import rows_table
from tests.unit.cli.events import entered, failed_task, lambda_cause
from tests.unit.cli.moto_target import (
    EXECUTION,
    INPUT,
    OUTPUT,
    commit,
    put_json,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions

    Answer = tuple[int, Any]

RUN, MERGE = "a1b2c3d4" * 4, "b1b2c3d4" * 4
TOP_RULES = [{"stage": "validate", "column": "month", "rule": "maximum", "rows": 2}]


@pytest.fixture
def ask(target: Target, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Exit status and JSON document of a verb."""

    def answer(*arguments: str) -> Answer:
        capsys.readouterr()
        status = exit_status(["quarantine", *arguments, "--json"])
        return status, json.loads(capsys.readouterr().out or "null")

    return answer


def reject(row: int, **more: Any) -> dict[str, Any]:
    """A rejected row as a stage writes it."""
    violation = {"column": "month", "rule": "maximum", "value": "13", "message": "at most 12"}
    violation |= more
    return {"row_number": row} | violation | {"violations": [violation], "raw": f"2013,{row}"}


def quarantine(target: Target, run_id: str, stage: str, *rows: dict[str, Any]) -> str:
    """Put a run's rejected rows; return their address."""
    key = f"quarantine/flights/{run_id}/{stage}.jsonl"
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    s3 = target.cloud.s3()
    s3.put_object(Bucket=OUTPUT, Key=key, Body=body)
    s3.put_object(Bucket=OUTPUT, Key=key.replace(".jsonl", ".rows"), Body=b"their numbers")
    return f"s3://{OUTPUT}/{key}"


def report(target: Target, run_id: str, *quarantined: str, rejected: int = 2) -> None:
    """Put the report of a run about `f.csv`."""
    document = {
        "source": vars(source()),
        "rows": {"read": 10, "rejected": rejected - 1, "dropped_by_lookup": 1},
        "rejects": {"top_rules": TOP_RULES, "quarantine": list(quarantined)},
    }
    put_json(target, f"reports/flights/{run_id}.json", document)


def committed_run(target: Target) -> list[str]:
    """A run of ten rows that has committed eight and rejected two, in two stages."""
    addresses = [
        quarantine(target, RUN, "enrich", reject(7, column="carrier", rule="lookup")),
        quarantine(target, RUN, "validate", reject(3)),
    ][::-1]
    report(target, RUN, *addresses)
    commit(target, source(), run={"run_id": RUN, "rejects": {"quarantine": addresses}})
    return addresses


def merged(target: Target) -> None:
    """Half of the rows of `committed_run` have been merged into the output."""
    committed_run(target)
    still = quarantine(target, MERGE, "validate", reject(3))
    report(target, MERGE, still)
    merges = [{"run_id": MERGE, "quarantine_of": RUN, "rows": {}, "execution_arn": "arn:merge"}]
    commit(target, source(), run={"run_id": RUN, "rejects": {"quarantine": [still]}}, merges=merges)


def test_without_rejected_rows_the_list_is_empty(ask: Callable[..., Answer]) -> None:
    assert ask("list") == (0, [])


def test_the_list_joins_files_report_and_manifest(
    target: Target, ask: Callable[..., Answer]
) -> None:
    addresses = committed_run(target)

    status, [record] = ask("list")

    assert status == 0
    assert record.pop("written_at")
    assert record == {
        "run_id": RUN,
        "dataset": "flights",
        "source": {"bucket": INPUT, "key": "input/flights/f.csv", "version_id": "v1"},
        "rows": 2,
        "status": "open",
        "top_rules": TOP_RULES,
        "quarantine": addresses,
    }


def statuses(ask: Callable[..., Answer]) -> dict[str, str]:
    return {record["run_id"]: record["status"] for record in ask("list")[1]}


def test_merged_rows_are_replayed_and_the_rest_is_open(
    target: Target, ask: Callable[..., Answer]
) -> None:
    merged(target)

    assert statuses(ask) == {RUN: "replayed", MERGE: "open"}


def test_a_newer_run_of_the_file_supersedes_its_rejects(
    target: Target, ask: Callable[..., Answer]
) -> None:
    committed_run(target)
    commit(target, source(version_id="v2", etag="e2"), run={"run_id": MERGE})

    assert statuses(ask) == {RUN: "superseded"}


def test_rejects_of_a_failed_run_are_uncommitted(
    target: Target, ask: Callable[..., Answer]
) -> None:
    address = quarantine(target, RUN, "validate", reject(1))

    [record] = ask("list")[1]

    assert (record["status"], record["rows"]) == ("uncommitted", None)
    assert record["quarantine"] == [address]


def test_a_run_that_fell_between_report_and_commit_is_uncommitted(
    target: Target, ask: Callable[..., Answer]
) -> None:
    report(target, RUN, quarantine(target, RUN, "validate", reject(1)))

    assert statuses(ask) == {RUN: "uncommitted"}


def test_the_list_is_cut_and_filtered(target: Target, ask: Callable[..., Answer]) -> None:
    merged(target)

    assert len(ask("list", "--limit", "1")[1]) == 1
    assert ask("list", "--dataset", "weather") == (0, [])


@pytest.mark.parametrize("name", [RUN, RUN[:6], "last"])
def test_show_gives_every_record_with_its_stage(
    target: Target, ask: Callable[..., Answer], name: str
) -> None:
    committed_run(target)

    status, rows = ask("show", name)

    assert status == 0
    assert rows == [
        {"stage": "validate"} | reject(3),
        {"stage": "enrich"} | reject(7, column="carrier", rule="lookup"),
    ]


def test_show_gives_as_many_as_it_is_asked_for(target: Target, ask: Callable[..., Answer]) -> None:
    committed_run(target)

    assert [row["row_number"] for row in ask("show", "last", "--limit", "1")[1]] == [3]


def test_show_is_readable(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    committed_run(target)

    assert exit_status(["quarantine", "show", "last", "--limit", "1"]) == 0

    said = capsys.readouterr()
    assert f"{RUN}: open - the rows are missing in the output" in said.out
    assert f"replay      pipeline quarantine replay {RUN}" in said.out
    assert "2013,3" in said.out
    assert "2013,7" not in said.out
    assert f"More: pipeline quarantine show {RUN} --limit 2" in said.err


def test_the_rules_of_a_failed_run_are_counted(
    target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [reject(n) for n in range(1200)]
    quarantine(target, RUN, "validate", *rows, reject(1200, column="carrier", rule="required"))

    assert exit_status(["quarantine", "show", "last"]) == 0

    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["validate", "month", "maximum", "1,200"] in said
    assert ["validate", "carrier", "required", "1"] in said
    assert said[3][:7] == ["replay", "with", "the", "failed", "run's", "dead", "letter:"]


def test_rows_are_read_as_they_are_asked_for(target: Target) -> None:
    # GIVEN a file far larger than what a reader takes at once
    rows = [reject(n, message="x" * 1000) for n in range(5000)]
    address = quarantine(target, RUN, "validate", *rows)
    read: list[int] = []

    class Watched:
        """The client, with an eye on how much of the body is read."""

        def get_object(self, **asked: Any) -> Any:
            answer = target.cloud.s3().get_object(**asked)
            raw = answer["Body"]._raw_stream
            whole = raw.read

            def counted(amount: int | None = None, **more: Any) -> bytes:
                chunk: bytes = whole(amount, **more)
                read.append(len(chunk))
                return chunk

            raw.read = counted
            return answer

    first = next(records(Watched(), [address]))  # type: ignore[arg-type]

    assert first["row_number"] == 0
    assert sum(read) < 10_000


def test_an_executions_name_means_its_run(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    committed_run(target)
    arn = service.starts("good", "input/flights/f.csv", "e1")
    run = {"rows": {}, "stages": [], "run_id": RUN, "outcome": "SUCCEEDED_WITH_REJECTS"}
    service.executions[0]["output"] = json.dumps(run)

    assert len(ask("show", "good")[1]) == 2
    assert len(ask("show", arn)[1]) == 2


def test_a_failed_executions_name_means_the_run_that_its_error_tells(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    quarantine(target, RUN, "validate", reject(1))
    told = json.dumps({"message": "too many", "run": {"run_id": RUN, "rows": {"read": 10}}})
    cause = lambda_cause("TooManyRejectsError", told)
    events = [entered("Validate", 0), *failed_task(0, "TooManyRejectsError", cause)]
    service.starts("bad", "input/flights/f.csv", "e1", *events)
    service.executions[0] |= {"status": "FAILED", "output": "null"}

    assert [row["row_number"] for row in ask("show", "bad")[1]] == [1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a1b2c", "a beginning of a run's id needs 6 characters"),
        ("nobody", "there is neither a run with rejected rows nor an execution nobody"),
        ("good", "the execution good has no rejected rows"),
        ("b1b2c3", "b1b2c3 is the beginning of several runs. Name one: "),
    ],
)
def test_a_name_that_means_none_or_several_is_told(
    target: Target,
    service: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    name: str,
    said: str,
) -> None:
    merged(target)
    quarantine(target, MERGE[:-1] + "5", "validate", reject(1))
    service.starts("good", "input/flights/f.csv", "e1")

    assert exit_status(["quarantine", "show", name]) == 2

    assert said in capsys.readouterr().err


def test_a_replay_starts_with_the_committed_versions_event(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    committed_run(target)

    status, record = ask("replay", RUN[:8])

    assert status == 0
    assert json.loads(service.executions[0]["input"]) == {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": INPUT},
            "object": {
                "key": "input/flights/f.csv",
                "size": 3,
                "etag": "e1",
                "version-id": "v1",
                "sequencer": "0A",
            },
        },
        "replay": {"of": f"{EXECUTION}:committed", "quarantine": RUN},
    }
    assert record["status"] == "SUCCEEDED"


def test_unknown_parts_of_the_source_are_left_out_and_a_whole_file_is_no_merge(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    committed_run(target)
    unknown = source(version_id=None, sequencer="")
    [listed] = ask("list")[1]
    commit(target, unknown, run={"rejects": {"quarantine": listed["quarantine"]}})

    status, record = ask("replay", "last", "--whole-file")

    started = json.loads(service.executions[0]["input"])
    assert status == 0
    assert started["detail"]["object"] == {"key": "input/flights/f.csv", "size": 3, "etag": "e1"}
    assert "replay" not in started
    assert (record["recovered"], record["still_rejected"]) == (None, None)


def outcome(service: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch, **run: Any) -> None:
    """Let every execution that is started end with this run summary."""
    start = service.start_execution
    summary = {"stages": [], "merges": {"run_id": RUN, "rows": 12}} | run

    def started(**asked: Any) -> dict[str, str]:
        answer = start(**asked)
        service.executions[0]["output"] = json.dumps(summary)
        return answer

    monkeypatch.setattr(service, "start_execution", started)


def test_a_replay_says_what_it_brought(
    target: Target,
    service: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a merge of 12 rows of which 7 pass, 3 do not and 2 were there before
    committed_run(target)
    report(target, RUN, f"s3://{OUTPUT}/quarantine/flights/{RUN}/validate.jsonl", rejected=12)
    rows = {"read": 12, "written": 7, "rejected": 2, "dropped_by_lookup": 1, "duplicates": 2}
    outcome(
        service,
        monkeypatch,
        outcome="SUCCEEDED_WITH_REJECTS",
        rows=rows,
        outputs=[f"s3://{OUTPUT}/processed/flights/s-m.parquet"],
        rejects={"top_rules": [{"column": "month", "rule": "maximum", "rows": 2}]},
    )

    assert exit_status(["quarantine", "replay", "last"]) == 0
    said = capsys.readouterr().out
    assert exit_status(["quarantine", "replay", "last", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)

    assert "7 of 12 rows recovered, 3 still rejected (month: maximum (2)), 2 duplicates" in said
    assert f"merge of 12 quarantined rows of the run {RUN}" in said
    assert f"s3://{OUTPUT}/processed/flights/s-m.parquet" in said
    assert (record["recovered"], record["still_rejected"]) == (7, 3)


def test_a_merge_tells_of_the_rows_that_it_made_of_others(
    target: Target,
    service: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a merge of 2 rows, of which `explode` made 3 more; one of the 5 was filtered
    committed_run(target)
    report(target, RUN, f"s3://{OUTPUT}/quarantine/flights/{RUN}/validate.jsonl", rejected=2)
    rows = {"read": 2, "expanded": 3, "written": 4, "filtered": 1}
    outcome(service, monkeypatch, outcome="SUCCEEDED", rows=rows)

    assert exit_status(["quarantine", "replay", "last"]) == 0

    said = capsys.readouterr().out
    assert "4 of 2 rows and 3 made of them recovered, 0 still rejected, 1 filtered" in said
    assert "read 2 + expanded 3 = written 4 + rejected 0" in said


def test_a_replay_under_the_same_plan_says_what_to_do(
    target: Target,
    service: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    committed_run(target)
    outcome(service, monkeypatch, outcome="ALREADY_PROCESSED", rows={"read": 10, "written": 8})

    assert exit_status(["quarantine", "replay", "last"]) == 0

    said = capsys.readouterr().out
    assert "Change them, deploy, and replay again." in said
    assert "this version of the file was committed before" not in said


def refused(ask: Callable[..., Answer], *arguments: str) -> str:
    """Reason of a refusal."""
    status, record = ask("replay", *arguments)
    assert (status, record["action"]) == (1, "refused")
    return str(record["reason"])


def test_what_cannot_be_replayed_is_refused_with_what_to_type(
    target: Target, ask: Callable[..., Answer], service: FakeStepFunctions
) -> None:
    failed = "c" * 32
    merged(target)
    quarantine(target, failed, "validate", reject(1))

    assert "pipeline dead-letters list --dataset flights" in refused(ask, failed)
    assert "were replayed before" in refused(ask, RUN)
    commit(target, source(version_id="v2"), run={"run_id": failed})
    assert "a newer run of the file has replaced" in refused(ask, MERGE, "--whole-file")
    assert service.executions == []


def test_a_replay_that_fails_is_told_and_ends_with_1(
    target: Target, service: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    committed_run(target)
    service.ends_as["input/flights/f.csv"] = "FAILED"

    assert exit_status(["quarantine", "replay", "last"]) == 1
    assert "pipeline dead-letters show" in capsys.readouterr().out


def test_a_replay_that_does_not_end_is_left_running(
    target: Target, service: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    committed_run(target)
    service.looks_until_end = 9
    service.ends_as["input/flights/f.csv"] = "RUNNING"

    assert exit_status(["quarantine", "replay", "last", "--timeout", "0"]) == 2
    assert "still running after 0 s" in capsys.readouterr().err


def test_a_row_is_shown_with_its_number_and_the_line_of_the_file() -> None:
    table = rows_table([{"row_number": 5, "line": 11, "raw": "x"}, {"row_number": 6, "raw": "y"}])

    shown = [[str(cell) for cell in column.cells] for column in table.columns[:2]]

    assert [column.header for column in table.columns[:2]] == ["row", "line"]
    assert shown == [["5", "6"], ["11", ""]]
