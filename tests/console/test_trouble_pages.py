from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from cli.console_process import LOOPBACK
from cli.errors import CliError
from cli.paths import DATASETS, ENV_HOME
from cli.target import Where
from console import app as shell
from console.app import application
from console.workspace import Console
from tests.console.conftest import BASE_URL, OpenConsole, over
from tests.console.service import Service, executions

if TYPE_CHECKING:
    from pathlib import Path

    from cli.target import Target


def client_of(console: Console) -> TestClient:
    app = application(console, LOOPBACK)
    return TestClient(app, base_url=BASE_URL, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/nowhere", "/static/nothing.css", "/executions/x/nothing"])
def test_a_page_that_there_is_not(open_console: OpenConsole, path: str) -> None:
    answer = open_console(over(Service())).get(path)

    assert answer.status_code == 404
    assert f"There is no page {path} here" in answer.text


def test_an_unknown_execution_is_not_found(open_console: OpenConsole) -> None:
    answer = open_console(over(Service())).get("/executions/nobody")

    assert answer.status_code == 404
    assert "there is no execution nobody" in answer.text


def test_a_method_that_a_page_does_not_take(open_console: OpenConsole) -> None:
    answer = open_console(over(Service())).delete("/executions")

    assert answer.status_code == 405
    assert "/executions takes no DELETE" in answer.text


def test_a_local_cloud_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_HOME, str(tmp_path))

    answer = client_of(Console(Where(), DATASETS)).get("/executions")

    assert answer.status_code == 503
    assert "the local cloud is not running. Start it:" in answer.text


def test_a_local_cloud_that_was_started_anew_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a console that has shown the executions of a local cloud
    monkeypatch.setenv(ENV_HOME, str(tmp_path))
    record = tmp_path / "cloud.json"
    record.write_text('{"pid": 1, "port": 1000}')
    clouds: list[Target] = [over(executions(3))]
    client = client_of(Console(Where(), DATASETS, opening=lambda _where: clouds[0]))
    assert "day-0002" in client.get("/executions").text

    # WHEN another one takes its place on another port
    clouds[0] = over(executions(1))
    record.write_text('{"pid": 2, "port": 2000}')

    # THEN the next page is of that one only
    html = client.get("/executions").text
    assert "day-0000" in html
    assert "day-0002" not in html


def test_one_that_was_away_for_a_moment_is_opened_anew_and_nothing_read_twice() -> None:
    # GIVEN an account whose executions are known
    before, after = executions(3), executions(4)
    services = [before, after]
    console = Console(
        Where(region="us-east-1"), DATASETS, opening=lambda _where: over(services.pop(0))
    )
    client = client_of(console)
    client.get("/executions")

    # WHEN a page could not reach it
    console.forget()
    html = client.get("/executions").text
    console.workspace().index.refresh()

    # THEN it has new clients, and the old knowledge
    assert "day-0002" in html
    assert [one.name for one in console.workspace().index.listed()][3] == "run-0003"
    assert (before.asked["describe"], after.asked["describe"]) == (3, 1)
    console.workspace().index.stop()


def test_trouble_on_opening_is_told_until_it_is_over() -> None:
    answers: list[Any] = [CliError("there is no stack X", "Deploy it"), over(executions(2))]

    def opening(_where: Where) -> Target:
        answer = answers.pop(0)
        if isinstance(answer, CliError):
            raise answer
        found: Target = answer
        return found

    console = Console(Where(region="us-east-1"), DATASETS, opening=opening)
    client = client_of(console)

    refused = client.get("/executions")
    assert (refused.status_code, "there is no stack X. Deploy it" in refused.text) == (503, True)
    assert client.get("/executions").status_code == 200
    console.workspace().index.stop()


def test_a_fault_of_the_consoles_own_is_a_page_with_its_trace(open_console: OpenConsole) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise LookupError(f"<b>{name}</b>")

    answer = open_console(over(Broken()), raising=False).get("/executions/anything")

    assert answer.status_code == 500
    assert "LookupError: &lt;b&gt;describe_execution&lt;/b&gt;" in answer.text
    assert "Traceback (most recent call last)" in answer.text
    assert "<details" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_libraries_that_are_not_installed_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_console: OpenConsole
) -> None:
    monkeypatch.setattr(shell, "NODE_MODULES", tmp_path)

    answer = open_console(over(executions(2))).get("/executions")

    assert answer.status_code == 200
    assert "htmx.org, @dagrejs/dagre cannot be found" in answer.text
    assert "make setup" in answer.text
    assert "/lib/htmx.org" not in answer.text


@pytest.mark.parametrize("library", ["htmx.org/htmx.min.js", "@dagrejs/dagre/dagre.min.js"])
def test_libraries_are_served_from_where_npm_puts_them(
    open_console: OpenConsole, library: str
) -> None:
    assert open_console(over(Service())).get(f"/lib/{library}").status_code == 200


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_comes_in_the_theme_that_was_chosen(open_console: OpenConsole, theme: str) -> None:
    answer = open_console(over(Service())).get("/executions", headers={"cookie": f"theme={theme}"})

    assert f'<html lang="en" data-theme="{theme}">' in answer.text


def test_an_odd_theme_is_none(open_console: OpenConsole) -> None:
    answer = open_console(over(Service())).get("/executions", headers={"cookie": 'theme="><b>'})

    assert '<html lang="en">' in answer.text
