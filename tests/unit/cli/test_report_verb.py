"""`pipeline report` as it is typed, over what real buckets would answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.events import at, entered, failed_task, lambda_cause
from tests.unit.cli.moto_target import OUTPUT, put_json
from tests.unit.cli.report_samples import (
    NAME,
    RUN,
    document,
    put_execution,
    put_run,
    report_of,
    run_summary,
)

if TYPE_CHECKING:
    from cli.target import Target
    from tests.unit.cli.fakes import FakeStepFunctions

NOBODY = "0" * 32


pytestmark = pytest.mark.usefixtures("home")


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
