"""Endpoints that change something: who asks is checked first, then one thing is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from console.security import check_action, check_origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.datastructures import FormData
    from starlette.requests import Request

MOST_FIELDS: Final = 10_000
"""Fields of a form: it has one for each dead letter that was chosen."""


def action(
    do: Callable[[Request, FormData], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that does something with the form which one of our pages has sent.

    Raises
    ------
    HTTPException
        403, if the form did not come from one of them.
    """

    async def endpoint(request: Request) -> Response:
        check_origin(request)  # before a form is read, which may be as large as a disk
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
            check_action(request, form)
            return await run_in_threadpool(do, request, form)

    return endpoint


def redirected(request: Request, address: str) -> Response:
    """Lead to another page; htmx, which asks for a part of this one, has the browser go there."""
    if request.headers.get("hx-request"):
        return Response(headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)
