from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from cli import trouble
from cli.errors import CliError
from cli.main import app, exit_status

if TYPE_CHECKING:
    from pathlib import Path

VERBS = [
    "up",
    "down",
    "status",
    "env",
    "run",
    "executions",
    "show",
    "cost",
    "definition",
    "check",
    "console",
    "report",
    "contract",
    "init",
    "query",
    "samples",
]
GROUPS = {
    "dead-letters": ["list", "show", "replay", "discard"],
    "quarantine": ["list", "show", "replay"],
}
GROUPED = [(group, verb) for group, verbs in GROUPS.items() for verb in verbs]


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMBDA_PIPELINES_HOME", str(tmp_path))
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return tmp_path


def lines(captured: Any) -> list[str]:
    assert captured.out == ""
    return str(captured.err).strip().splitlines()


def test_every_verb_is_there() -> None:
    assert sorted(str(command.callback.__name__) for command in app.registered_commands) == sorted(
        VERBS
    )


def test_every_group_has_its_verbs() -> None:
    found = {
        group.name: [command.name for command in group.typer_instance.registered_commands]
        for group in app.registered_groups
        if group.typer_instance is not None
    }
    assert found == GROUPS


@pytest.mark.parametrize("verb", [*((verb,) for verb in VERBS), *GROUPED], ids=" ".join)
def test_every_verb_explains_itself_with_an_example(verb: tuple[str, ...], capsys: Any) -> None:
    assert exit_status([*verb, "--help"]) == 0

    said = capsys.readouterr().out
    assert "For example:" in said
    assert "--json" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["env"],
        ["executions"],
        ["show", "last"],
        ["definition"],
        ["status", "--json"],
        ["dead-letters", "list"],
        ["dead-letters", "replay", "--all"],
        ["quarantine", "show", "last"],
    ],
)
def test_without_a_cloud_one_line_says_how_to_start_it(arguments: list[str], capsys: Any) -> None:
    assert exit_status(arguments) == 2

    assert lines(capsys.readouterr()) == [
        "error: the local cloud is not running. Start it: pipeline up"
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fly"], "No such command 'fly'. See: pipeline --help"),
        (["show"], "Missing argument 'execution'. See: pipeline show --help"),
        (["quarantine"], "Missing command. See: pipeline quarantine --help"),
        (["dead-letters", "replay"], "name the letters to replay. Either ids, or --all"),
        (["dead-letters", "replay", "x", "--all"], "name the letters to replay."),
        (["dead-letters", "discard", "x"], "nothing was deleted, for nobody here can be asked."),
        (["run", "/not/there.csv"], "/not/there.csv is not there."),
        (["run", "/"], "/ is a folder, not a file."),
        (["status", "--profile", "nobody"], "nobody"),
        (["status", "--profile", ""], ""),
        (["up", "--port", "99999"], "--port"),
        (["executions", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_use_ends_in_one_line(arguments: list[str], said: str, capsys: Any) -> None:
    assert exit_status(arguments) == 2

    [line] = lines(capsys.readouterr())
    assert line.startswith("error: ")
    assert said in line


def test_a_shell_that_points_at_the_local_cloud_is_not_used_for_aws(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    assert exit_status(["status", "--region", "eu-west-1"]) == 2

    assert "unset AWS_ENDPOINT_URL" in lines(capsys.readouterr())[0]


def test_a_pid_file_that_names_a_strangers_process_is_not_believed(
    nothing_runs: Path, capsys: Any
) -> None:
    # GIVEN the number of a process that lives but is not ours
    (nothing_runs / "cloud.json").write_text(json.dumps({"pid": 1, "port": 9}))

    # THEN it is neither used nor stopped
    assert exit_status(["status"]) == 2
    assert "not running" in capsys.readouterr().err
    assert exit_status(["down"]) == 0
    assert "was not running" in capsys.readouterr().err
    assert not (nothing_runs / "cloud.json").exists()


def test_a_port_in_use_is_told(capsys: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert exit_status(["up", "--port", str(port)]) == 2

    assert f"error: port {port} is not free." in lines(capsys.readouterr())[-1]


def test_check_names_an_unknown_dataset(capsys: Any) -> None:
    assert exit_status(["check", "flihgts"]) == 2

    said = capsys.readouterr()
    assert "error: there is no dataset 'flihgts'" in said.out
    assert said.err.strip() == "1 errors, 0 other findings"


def test_check_finds_nothing_wrong_with_the_datasets_here(capsys: Any) -> None:
    assert exit_status(["check", "--json"]) == 0

    findings = json.loads(capsys.readouterr().out)
    assert [finding for finding in findings if finding["severity"] == "error"] == []


def test_down_is_idempotent_and_speaks_json(capsys: Any) -> None:
    assert exit_status(["down", "--json"]) == 0

    assert json.loads(capsys.readouterr().out) == {"stopped": False}


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CliError("no", "Do this"), "no. Do this"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"),
            "PutObject was refused with AccessDenied: no. "
            "The signed-in identity lacks this right; ask for it",
        ),
        (
            ClientError({"Error": {"Code": "Throttling", "Message": "slow\ndown"}}, "ListX"),
            "ListX was refused with Throttling: slow down",
        ),
    ],
)
def test_foreseeable_errors_become_one_line(error: Exception, line: str) -> None:
    assert trouble.line(error) == line


@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        (NoCredentialsError(), "aws sso login"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "pipeline up"),
        (ClientError({"Error": {"Code": "ExpiredToken"}}, "GetObject"), "aws sso login"),
        (FileNotFoundError(2, "No such file", "x.csv"), "x.csv: No such file"),
    ],
)
def test_they_say_what_to_do_next(error: Exception, next_step: str) -> None:
    assert next_step in (trouble.line(error) or "")


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    assert trouble.line(ZeroDivisionError()) is None


@pytest.mark.parametrize(
    ("asked", "detail", "series"),
    [((), "stages", 61 + 21), (("--metrics", "runs"), "runs", 11 + 21)],
    ids=["default", "runs"],
)
def test_a_plan_without_a_cloud_counts_the_metrics_that_are_asked_for(
    capsys: Any, asked: tuple[str, ...], detail: str, series: int
) -> None:
    # GIVEN a file an hour and more, so that each metric is billed for the whole month
    plan = ("--files", "730", "--size", "1MB", "--json")

    assert exit_status(["cost", "--forecast", *plan, *asked]) == 0

    made = json.loads(capsys.readouterr().out)
    (metrics,) = [line for line in made["standing"]["lines"] if line["item"] == "metric_month"]
    assert (made["metrics"], metrics["quantity"]) == (detail, series)
