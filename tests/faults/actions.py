"""What the proxy can do to a request."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from tests.faults.proxy import Answer, DroppedError, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD_SECONDS: Final = 240.0
"""Below a function's timeout: what is held for longer was forgotten."""
WAIT_SECONDS: Final = 5.0
"""Below any client's patience with a silent server."""


def refuse(status: int, code: str) -> Callable[[Exchange], None]:
    """Answer in S3's place with an error."""

    def act(exchange: Exchange) -> None:
        body = f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        exchange.answer = Answer(status, headers, body)

    return act


def drop(_exchange: Exchange) -> None:
    """Close the connection without an answer; S3 never sees the request."""
    raise DroppedError


def lose_answer(exchange: Exchange) -> None:
    """Let S3 do what is asked, and close the connection instead of saying so."""
    exchange.forward()
    raise DroppedError


def cut(exchange: Exchange) -> None:
    """Close the connection in the middle of the answer's body."""
    exchange.forward()
    exchange.is_cut = True


def kill(exchange: Exchange) -> None:
    """Kill the process that asks; S3 never sees the request."""
    assert exchange.process is not None, "the request comes from no function"
    exchange.process.kill()
    raise DroppedError


def kill_after(exchange: Exchange) -> None:
    """Let S3 do what is asked, then kill the process before it knows."""
    exchange.forward()
    kill(exchange)


def pass_by(_exchange: Exchange) -> None:
    """Do nothing: the rule only keeps who asked."""


def call(function: Callable[[], object]) -> Callable[[Exchange], None]:
    """Have the test do something before the request goes on."""

    def act(_exchange: Exchange) -> None:
        function()

    return act


class Gate:
    """An action that holds requests until it is opened."""

    def __init__(self) -> None:
        self._opened = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        """Wait for the opening, however busy the machine, without the client giving up."""
        until = time.monotonic() + HOLD_SECONDS
        while not self._opened.wait(WAIT_SECONDS):
            assert time.monotonic() < until, "nobody opened the gate"
            exchange.say_wait()

    def open(self) -> None:
        """Let all requests go on, those to come too."""
        self._opened.set()
