"""A proxy between the functions and S3 that breaks the requests it is told to break.

The functions reach it by `AWS_ENDPOINT_URL_S3`, so what they meet is what a network does to them:
answers with a status, connections that close, bodies that end too early. Requests are passed on
byte for byte, `Host` included, so their signatures stay valid.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from tests.faults.processes import FunctionProcess, process_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDRESS: Final = "127.0.0.1"
HOP_BY_HOP: Final = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "transfer-encoding"}
)
"""Headers of one connection; the length is told anew."""
UPSTREAM_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05


class DroppedError(Exception):
    """The connection is to be closed without (the rest of) an answer."""


@dataclass
class Answer:
    """What S3, or the proxy in its place, answers."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Exchange:
    """One request on its way, and its answer once there is one.

    `say_wait` sends an interim response, after which a client's patience begins anew (RFC 9110,
    15.2): a request can then be held for longer than the SDK would wait for an answer.
    """

    method: str
    bucket: str
    key: str
    process: FunctionProcess | None
    pass_on: Callable[[], Answer]
    say_wait: Callable[[], None]
    answer: Answer | None = None
    is_cut: bool = False

    def forward(self) -> Answer:
        """Let S3 have the request, once."""
        self.answer = self.answer or self.pass_on()
        return self.answer


@dataclass
class Rule:
    """Which requests are touched, the how-manieth of them, and what happens to them.

    Parameters
    ----------
    key
        Pattern in the shell's manner.
    stage
        The stage whose function asks; empty for any.
    first, last
        The requests it acts on, counted from 1 among those that match; `last` None: all further.
    """

    action: Callable[[Exchange], None]
    method: str
    bucket: str
    key: str
    stage: str = ""
    first: int = 1
    last: int | None = None
    hits: list[Exchange] = field(default_factory=list)
    active: bool = True

    def matches(self, exchange: Exchange) -> bool:
        """Whether the rule is about such a request."""
        stage = exchange.process.stage if exchange.process else ""
        return (
            self.active
            and exchange.method == self.method
            and exchange.bucket == self.bucket
            and fnmatchcase(exchange.key, self.key)
            and self.stage in ("", stage)
        )

    def is_due(self) -> bool:
        """Whether the latest hit is one that the rule acts on."""
        return self.first <= len(self.hits) and (self.last is None or len(self.hits) <= self.last)


class Proxy:
    """Listens on a port of its own and passes requests on to S3, but for what its rules say.

    Parameters
    ----------
    upstream
        Port of the local cloud.
    server
        Process id of the local cloud, whose children ask.
    """

    def __init__(self, *, upstream: int, server: int) -> None:
        self.upstream = upstream
        self.server = server
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._http = _Server(self)

    @property
    def port(self) -> int:
        """Port that it listens on."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """Value for `AWS_ENDPOINT_URL_S3`."""
        return f"http://{ADDRESS}:{self.port}"

    def start(self) -> None:
        """Serve until stopped."""
        threading.Thread(target=self._http.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def stop(self) -> None:
        """Close the port; requests on their way end by themselves."""
        self._http.shutdown()
        self._http.server_close()

    def add(self, rule: Rule) -> Rule:
        """Put a rule after those that are there."""
        self._rules.append(rule)
        return rule

    def due(self, exchange: Exchange) -> Iterator[Rule]:
        """Yield the rules that act on a request; those that are added meanwhile, too."""
        for rule in self._rules:
            if rule.matches(exchange):
                with self._lock:
                    rule.hits.append(exchange)
                    due = rule.is_due()
                if due:
                    yield rule


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__((ADDRESS, 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that are killed leave broken pipes behind."""


class _Handler(BaseHTTPRequestHandler):
    """A connection, which belongs to one process for all of its life."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        proxy, port = self.server.proxy, self.client_address[1]
        self.process = process_behind(port, connected_to=proxy.port, server=proxy.server)

    def serve(self) -> None:
        exchange = self._exchange()
        try:
            for rule in self.server.proxy.due(exchange):
                rule.action(exchange)
            self._send(exchange.forward(), is_cut=exchange.is_cut)
        except (DroppedError, OSError):
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(SHUT_RDWR)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _exchange(self) -> Exchange:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        body = self._request_body()
        return Exchange(
            self.command,
            bucket,
            key,
            self.process,
            lambda: self._passed_on(body),
            self._say_wait,
        )

    def _say_wait(self) -> None:
        self.send_response_only(HTTPStatus.CONTINUE)
        self.end_headers()

    def _request_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _passed_on(self, body: bytes) -> Answer:
        upstream = HTTPConnection(ADDRESS, self.server.proxy.upstream, timeout=UPSTREAM_SECONDS)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    upstream.putheader(name, value)
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            upstream.close()

    def _send(self, answer: Answer, *, is_cut: bool) -> None:
        self.send_response_only(answer.status)
        # The length that S3 told stays: an answer to HEAD has one, and no body.
        told = {name.lower(): value for name, value in answer.headers}
        self.send_header("Content-Length", told.get("content-length", str(len(answer.body))))
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if is_cut else answer.body)
        if is_cut:
            self.wfile.flush()
            raise DroppedError
