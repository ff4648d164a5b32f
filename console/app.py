"""The console's application: its routes, its headers, and what it says when something fails."""

from __future__ import annotations

from traceback import format_exception
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from cli import trouble
from cli.errors import CliError, NotFoundError
from cli.paths import PROJECT
from console.gate import Gate
from console.pages import datasets, execution, executions, letters, report, rows, uploads
from console.rendering import page
from console.security import HEADERS, Headers
from console.workspace import Console, console_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

STATIC: Final = PROJECT / "console" / "static"
NODE_MODULES: Final = PROJECT / "node_modules"
LIBRARIES: Final = ("htmx.org", "@dagrejs/dagre")
"""Packages of package.json that browsers load, each from its folder `dist`."""


def application(console: Console, hosts: Collection[str] | None) -> Starlette:
    """Return the ASGI application.

    Parameters
    ----------
    console
        What it works on.
    hosts
        Names that requests may call this server by; None for any.
    """
    missing = [name for name in LIBRARIES if not _library(name).is_dir()]
    app = Starlette(
        routes=[
            Route("/", lambda _request: RedirectResponse("/executions"), name="home"),
            *executions.ROUTES,
            *execution.ROUTES,
            *rows.ROUTES,
            *report.ROUTES,
            *letters.ROUTES,
            *datasets.ROUTES,
            *uploads.ROUTES,
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *[
                Mount(f"/lib/{name}", StaticFiles(directory=_library(name)))
                for name in LIBRARIES
                if name not in missing
            ],
        ],
        middleware=[
            Middleware(Headers),
            Middleware(Gate, hosts=hosts),
        ],
        exception_handlers={
            HTTPException: _refused,
            NotFoundError: _unknown,
            CliError: _troubled,
            BotoCoreError: _troubled,
            ClientError: _troubled,
            Exception: _unforeseen,
        },
    )
    app.state.console = console
    app.state.missing_libraries = missing
    return app


def _library(name: str) -> Path:
    """Folder of what browsers load of a package."""
    return NODE_MODULES / name / "dist"


def _refused(request: Request, error: Exception) -> Response:
    """Page about a request that cannot be answered."""
    assert isinstance(error, HTTPException)
    here = request.url.path
    message = {
        "Not Found": f"There is no page {here} here. Go on from the list of executions.",
        "Method Not Allowed": f"{here} takes no {request.method}. Go there from one of the pages.",
    }.get(error.detail, error.detail)
    return page(request, "trouble.html", status_code=error.status_code, message=message)


def _unknown(request: Request, error: Exception) -> Response:
    """Page about something that is not there, or no more."""
    return page(request, "trouble.html", status_code=404, message=str(error))


def _troubled(request: Request, error: Exception) -> Response:
    """Page about foreseeable trouble, in the words of the command line."""
    console_of(request).forget()
    message = trouble.line(error) or str(error)
    return page(request, "trouble.html", status_code=503, message=message)


def _unforeseen(request: Request, error: Exception) -> Response:
    """Page about a fault of the console's own; the server logs it.

    It is answered outside of all that adds headers.
    """
    answer = page(
        request,
        "trouble.html",
        status_code=500,
        message=f"The console has a fault: {type(error).__name__}: {error}. Load the page anew; "
        "if that does not help, report the stack trace below.",
        trace="".join(format_exception(error)),
    )
    answer.headers.update(HEADERS)
    return answer
