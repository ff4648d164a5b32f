from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from cli.console_process import ConsoleProcess
from cli.local_cloud import LocalCloud
from tests.end_to_end.cloud import PIPELINE, Cloud
from tests.end_to_end.samples import flight, flights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def opened(cloud: Cloud) -> Iterator[str]:
    """The address that the command tells."""
    ran = cloud.cli("console", "--json")
    assert ran.returncode == 0, ran.stderr
    yield json.loads(ran.stdout)["console_url"]
    ConsoleProcess(cloud.home).stop()


@pytest.fixture(scope="module")
def ran(cloud: Cloud, opened: str) -> subprocess.CompletedProcess[str]:
    """A run of a good file, while there is a console."""
    file = cloud.home / "watched" / "flights.csv"
    file.parent.mkdir()
    file.write_bytes(flights(flight(1)))
    return cloud.cli("run", file)


def latest(cloud: Cloud) -> str:
    return str(cloud.executions()[0]["name"])


def test_it_answers_at_the_address_that_it_tells(opened: str) -> None:
    with urllib.request.urlopen(f"{opened}executions") as answer:
        assert b"<h1>Executions</h1>" in answer.read()


def test_status_names_it(cloud: Cloud, opened: str) -> None:
    assert json.loads(cloud.cli("status", "--json").stdout)["console_url"] == opened


def test_a_run_ends_by_naming_its_page(
    cloud: Cloud, opened: str, ran: subprocess.CompletedProcess[str]
) -> None:
    last = ran.stdout.splitlines()[-1]

    assert last == f"See it in the console: {opened}executions/{latest(cloud)}"


def test_it_opens_at_an_execution(
    cloud: Cloud, opened: str, ran: subprocess.CompletedProcess[str]
) -> None:
    told = cloud.cli("console", "last", "--no-browser")

    assert told.stdout == f"{opened}executions/{latest(cloud)}\n"


def test_an_execution_that_is_not_there_is_told(cloud: Cloud, opened: str) -> None:
    told = cloud.cli("console", "never-was", "--no-browser")

    assert told.returncode == 2
    assert "there is no execution never-was" in told.stderr


@pytest.mark.parametrize(
    ("command", "display", "opens"),
    [
        ("console", ":0", True),
        ("console", "", False),
        ("console --no-browser", ":0", False),
        ("console --json", ":0", False),
    ],
)
def test_a_browser_is_opened_where_it_would_have_a_window(
    cloud: Cloud, tmp_path: Path, command: str, display: str, opens: bool
) -> None:
    asked_for = tmp_path / "asked for"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{asked_for}"\n')
    browser.chmod(0o755)
    variables = {"BROWSER": f"{browser} %s", "DISPLAY": display, "WAYLAND_DISPLAY": ""}

    told = cloud.cli(*command.split(), **variables)

    assert asked_for.exists() == opens
    assert not opens or asked_for.read_text() == told.stdout


def test_down_takes_it_along(tmp_path: Path) -> None:
    # GIVEN a local cloud and its console, without a stack
    local, console = LocalCloud(tmp_path), ConsoleProcess(tmp_path)
    try:
        with local.locked():
            local.start()
            serving = console.start("none")
        assert serving.answers()

        Cloud(tmp_path).stop()

        assert console.running() is None
        assert local.running() is None
        assert not serving.answers()
    finally:
        console.stop()
        local.stop()


@pytest.fixture
def of_an_account(cloud: Cloud, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The console of a profile, as for an AWS account, whose calls end up here."""
    config = tmp_path / "config"
    config.write_text(
        "[profile production]\nregion = us-east-1\naws_access_key_id = test\n"
        f"aws_secret_access_key = test\nendpoint_url = {cloud.status['endpoint_url']}\n"
    )
    own = {"AWS_CONFIG_FILE": str(config), "LAMBDA_PIPELINES_HOME": str(tmp_path / "none")}
    started = subprocess.Popen(
        [str(PIPELINE), "console", "--profile", "production", "--json"],
        env=cloud.environment() | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        yield started
        started.kill()


def first_document(lines: Any) -> Any:
    """Read lines until they are one JSON document."""
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            break
    return json.loads(text)


def test_that_of_an_account_asks_for_its_key_and_ends_with_control_c(
    of_an_account: subprocess.Popen[str],
) -> None:
    url = first_document(of_an_account.stdout)["console_url"]
    page, _, key = url.partition("?key=")

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(url) as answer:
        shown = answer.read().decode()

    assert (refused.value.code, len(key) > 30) == (403, True)
    refused.value.close()
    assert "production" in shown

    of_an_account.send_signal(signal.SIGINT)
    _, said = of_an_account.communicate(timeout=20)
    assert (of_an_account.returncode, said) == (0, "Stop it with Control-C.\n")


def test_beyond_this_machine_it_warns(cloud: Cloud, opened: str) -> None:
    told = cloud.cli("console", "--host", "0.0.0.0", "--no-browser")
    back = cloud.cli("console", "--host", "127.0.0.1", "--json")

    assert "Warning: whoever reaches 0.0.0.0 can reach the console" in told.stderr
    assert "?key=" in told.stdout
    assert json.loads(back.stdout)["console_url"] == opened
