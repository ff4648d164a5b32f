"""Life and death of the console's process beside the local cloud, and who may ask it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from cli import console_process
from cli.console_process import ConsoleProcess, listening_at
from cli.errors import CliError
from cli.process import command_line, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALL_INTERFACES = "0.0.0.0"
FORBIDDEN = 403


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleProcess]:
    home = tmp_path / "a home with spaces"
    home.mkdir()
    console = ConsoleProcess(home)
    yield console
    console.stop()


def asked(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def test_it_starts_once_and_stops_once(console: ConsoleProcess) -> None:
    started = console.start("a")

    assert console.start("a") == started
    assert console.running() == started
    assert started.answers()
    assert console.stop()
    assert not console.stop()
    assert console.running() is None
    assert not is_ours(started.pid, ())
    assert not started.answers()


def test_it_comes_back_where_it_was(console: ConsoleProcess) -> None:
    first = console.start("a")
    console.stop()

    assert console.start("a").url() == first.url()


def test_if_its_port_is_taken_it_takes_another(console: ConsoleProcess) -> None:
    usual = console.start("a").port
    console.stop()

    with listening_at("127.0.0.1", usual):
        assert console.start("a").port != usual


def test_two_live_side_by_side(console: ConsoleProcess, tmp_path: Path) -> None:
    other = ConsoleProcess(tmp_path)
    try:
        assert other.start("a").port != console.start("a").port
    finally:
        other.stop()
    assert console.running()


def test_one_that_was_killed_is_started_anew(console: ConsoleProcess) -> None:
    first = console.start("a")
    os.killpg(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)

    assert console.running() is None
    assert console.start("a").pid != first.pid


def test_new_code_and_another_stack_need_a_new_process_at_the_same_place(
    console: ConsoleProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = console.start("a")
    second = console.start("b")
    monkeypatch.setattr(console_process, "console_fingerprint", lambda _project: "of new code")
    third = console.start("b")

    assert len({first.pid, second.pid, third.pid}) == 3
    assert first.url() == second.url() == third.url()
    assert not is_ours(first.pid, ())
    assert not is_ours(second.pid, ())


def test_a_port_that_is_asked_for_must_be_free(console: ConsoleProcess) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(CliError, match="the console cannot listen on"),
    ):
        console.start("a", port=taken.getsockname()[1])


def test_an_address_of_another_machine_is_refused(console: ConsoleProcess) -> None:
    # RFC 5737: no machine has it.
    with pytest.raises(CliError) as refused:
        console.start("a", host="192.0.2.1")

    assert refused.value.next_step == "Leave --host out and only this machine can reach it"


def test_beyond_loopback_only_who_has_the_key_is_answered(console: ConsoleProcess) -> None:
    started = console.start("a", host=ALL_INTERFACES)

    assert started.key
    assert f"?key={started.key}" in started.opening()
    assert started.key not in started.url()
    assert asked(started.port, "/executions").status == FORBIDDEN
    assert asked(started.port, "/executions?key=guessed").status == FORBIDDEN
    opened = asked(started.port, f"/executions?key={started.key}")
    assert opened.status in (302, 303, 307)
    assert "HttpOnly" in str(opened.headers["set-cookie"])


def test_nobody_else_on_the_machine_can_read_the_key(console: ConsoleProcess) -> None:
    started = console.start("a", host=ALL_INTERFACES)

    assert started.key
    assert started.key not in command_line(started.pid)
    assert console.state_file.stat().st_mode & 0o077 == 0


def test_a_key_is_not_read_in_a_file_that_was_open_to_all(console: ConsoleProcess) -> None:
    console.forgo()
    console.state_file.chmod(0o644)

    assert console.start("a", host=ALL_INTERFACES).key
    assert console.state_file.stat().st_mode & 0o077 == 0


def test_a_cloud_that_does_without_keeps_to_it_until_one_is_asked_for(
    console: ConsoleProcess,
) -> None:
    assert console.is_wanted()
    console.forgo()
    assert not console.is_wanted()
    assert console.running() is None

    started = console.start("a")
    console.forgo()

    assert console.is_wanted()
    assert console.running() == started


@pytest.mark.parametrize("state", ["", "[]", "null", '{"pid": 1}', '{"pid": "x"}'])
def test_a_damaged_record_is_no_console(console: ConsoleProcess, state: str) -> None:
    console.state_file.write_text(state)

    assert console.running() is None
