"""The proxy against a server of the test's own: what it passes on, and what it breaks."""

from __future__ import annotations

import threading
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.faults import actions
from tests.faults.actions import Gate, call, cut, drop, lose_answer, refuse
from tests.faults.proxy import ADDRESS, Exchange, Proxy, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Client = Callable[..., tuple[int, bytes]]

BODY = b"0123456789"


class Upstream(BaseHTTPRequestHandler):
    """Answers with its ten bytes, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, dict[str, str], bytes]]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    do_PUT = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    Upstream.asked = []
    upstream = HTTPServer((ADDRESS, 0), Upstream)
    threading.Thread(target=upstream.serve_forever, args=(0.05,), daemon=True).start()
    proxy = Proxy(upstream=upstream.server_port, server=0)
    proxy.start()
    yield proxy
    proxy.stop()
    upstream.shutdown()
    upstream.server_close()


@pytest.fixture
def ask(proxy: Proxy) -> Client:
    """`ask("GET", "/bucket/key")` is the status and the body of the proxy's answer."""

    def answer(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection(ADDRESS, proxy.port, timeout=5)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    return answer


def of_gets(action: Callable[[Exchange], None], *, last: int | None = None) -> Rule:
    return Rule(action, "GET", "bucket", "folder/*", last=last)


def test_a_request_is_passed_on_as_it_is(ask: Client) -> None:
    answer = ask("PUT", "/bucket/a%20b%2B.csv?partNumber=1", b"rows", Host="signed.example")

    assert answer == (200, BODY)
    ((method, path, headers, body),) = Upstream.asked
    assert (method, path, body) == ("PUT", "/bucket/a%20b%2B.csv?partNumber=1", b"rows")
    assert headers["Host"] == "signed.example"


def test_a_chunked_body_arrives_whole(proxy: Proxy) -> None:
    connection = HTTPConnection(ADDRESS, proxy.port, timeout=5)
    connection.request("PUT", "/bucket/key", iter([b"one ", b"two"]), encode_chunked=True)
    connection.getresponse().read()
    connection.close()

    assert Upstream.asked[0][3] == b"one two"


def test_a_rule_acts_on_its_turns_only(proxy: Proxy, ask: Client) -> None:
    rule = proxy.add(Rule(refuse(503, "SlowDown"), "GET", "bucket", "f/*", first=2, last=3))

    statuses = [ask("GET", "/bucket/f/key")[0] for _ in range(4)]

    assert statuses == [200, 503, 503, 200]
    assert len(rule.hits) == 4
    assert len(Upstream.asked) == 2


@pytest.mark.parametrize("path", ["/other/folder/key", "/bucket/elsewhere/key"])
def test_other_requests_go_through(proxy: Proxy, ask: Client, path: str) -> None:
    proxy.add(of_gets(drop))

    assert ask("GET", path) == (200, BODY)
    assert ask("PUT", "/bucket/folder/key") == (200, BODY)


def test_an_error_has_the_shape_of_s3(proxy: Proxy, ask: Client) -> None:
    proxy.add(of_gets(refuse(500, "InternalError")))

    status, body = ask("GET", "/bucket/folder/key")

    assert status == 500
    assert b"<Error><Code>InternalError</Code>" in body


def test_a_dropped_request_is_never_seen(proxy: Proxy, ask: Client) -> None:
    proxy.add(of_gets(drop))

    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        ask("GET", "/bucket/folder/key")
    assert Upstream.asked == []


def test_a_lost_answer_is_one_to_a_request_that_was_done(proxy: Proxy, ask: Client) -> None:
    proxy.add(of_gets(lose_answer))

    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        ask("GET", "/bucket/folder/key")
    assert len(Upstream.asked) == 1


def test_a_body_is_cut_in_the_middle(proxy: Proxy, ask: Client) -> None:
    proxy.add(of_gets(cut))

    with pytest.raises(IncompleteRead) as caught:
        ask("GET", "/bucket/folder/key")
    assert caught.value.partial == BODY[:5]


def test_a_gate_holds_until_it_is_opened(proxy: Proxy, ask: Client) -> None:
    gate = Gate()
    proxy.add(of_gets(gate))
    answers: list[tuple[int, bytes]] = []
    held = threading.Thread(target=lambda: answers.append(ask("GET", "/bucket/folder/key")))
    held.start()
    held.join(0.2)
    assert answers == []

    gate.open()
    held.join(5)
    assert answers == [(200, BODY)]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_gate_outlasts_a_clients_patience(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(actions, "WAIT_SECONDS", 0.1)
    gate = Gate()
    proxy.add(Rule(gate, method, "bucket", "key"))
    opening = threading.Timer(1.0, gate.open)
    opening.start()
    connection = HTTPConnection(ADDRESS, proxy.port, timeout=0.5)

    connection.request(method, "/bucket/key", b"rows")

    assert connection.getresponse().read() == BODY
    connection.close()
    opening.join()


def test_a_rule_that_is_added_while_a_request_is_held_meets_it(proxy: Proxy, ask: Client) -> None:
    proxy.add(of_gets(call(lambda: proxy.add(of_gets(refuse(503, "SlowDown")))), last=1))

    assert ask("GET", "/bucket/folder/key")[0] == 503
