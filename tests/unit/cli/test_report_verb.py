"""`pipeline report` as it is typed, over what real buckets would answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli.main import exit_status
from tests.unit.cli.events import at, entered, failed_task, lambda_cause
from tests.unit.cli.moto_target import OUTPUT, commit, put_json, source
from tests.unit.cli.report_samples import (
    NAME,
    RUN,
    column,
    profile,
    put_execution,
    put_run,
    report_of,
    run_summary,
)

if TYPE_CHECKING:
    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions
    from tests.unit.cli.moto_target import MotoCloud

NOBODY = "0" * 32


@pytest.fixture
def service(cloud: MotoCloud) -> FakeStepFunctions:
    return cloud.client


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMBDA_PIPELINES_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Exit status, stdout and stderr of the verb."""

    def answer(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = exit_status(["report", *arguments])
        return status, *capsys.readouterr()

    return answer


def document(said: Any, *arguments: str) -> dict[str, Any]:
    status, out, err = said(*arguments, "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.parametrize("module", ["cli.main", "console.app"])
def test_nothing_else_waits_for_the_plots_libraries(module: str) -> None:
    slow = "{'altair', 'vl_convert'}"
    code = f"import sys, {module}; assert not {slow} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)


# --- The page ------------------------------------------------------------------------------


def test_the_page_lies_in_the_commands_folder(
    target: Target, service: FakeStepFunctions, said: Any, home: Path
) -> None:
    put_run(target, service)

    status, out, _ = said("last")

    written = Path(out.strip())
    assert status == 0
    assert written == home / "reports" / f"flights-f-{RUN[:8]}.html"
    assert "10 rows read, 8 written; 2 rejected." in written.read_text("utf-8")


def test_output_names_the_file(
    target: Target, service: FakeStepFunctions, said: Any, tmp_path: Path
) -> None:
    put_run(target, service)

    status, out, _ = said(NAME, "--output", str(tmp_path / "page.html"))

    assert (status, out.strip()) == (0, str(tmp_path / "page.html"))
    assert not (tmp_path / "reports").exists()


def test_open_opens_the_file(
    target: Target,
    service: FakeStepFunctions,
    said: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_run(target, service)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")

    said(NAME, "--output", str(tmp_path / "page.html"), "--open")

    assert opened == [(tmp_path / "page.html").as_uri()]


def test_publish_puts_the_page_beside_the_profiles(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    status, out, err = said("last", "--publish")

    key = f"profiles/flights/{RUN}/report.html"
    stored = target.cloud.s3().get_object(Bucket=OUTPUT, Key=key)
    assert (status, stored["ContentType"]) == (0, "text/html; charset=utf-8")
    assert stored["Body"].read() == Path(out.strip()).read_bytes()
    assert f"s3://{OUTPUT}/{key}" in err


def test_json_writes_no_page(target: Target, service: FakeStepFunctions, said: Any) -> None:
    put_run(target, service)

    status, out, err = said("last", "--json", "--publish")

    assert (status, out) == (2, "")
    assert "--json writes no page" in err


# --- Which run is meant ----------------------------------------------------------------------


@pytest.mark.parametrize("name", [NAME, RUN, "last"])
def test_a_run_has_several_names(
    target: Target, service: FakeStepFunctions, said: Any, name: str
) -> None:
    put_run(target, service)

    assert document(said, name)["execution"]["name"] == NAME


def test_an_arn_is_a_name(target: Target, service: FakeStepFunctions, said: Any) -> None:
    put_run(target, service)
    arn = service.executions[0]["executionArn"]

    assert document(said, arn)["execution"]["arn"] == arn


def test_a_report_outlives_its_execution(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_json(target, f"reports/flights/{RUN}.json", report_of(run_summary()))

    found = document(said, RUN)

    assert found["rows"]["rejected"] == 2
    assert found["execution"] | {"arn": ""} == {
        "name": NAME,
        "arn": "",
        "status": "SUCCEEDED_WITH_REJECTS",
        "started_at": None,
        "stopped_at": None,
        "duration_s": None,
        "is_running": False,
    }


@pytest.mark.parametrize(("name", "words"), [(NOBODY, "no run"), ("nobody", "no execution")])
def test_an_unknown_run_says_where_to_look(
    target: Target, said: Any, name: str, words: str
) -> None:
    status, out, err = said(name)

    assert (status, out) == (2, "")
    assert f"there is {words} {name}" in err
    assert "pipeline executions" in err


# --- What the document tells -----------------------------------------------------------------


def test_rejected_rows_stand_with_their_rules(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    rejects = document(said, "last")["rejects"]

    assert [(rule["column"], rule["rule"], rule["rows"]) for rule in rejects["rules"]] == [
        ("month", "maximum", 2)
    ]
    assert [row["row_number"] for row in rejects["rules"][0]["samples"]] == [3, 7]


def test_what_to_do_about_rejects_depends_on_what_became_of_them(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)
    still_open = document(said, "last")["outcome"]["next"]
    commit(target, source(), run={"run_id": NOBODY})

    superseded = document(said, "last")

    assert [command.split(" ", 1)[1] for command in still_open["commands"]] == [
        f"quarantine show {RUN}",
        f"quarantine replay {RUN}",
    ]
    assert superseded["outcome"]["next"]["commands"] == []
    assert superseded["versions"]["replaced_by"] == NOBODY


def test_the_steps_say_what_left_where(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    steps = document(said, "last")["steps"]

    assert [(step["rows_in"], step["left"]["rejected"], step["rows_out"]) for step in steps] == [
        (10, 2, 8),
        *[(8, 0, 8)] * 4,
    ]


def test_a_stage_is_billed_by_the_millisecond(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    stages = document(said, "last")["stages"]

    # 70.1 ms of work and 400 ms of initialisation, rounded up.
    assert {stage["billed_seconds"] for stage in stages} == {0.471}
    assert [stage["stage"] for stage in stages][-1] == "write"


def test_a_lookup_tells_its_missing_keys(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)
    missing = {
        "name": "planes",
        "on": ["tailnum"],
        "masked": False,
        "exact": True,
        "distinct_missing": 2,
        "top_missing": [[["N725MQ"], 1], [["N1"], 1]],
    }
    key = f"profiles/flights/{RUN}/enrich.json"
    put_json(target, key, {"stage": "enrich", "rows": 8, "lookups": [missing]})

    planes = document(said, "last")["lookups"][0]

    assert planes["top_missing"] == missing["top_missing"]
    assert (planes["matched"], planes["unmatched"], planes["missing_key"]) == (5, 2, 1)


def test_profiles_become_columns(target: Target, service: FakeStepFunctions, said: Any) -> None:
    put_run(target, service)
    for stage, names in {"validate": "ab", "write": "bc"}.items():
        key = f"profiles/flights/{RUN}/{stage}.json"
        put_json(target, key, profile(stage, *map(column, names)))

    columns = document(said, "last")["columns"]

    assert {one["name"]: one["became"] for one in columns["columns"]} == {
        "b": "kept",
        "c": "added",
        "a": "dropped",
    }


def test_a_run_without_profiles_says_so(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)

    columns = document(said, "last")["columns"]

    assert columns["columns"] == []
    assert "left no profiles" in columns["notice"]


def test_a_damaged_profile_is_named(target: Target, service: FakeStepFunctions, said: Any) -> None:
    put_run(target, service)
    key = f"profiles/flights/{RUN}/write.json"
    target.cloud.s3().put_object(Bucket=OUTPUT, Key=key, Body=b'{"rows"')

    assert document(said, "last")["missing"] == [key]


def test_a_deleted_quarantine_is_named(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_run(target, service)
    key = f"quarantine/flights/{RUN}/validate.jsonl"
    target.cloud.s3().delete_object(Bucket=OUTPUT, Key=key)

    found = document(said, "last")

    assert found["missing"] == [f"s3://{OUTPUT}/{key}"]
    assert found["rejects"]["rules"][0]["rows"] == 2


def test_who_may_not_read_values_sees_the_numbers(
    target: Target, service: FakeStepFunctions, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run(target, service)
    s3, read = target.cloud.s3(), target.cloud.s3().get_object

    def guarded(**asked: Any) -> Any:
        if asked["Key"].startswith(("profiles/", "quarantine/")):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return read(**asked)

    monkeypatch.setattr(s3, "get_object", guarded)

    found = document(said, "last")

    assert found["rows"]["rejected"] == 2
    assert len(found["missing"]) == 4  # three profiles and the quarantine


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (
            {"outcome": "ALREADY_PROCESSED", "rejects": {}},
            (
                "idle",
                "This version of the file was committed before; nothing was done again.",
                "Look at the rejected rows below.",
            ),
        ),
        (
            {"outcome": "IGNORED", "rows": {}, "rejects": {}},
            (
                "idle",
                "The object is no file, so that there was nothing to do.",
                "Nothing needs to be done.",
            ),
        ),
        (
            {
                "outcome": "SUCCEEDED",
                "rows": {"read": 2, "written": 2},
                "rejects": {},
                "merges": {"run_id": NOBODY, "rows": 2},
            },
            (
                "good",
                f"2 quarantined rows of the run {NOBODY} were processed again: "
                "2 rows read, 2 written.",
                "Nothing needs to be done.",
            ),
        ),
        (
            {
                "outcome": "SUCCEEDED",
                "rows": {"read": 2, "written": 2},
                "rejects": {},
                "checks": [{"rule": "nullValues", "outcome": "failed"}],
            },
            (
                "notice",
                "2 rows read, 2 written. 1 quality check missed.",
                "Look at the quality checks below; no row is missing because of them.",
            ),
        ),
    ],
    ids=["already processed", "no file", "merge", "checks missed"],
)
def test_the_outcome_in_a_sentence(
    target: Target,
    service: FakeStepFunctions,
    said: Any,
    told: dict[str, Any],
    outcome: tuple[str, str, str],
) -> None:
    put_execution(service, run_summary(**told))

    found = document(said, "last")["outcome"]

    assert (found["kind"], found["sentence"], found["next"]["words"]) == outcome


# --- Runs that failed ------------------------------------------------------------------------


def fail(service: FakeStepFunctions, told: dict[str, Any] | None = None) -> None:
    """Have an execution that failed in validate."""
    message = json.dumps({"message": "The file lacks 'b'.", "run": told or {}})
    cause = lambda_cause("MissingColumnError", message, '  File "core.py", line 7, in check')
    document = {"failure": {"error": "MissingColumnError", "message": message, "status_code": 400}}
    service.starts(
        NAME,
        "input/flights/f.csv",
        "e1",
        entered("Validate", 0),
        *failed_task(0, "MissingColumnError", cause),
        entered("Failed", 1, document, "Fail"),
        {"type": "ExecutionFailed", "timestamp": at(2)},
    )
    service.executions[0] |= {"status": "FAILED", "error": "MissingColumnError"}
    del service.executions[0]["output"]


def test_a_failed_run_tells_why_and_what_to_do(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    fail(service)

    found = document(said, "last")

    assert found["outcome"]["kind"] == "bad"
    assert found["error"]["message"] == "The file lacks 'b'."
    assert found["error"]["trace"] == ['  File "core.py", line 7, in check']
    assert [command.split(" ", 1)[1] for command in found["outcome"]["next"]["commands"]] == [
        f"dead-letters show {NAME}",
        f"dead-letters replay {NAME}",
    ]
    assert found["attempts"] == [
        {"state": "Validate", "error": "MissingColumnError", "seconds": 0.5}
    ]


def test_a_failed_run_is_found_by_its_id(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    fail(service, {"run_id": RUN, "dataset": "flights", "rows": {"read": 4}, "rejects": {}})

    found = document(said, RUN)

    assert (found["execution"]["name"], found["rows"]["read"]) == (NAME, 4)


def test_a_run_that_never_had_an_id_is_not_published(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    fail(service)

    status, _, err = said("last", "--publish")

    assert status == 2
    assert "Leave out --publish" in err


def test_a_run_that_goes_on_says_so(target: Target, service: FakeStepFunctions, said: Any) -> None:
    service.starts(NAME, "input/flights/f.csv", "e1", entered("Validate", 0))
    service.executions[0] |= {"status": "RUNNING"}
    for ended in ("output", "stopDate"):
        del service.executions[0][ended]

    found = document(said, "last")

    assert (found["outcome"]["kind"], found["execution"]["is_running"]) == ("busy", True)


def test_an_execution_about_nothing_has_a_page(
    target: Target, service: FakeStepFunctions, said: Any
) -> None:
    put_execution(service, {})
    service.executions[0]["input"] = "[]"

    status, out, _ = said("last")

    assert status == 0
    assert "unknown" in Path(out.strip()).name
