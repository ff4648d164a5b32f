"""Who may ask the console for what.

A page elsewhere can have a browser send requests to 127.0.0.1, so what changes something has to
come from our own pages: same origin, and with the token that these carry. What a page may load, and
who may frame it, is told with each answer. What every request passes first is `console.gate`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from console.workspace import console_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_FIELD: Final = "token"
OWN_SITE: Final = ("same-origin", "none")
"""What `Sec-Fetch-Site` says of our own pages, and of an address that somebody typed."""

NOT_OURS: Final = (
    "This did not come from one of the console's pages. Open the page anew and repeat."
)

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Headers:
    """Adds the headers that keep a page to what is its own, unless it has said otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name.lower() for name, _ in message["headers"]}
                message["headers"] += [
                    (name.lower().encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.lower().encode() not in named
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def check_action(request: Request, form: Mapping[str, object]) -> None:
    """Refuse a POST that none of our own pages has sent.

    Raises
    ------
    HTTPException
        403, if its origin is another one, or it lacks the token.
    """
    check_origin(request)
    token = str(form.get(TOKEN_FIELD, ""))
    mine = console_of(request).token
    if not secrets.compare_digest(token.encode(), mine.encode()):
        raise HTTPException(403, NOT_OURS)


def check_origin(request: Request) -> None:
    """Refuse what a page elsewhere has a browser send; `check_action` does it, too.

    Alone it stands where the form is so large that it is not read before.

    Raises
    ------
    HTTPException
        403, if its origin is another one.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", OWN_SITE[0])
    host = request.headers.get("host")
    foreign = origin is not None and origin not in (f"http://{host}", f"https://{host}")
    if foreign or site not in OWN_SITE:
        raise HTTPException(403, NOT_OURS)
