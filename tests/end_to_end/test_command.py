from __future__ import annotations

import json
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.constants import STAGES, state_name
from tests.end_to_end.cloud import PIPELINE
from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.cloud import Cloud


@pytest.fixture(scope="module")
def good(cloud: Cloud) -> Path:
    file = cloud.home / "good" / "flights.csv"
    file.parent.mkdir()
    file.write_bytes(flights(flight(1), flight(2)))
    return file


@pytest.fixture(scope="module")
def empty(cloud: Cloud) -> Path:
    file = cloud.home / "flights.empty.csv"
    file.touch()
    return file


@pytest.fixture(scope="module")
def failure(cloud: Cloud, empty: Path) -> dict[str, Any]:
    """The record of a run that failed."""
    ran = cloud.cli("run", empty, "--json")
    assert ran.returncode == 1
    record: dict[str, Any] = json.loads(ran.stdout)[0]
    return record


def test_up_again_changes_nothing(cloud: Cloud) -> None:
    again = cloud.cli("up", "--no-console", "--json")

    assert json.loads(again.stdout) == cloud.status
    assert "Deploying" not in again.stderr
    assert "Starting" not in again.stderr


def test_status_has_the_documented_fields(cloud: Cloud) -> None:
    documented = (
        "endpoint_url region stack input_bucket output_bucket staging_bucket state_machine_arn "
        "dead_letter_queue_url alert_topic_arn"
    )

    status = json.loads(cloud.cli("status", "--json").stdout)

    assert all(status[name] for name in documented.split())
    assert status["endpoint_url"] in cloud.cli("status").stdout


def test_env_points_a_shell_at_the_cloud(cloud: Cloud) -> None:
    script = f'eval "$({shlex.quote(str(PIPELINE))} env)"; echo "$AWS_ENDPOINT_URL $INPUT_BUCKET"'

    said = subprocess.run(
        ["bash", "-c", script],
        env={"LAMBDA_PIPELINES_HOME": str(cloud.home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.split() == [cloud.status["endpoint_url"], cloud.status["input_bucket"]]


def test_a_good_run_is_shown_stage_by_stage(cloud: Cloud, good: Path) -> None:
    ran = cloud.cli("run", good)

    assert ran.returncode == 0, ran.stderr
    told = [line.split()[1] for line in ran.stderr.splitlines() if line.startswith("✓")]
    assert told == list(STAGES)
    assert "SUCCEEDED" in ran.stdout
    assert "read 2 = written 2 + rejected 0" in ran.stdout


def test_the_command_that_it_tells_to_look_at_the_output_works(cloud: Cloud, good: Path) -> None:
    lines = [line.strip() for line in cloud.cli("run", good).stdout.splitlines()]
    command = lines[lines.index("Look at the output:") + 1]

    said = subprocess.run(
        ["bash", "-ec", command],
        env={"LAMBDA_PIPELINES_HOME": str(cloud.home), "PATH": "/usr/bin:/bin"},
        cwd=PIPELINE.parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert said.split()[:2] == ["year", "month"]


def test_several_files_are_followed_together(cloud: Cloud, good: Path, empty: Path) -> None:
    ran = cloud.cli("run", good, empty, "--json")

    assert ran.returncode == 1
    first, second = json.loads(ran.stdout)
    assert first["status"] == "SUCCEEDED"
    assert "error" not in first
    assert second["status"] == "FAILED"


def test_a_failed_run_says_what_and_what_next(cloud: Cloud, empty: Path) -> None:
    ran = cloud.cli("run", empty)

    assert ran.returncode == 1
    assert "EmptyFileError (400)" in ran.stdout
    assert "what to do" in ran.stdout
    assert cloud.status["dead_letter_queue_url"] in ran.stdout
    assert "✗ validate" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_failed_run_has_its_error_in_the_record(failure: dict[str, Any]) -> None:
    assert failure["status"] == "FAILED"
    assert failure["error"].keys() == {"stage", "name", "message", "status_code"}
    assert failure["error"]["stage"] == "validate"
    assert failure["error"]["name"] == "EmptyFileError"
    assert failure["error"]["status_code"] == 400


def test_an_unknown_dataset_fails_in_the_cloud_too(cloud: Cloud, good: Path) -> None:
    ran = cloud.cli("run", good, "--dataset", "nothing", "--json")

    assert ran.returncode == 1
    assert "Warning: there is no dataset nothing here" in ran.stderr
    assert json.loads(ran.stdout)[0]["error"]["name"] == "UnknownDatasetError"


def test_executions_lists_the_latest_first(cloud: Cloud, failure: dict[str, Any]) -> None:
    listed = json.loads(cloud.cli("executions", "--json").stdout)
    failed = json.loads(cloud.cli("executions", "--json", "--status", "FAILED").stdout)
    one = json.loads(cloud.cli("executions", "--json", "--limit", "1").stdout)

    starts = [item["started_at"] for item in listed]
    assert starts == sorted(starts, reverse=True)
    assert failure["execution_arn"] in [item["execution_arn"] for item in failed]
    assert {item["status"] for item in failed} == {"FAILED"}
    assert one == listed[:1]
    assert failed[0]["name"] in cloud.cli("executions").stdout


def test_show_knows_an_execution_by_name_and_arn(cloud: Cloud, failure: dict[str, Any]) -> None:
    arn = failure["execution_arn"]
    by_arn = json.loads(cloud.cli("show", arn, "--json").stdout)
    by_name = json.loads(cloud.cli("show", arn.rsplit(":", 1)[-1], "--json").stdout)

    assert by_arn == by_name
    assert by_arn["error"] == failure["error"]
    attempts = {state["name"]: state["attempts"] for state in by_arn["states"]}
    assert [attempt["error"] for attempt in attempts["Validate"]] == ["EmptyFileError"]
    assert attempts["Validate"][0]["trace"]


def test_show_is_readable(cloud: Cloud, failure: dict[str, Any]) -> None:
    said = cloud.cli("show", failure["execution_arn"]).stdout

    assert "EmptyFileError in validate" in said
    assert failure["source"]["key"] in said
    assert '"detail-type": "Object Created"' in said
    assert 'File "' in said


def test_show_last_and_an_unknown_one(cloud: Cloud, failure: dict[str, Any]) -> None:
    assert failure
    unknown = cloud.cli("show", "never-was")

    assert cloud.cli("show", "last").returncode == 0
    assert unknown.returncode == 2
    assert unknown.stdout == ""
    assert "there is no execution never-was" in unknown.stderr


def test_the_definition_has_every_name_resolved(cloud: Cloud) -> None:
    said = cloud.cli("definition").stdout
    states = json.loads(said)["States"]

    assert "${" not in said
    for stage in STAGES:
        task = states[state_name(stage)]
        assert "arn:aws:lambda:" in json.dumps(task)
        assert task["Retry"]
        assert task["Catch"]


def test_a_profile_leads_to_another_cloud(cloud: Cloud, good: Path, tmp_path: Path) -> None:
    # GIVEN a profile, as for an AWS account, whose calls end up here, and no local cloud
    config = tmp_path / "config"
    config.write_text(
        "[profile production]\nregion = us-east-1\naws_access_key_id = test\n"
        f"aws_secret_access_key = test\nendpoint_url = {cloud.status['endpoint_url']}\n"
    )
    settings = {"AWS_CONFIG_FILE": str(config), "LAMBDA_PIPELINES_HOME": str(tmp_path / "none")}

    ran = cloud.cli("run", good, "--profile", "production", **settings)
    status = cloud.cli("status", "--profile", "production", "--json", **settings)

    assert ran.returncode == 0, ran.stderr
    assert 'FROM flights LIMIT 10" --profile production --region us-east-1' in ran.stdout
    assert "pipeline down" not in ran.stdout
    assert json.loads(status.stdout)["input_bucket"] == cloud.status["input_bucket"]
    assert json.loads(status.stdout)["endpoint_url"] is None


def test_an_interrupted_follower_leaves_the_run_alone(cloud: Cloud, good: Path) -> None:
    started = subprocess.Popen(
        [str(PIPELINE), "run", str(good)],
        env=cloud.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        assert started.stderr
        assert next(line for line in started.stderr if line.startswith("Uploaded"))
        started.send_signal(signal.SIGINT)
        said = started.stderr.read()

    assert started.returncode == 130
    assert "interrupted; what runs in the cloud goes on." in said
    assert "Traceback" not in said


def test_an_unknown_stack_is_told(cloud: Cloud) -> None:
    ran = cloud.cli("status", "--stack", "Other")

    assert ran.returncode == 2
    assert "there is no stack Other" in ran.stderr
