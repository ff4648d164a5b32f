"""What every request passes first: by which name it calls the console, and whether it has the key.

Another name might lead here from a page elsewhere (DNS rebinding). And whoever works on the same
machine or in the same network can send requests, so where that matters the console has a key: its
address, opened once with `?key=`, leaves it in a cookie.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.rendering import page
from console.workspace import console_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

KEY_FIELD: Final = "key"
FREE: Final = ("/static/", "/sheets/", "/lib/")
"""Addresses of what everybody can read in the product anyway, and a refusal is shown with."""

WRONG_HOST: Final = (
    "This console does not answer by the name {}. Open it by the address that "
    "pipeline console prints, or have it listen on that name with --host."
)
NO_KEY: Final = (
    "This console answers only who has its key. Open it once by the whole address, with "
    "?key= at its end, that pipeline console has printed."
)


class Gate:
    """Answers requests that may not go on.

    Parameters
    ----------
    app
        What the others reach.
    hosts
        Names and addresses of this server; None if any may lead here, and the key decides.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        answer = None
        if scope["type"] == "http":
            request = Request(scope)
            answer = self._refused_host(request) or _refused_key(request)
        await (answer or self._app)(scope, receive, send)

    def _refused_host(self, request: Request) -> Response | None:
        said = request.headers.get("host", "")
        name = _host(said)
        if name is not None and (self._hosts is None or name in self._hosts):
            return None
        # The Host is a part of the request's address, which pages look at, and may be anything.
        request.scope["headers"] = [
            (key, value) for key, value in request.scope["headers"] if key != b"host"
        ]
        return _trouble(request, HTTPStatus.MISDIRECTED_REQUEST, WRONG_HOST.format(said or "–"))


def cookie_name(key: str) -> str:
    """Name of a console's cookie: browsers keep one jar for all ports of a host."""
    return f"console_{sha256(key.encode()).hexdigest()[:12]}"


def _host(said: str) -> str | None:
    """Return the name in a header `Host`, without port and brackets; None if it is none."""
    try:
        parts = urlsplit(f"//{said}")
        is_bare = parts.netloc == said and parts.username is None and parts.port != 0
    except ValueError:
        return None
    return parts.hostname if is_bare else None


def _refused_key(request: Request) -> Response | None:
    """Return the answer to who does not have the key, or has just brought it; None for others."""
    key = console_of(request).key
    if key is None or request.url.path.startswith(FREE):
        return None
    if _is_same(request.cookies.get(cookie_name(key), ""), key):
        return None
    given = request.query_params.get(KEY_FIELD, "")
    if request.method not in ("GET", "HEAD") or not _is_same(given, key):
        return _trouble(request, HTTPStatus.FORBIDDEN, NO_KEY)
    bare = URL(scope=request.scope).remove_query_params(KEY_FIELD)
    # Two slashes at its beginning would lead to another host.
    path = "/" + bare.path.lstrip("/")
    answer = RedirectResponse(f"{path}?{bare.query}" if bare.query else path, 303)
    answer.set_cookie(cookie_name(key), key, httponly=True, samesite="strict")
    return answer


def _is_same(given: str, key: str) -> bool:
    return secrets.compare_digest(given.encode(errors="replace"), key.encode())


def _trouble(request: Request, status: HTTPStatus, message: str) -> Response:
    return page(request, "trouble.html", status_code=status, message=message)
