"""Faults between the functions and S3: a process that dies, answers that are lost or are refusals.

They strike at the n-th request, so that a test can go through all of them.
"""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client

WRITES = frozenset({"PutObject", "CompleteMultipartUpload", "DeleteObject"})
"""Requests after which something is otherwise than before."""


class Killed(BaseException):
    """The process is gone; nothing in it may catch this to clean up."""


class Faults:
    """Counts a client's requests and breaks some of them."""

    def __init__(self, s3: S3Client) -> None:
        self._events = s3.meta.events
        self._lock = threading.Lock()
        self._handlers: list[tuple[str, Callable[..., Any]]] = []
        self.sent: list[str] = []
        self._on("before-send.s3", self._count)

    def close(self) -> None:
        """Take all faults back; the client is used again."""
        for event, handler in self._handlers:
            self._events.unregister(event, handler)

    def _on(self, event: str, handler: Callable[..., Any]) -> None:
        self._events.register_first(event, handler)
        self._handlers.append((event, handler))

    def _count(self, request: Any, **_: Any) -> None:
        self.sent.append(f"{request.method} {request.url.partition('?')[0]}")

    @contextmanager
    def killed_at(self, number: int) -> Iterator[list[str]]:
        """Let the process die when it begins its n-th request, counted from 1.

        Yields the names of the requests that were made. From the fatal one on, no thread of the
        process reaches S3 any more, so that whatever cleans up in it has no effect.
        """
        made: list[str] = []

        def dies(model: Any, **_: Any) -> None:
            with self._lock:
                if len(made) + 1 >= number:
                    raise Killed
                made.append(model.name)

        with self._struck("before-call.s3", dies):
            yield made

    @contextmanager
    def answer_lost_at(self, number: int) -> Iterator[list[str]]:
        """Let the n-th write be done but its first answer be lost: the SDK sends it again."""
        struck: list[str] = []
        writes = itertools.count(1)

        def lost(parsed_response: Any, event_name: str, **_: Any) -> None:
            operation = event_name.rpartition(".")[2]
            if operation in WRITES and parsed_response is not None and next(writes) == number:
                struck.append(operation)
                parsed_response.clear()
                parsed_response["Error"] = {"Code": "RequestTimeout", "Message": "no answer"}
                parsed_response["ResponseMetadata"] = {"HTTPStatusCode": 400}

        with self._struck("response-received.s3", lost):
            yield struck

    @contextmanager
    def all_answers_lost_at(self, number: int) -> Iterator[list[str]]:
        """Let the n-th write be done and none of its answers arrive."""
        struck: list[str] = []
        writes = itertools.count(1)

        def lost(model: Any, **_: Any) -> None:
            if model.name in WRITES and next(writes) == number:
                struck.append(model.name)
                raise ReadTimeoutError(endpoint_url="https://s3")

        with self._struck("after-call.s3", lost):
            yield struck

    @contextmanager
    def answering(self, operation: str, status: int, code: str = "") -> Iterator[list[str]]:
        """Let S3 answer every request of an operation with a status; yields those requests."""
        asked: list[str] = []
        body = f"<Error><Code>{code}</Code><Message>m</Message></Error>" if code else ""

        def answer(request: Any, **_: Any) -> AWSResponse:
            asked.append(request.url)
            headers = {"content-type": "application/xml"}
            return AWSResponse(request.url, status, headers, _Raw(body.encode()))

        with self._struck(f"before-send.s3.{operation}", answer):
            yield asked

    @contextmanager
    def _struck(self, event: str, handler: Callable[..., Any]) -> Iterator[None]:
        self._events.register_first(event, handler)
        try:
            yield
        finally:
            self._events.unregister(event, handler)


class _Raw:
    """Body of an answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body
